"""Filters and orders of the gallery: shapes, sizes, formats; cursors; counts; and no query per picture."""

import re
from typing import Any, get_args

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.core.database import Database
from app.core.errors import Invalid
from app.images import service, service_counts
from app.images.records import Filters, Narrowing, Order, Shape, Size
from app.images.service_filters import resolve_filters
from app.images.service_order import check_order, read_cursor
from ml.datasets.items import Item
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery, picture

ORDERS: tuple[Order, ...] = get_args(Order)


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds", public=True)


async def sized(gallery: Gallery, anna: Viewer, birds: Collection, *sizes: tuple[int, int]) -> list[int]:
    """Pictures that are said to be of these sizes."""
    ids = await gallery.pictures(anna, birds, range(len(sizes)))
    async with gallery.intake.db.transaction() as conn:
        for image_id, (width, height) in zip(ids, sizes, strict=True):
            await conn.execute("UPDATE image SET width = %s, height = %s WHERE id = %s", (width, height, image_id))
    return ids


async def found(db: Database, **asked: Any) -> set[int]:
    filters, _ = await resolve_filters(db, NOBODY, Narrowing(**asked))
    images = (await service.list_images(db, NOBODY, filters)).images
    assert (await service_counts.facets(db, NOBODY, filters)).total == len(images)
    return {image.id for image in images}


async def test_every_picture_has_one_shape_and_one_size(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    shapes: dict[tuple[int, int], tuple[Shape, Size]] = {
        (1000, 1000): ("square", "medium"),
        (999, 1000): ("square", "small"),
        (1000, 950): ("square", "small"),
        (1000, 949): ("landscape", "small"),
        (949, 1000): ("portrait", "small"),
        (4000, 2001): ("landscape", "large"),
        (4000, 2000): ("panorama", "large"),
        (3999, 2000): ("landscape", "medium"),
        (30, 60): ("panorama", "small"),
        (1, 1): ("square", "small"),
        (100_000, 100_000): ("square", "large"),
    }
    ids = await sized(gallery, anna, birds, *shapes)
    for shape in get_args(Shape):
        assert await found(db, shape=shape) == {
            one for one, (kind, _) in zip(ids, shapes.values(), strict=True) if kind == shape
        }, shape
    for size in get_args(Size):
        assert await found(db, size=size) == {
            one for one, (_, kind) in zip(ids, shapes.values(), strict=True) if kind == size
        }, size
    assert await found(db, shape="square", size="large") == {ids[-1]}


async def test_formats_are_told_apart_and_a_cameras_mpo_is_a_jpeg(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    kinds = ("PNG", "JPEG", "WEBP", "JPEG")
    items = [Item(f"{number}", f"{number}", picture(number, kind=kind)) for number, kind in enumerate(kinds)]
    ids = [one.image_id for one in await gallery.add(anna, birds, items)]
    async with db.transaction() as conn:
        await conn.execute("UPDATE image SET format = 'MPO' WHERE id = %s", (ids[3],))
    assert await found(db, format="PNG") == {ids[0]}
    assert await found(db, format="jpeg") == {ids[1], ids[3]}
    assert await found(db, format="GIF") == set()


@pytest.mark.parametrize(
    "asked", [{"shape": "round"}, {"size": "huge"}, {"format": "SVG"}, {"format": "'"}, {"shape": "Square "}]
)
async def test_a19_filters_and_orders_are_allow_listed(db: Database, client: Client, asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await resolve_filters(db, NOBODY, Narrowing(**asked))
    for path in ("/", "/api/v1/images"):
        assert (await client.get(path, params=asked)).status_code == 422
        assert (await client.get(path, params={"order": "random()"})).status_code == 422
    with pytest.raises(Invalid):
        check_order("id; DROP TABLE image")


@pytest.mark.parametrize("order", ORDERS)
async def test_c4_each_order_lists_every_picture_once_and_in_order(
    gallery: Gallery, anna: Viewer, birds: Collection, order: Order
) -> None:
    db = gallery.intake.db
    names = ["b.png", "B.png", "a.png", "Émile.png", "e" * 300, "e" * 299 + "f", "b.png", "10.png", "9.png"]
    items = [Item(name, name, picture(number)) for number, name in enumerate(names)]
    ids = [one.image_id or 0 for one in await gallery.add(anna, birds, items)]
    async with db.transaction() as conn:
        for number, image_id in enumerate(ids):
            await conn.execute(
                "UPDATE image SET width = %s, height = 10, filename = %s WHERE id = %s",
                (100 * (number % 3 + 1), names[number], image_id),
            )
    seen: list[int] = []
    cursor = None
    while True:
        page = await service.list_images(db, NOBODY, Filters(), order=order, cursor=cursor, limit=2)
        seen += [image.id for image in page.images]
        assert len(seen) <= len(ids)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(ids)
    whole = [image.id for image in (await service.list_images(db, NOBODY, Filters(), order=order)).images]
    assert seen == whole
    if order == "newest":
        assert seen == sorted(ids, reverse=True)
    if order == "oldest":
        assert seen == sorted(ids)
    if order == "largest":
        assert [ids.index(one) % 3 for one in seen] == [2, 2, 2, 1, 1, 1, 0, 0, 0]
    if order == "name":
        lower = [names[ids.index(one)].lower() for one in seen]
        assert [one for one in lower if one.startswith("b")] == ["b.png"] * 3
        assert lower.index("a.png") < lower.index("b.png") < lower.index("e" * 300)


async def test_a18_a_cursor_tells_and_needs_nothing_of_what_is_hidden(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    """A cursor is a place, not a picture: that of a hidden one places nothing by its name or size."""
    db = gallery.intake.db
    await gallery.pictures(anna, birds, range(3))
    (hidden,) = await gallery.pictures(anna, await gallery.collection(anna, "Hidden"), [9])
    for order in ORDERS:
        pages: list[list[int]] = []
        for image_id in (hidden, 2**40):
            cursor = {"name": f"{image_id}.MS5wbmc", "largest": f"{image_id}.6144"}.get(order, str(image_id))
            page = await service.list_images(db, NOBODY, Filters(), order=order, cursor=cursor)
            pages.append([image.id for image in page.images])
        assert pages[0] == pages[1], order


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "text", ["x", "-1", "1.", "1.x.y", "1.é", ".", "9" * 30, "1.%00", "1.____", "1." + "9" * 30, "1.AAAA=", "²"]
)
def test_what_is_no_cursor_is_refused(order: Order, text: str) -> None:
    try:
        mark = read_cursor(order, text)
    except Invalid:
        return
    assert order == "name", "any base64 may be a name"
    assert mark is not None
    assert "\0" not in mark.name


async def test_c5_filters_and_order_are_in_every_link(client: Client, gallery: Gallery, anna: Viewer) -> None:
    birds = await gallery.collection(anna, "Birds", public=True)
    await gallery.pictures(anna, birds, range(service.PAGE_SIZE + 2), ["robin"])
    asked = {"collection": str(birds.id), "shape": "landscape", "size": "small", "format": "PNG", "order": "name"}
    page = (await client.get("/", params=asked)).text
    more = re.search(r'<a class="button" href="([^"]+)"', page)
    label = re.search(r'<a class="chip" href="(/\?[^"]*label=robin[^"]*)"', page)
    assert more is not None
    assert label is not None
    for link in (more.group(1), label.group(1)):
        assert [name for name, value in asked.items() if f"{name}={value}" not in link] == []
    rest = (await client.get(more.group(1).replace("&amp;", "&"))).text
    assert rest.count('class="tile__link"') == 2
    listed = (await client.get("/api/v1/images", params={**asked, "limit": 500})).json()["images"]
    assert [one["filename"] for one in listed] == sorted(f"{number}.png" for number in range(service.PAGE_SIZE + 2))


async def test_facets_count_what_matches(client: Client, gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    ids = await sized(gallery, anna, birds, (100, 100), (100, 100), (200, 100), (300, 100))
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("INSERT INTO label (name) VALUES ('sea')")
        await conn.execute(
            "INSERT INTO image_label SELECT image.id, label.id, 1 FROM image, label WHERE image.id <> %s", (ids[0],)
        )
    for shape, total, labelled in ((None, 4, 3), ("square", 2, 1), ("panorama", 2, 2), ("portrait", 0, 0)):
        filters, _ = await resolve_filters(gallery.intake.db, NOBODY, Narrowing(shape=shape))
        facets = await service_counts.facets(gallery.intake.db, NOBODY, filters)
        assert (facets.total, [one.count for one in facets.labels]) == (total, [labelled] if labelled else [])


async def test_searches_take_the_same_filters(
    client: Client, gallery: Gallery, anna: Viewer, birds: Collection, caught_up: CaughtUp
) -> None:
    ids = await sized(gallery, anna, birds, (100, 100), (100, 100), (300, 100))
    await gallery.embed()
    await caught_up()
    path = f"/images/{ids[0]}/similar"
    answer = await client.get(f"/api/v1{path}", params={"shape": "panorama"})
    assert [one["image_id"] for one in answer.json()["results"]] == [ids[2]]
    page = (await client.get(path, params={"shape": "square", "size": "small", "format": "png"})).text
    assert re.findall(r'<a class="tile__link" href="/images/(\d+)"', page) == [str(ids[1])]


@pytest.mark.parametrize("path", ["/", "/?order=name", "/collections/Birds", "/collections"])
async def test_no_page_asks_the_database_for_each_picture(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    browser = await sign_in(anna)
    asked: list[str] = []
    execute = psycopg.AsyncCursor[Any].execute

    async def counted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(str(query))
        return await execute(self, query, *args, **kwargs)

    counts: list[int] = []
    for seeds in (range(2), range(2, 40)):
        await gallery.pictures(anna, birds, seeds, ["robin", "small"])
        await browser.get(path)  # what is remembered per session and process is so now
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", counted)
        visits: list[int] = []
        for _ in range(3):  # followers of the log ask beside them now and then
            asked.clear()
            assert (await browser.get(path)).status_code == 200
            visits.append(len(asked))
        counts.append(min(visits))
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", execute)
    assert counts[0] == counts[1]
    assert 0 < counts[1] < 25


@pytest.mark.parametrize("path", ["/", "/?text=png&before=2999-01-01&label=robin", "/collections/Birds"])
async def test_a_page_takes_one_connection(
    gallery: Gallery, anna: Viewer, birds: Collection, client: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await gallery.pictures(anna, birds, range(2), ["robin"])
    await client.get(path)
    taken: list[None] = []
    connection = AsyncConnectionPool[Any].connection

    def counted(self: Any, timeout: float | None = None) -> Any:
        taken.append(None)
        return connection(self, timeout)

    monkeypatch.setattr(AsyncConnectionPool, "connection", counted)
    visits: list[int] = []
    for _ in range(3):  # followers of the log take some beside it now and then
        taken.clear()
        assert (await client.get(path)).status_code == 200
        visits.append(len(taken))
    assert min(visits) == 1


async def test_each_filter_in_force_is_taken_off_by_its_chip(client: Client) -> None:
    asked = {"text": "sea", "after": "2026-03-01", "shape": "square", "size": "large", "format": "PNG", "order": "name"}
    page = (await client.get("/", params=asked)).text
    for name, words in {"text": "“sea”", "after": "From 1 March 2026", "shape": "Square", "format": "PNG"}.items():
        chip = re.search(rf'href="([^"]+)"[^>]*>(?:(?!</a>).)*<span class="chip__text">{words}</span>', page)
        assert chip is not None, name
        assert f"{name}=" not in chip.group(1)
        assert [other for other in asked if other != name and f"{other}=" not in chip.group(1)] == []
