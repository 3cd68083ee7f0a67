"""Copies of a picture: the same file in other hands, the same picture saved again, and how results show them."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.core.errors import NotFound
from app.images.service_families import compare_uncompared
from app.search import service_copies
from app.search.copies import list_near
from app.search.service import Engine
from ml.datasets.items import Item
from ml.perceptual import BITS, COPY_DISTANCE
from tests.app.search.test_pages import ask, tiles
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery, picture

PHOTO = picture(1, (192, 128))


def saved_again(quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(PHOTO)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture
async def ben(gallery: Gallery) -> Viewer:
    return await gallery.person("ben")


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, ben: Viewer, birds: Collection) -> dict[str, int]:
    """Anna's picture and what is the same: Ben's in public and in private, and one saved again; and others."""
    await gallery.pictures(anna, birds, range(2, 8))
    public = await gallery.collection(ben, "Ben's birds", public=True)
    private = await gallery.collection(ben, "Ben's own")
    made: dict[str, int] = {}
    for name, owner, collection, content in (
        ("anna's", anna, birds, PHOTO),
        ("again", anna, birds, saved_again(60)),
        ("ben's", ben, public, PHOTO),
        ("hidden", ben, private, saved_again(90)),
    ):
        (outcome,) = await gallery.add(owner, collection, [Item(f"{name}.png", f"{name}.png", content)])
        assert outcome.image_id is not None
        made[name] = outcome.image_id
    return made


@pytest.fixture
async def followed(gallery: Gallery, engine: Engine, ids: dict[str, int]) -> None:
    await gallery.embed()
    await engine.live.refresh()


async def names(engine: Engine, viewer: Viewer, image_id: int) -> list[tuple[str, bool, list[str]]]:
    found = await service_copies.list_copies(engine, viewer, image_id)
    assert found.complete
    return [(one.image.filename, one.same_file, [place.name for place in one.standings]) for one in found.copies]


@pytest.mark.usefixtures("followed")
async def test_the_same_file_comes_first_then_what_was_saved_again(
    engine: Engine, ben: Viewer, ids: dict[str, int]
) -> None:
    same, again = ("ben's.png", True, ["Ben's birds"]), ("again.png", False, ["Birds"])
    assert await names(engine, NOBODY, ids["anna's"]) == [same, again]
    first, *others = await names(engine, ben, ids["anna's"])
    assert first == same
    assert sorted(others) == [again, ("hidden.png", False, ["Ben's own"])]


@pytest.mark.usefixtures("followed")
async def test_a17_a_hidden_pictures_copies_are_nobodys(engine: Engine, ids: dict[str, int]) -> None:
    for image_id in (ids["hidden"], 99_999):
        with pytest.raises(NotFound, match="no such picture"):
            await service_copies.list_copies(engine, NOBODY, image_id)


async def test_before_it_is_embedded_the_same_file_is_found_all_the_same(
    gallery: Gallery, engine: Engine, anna: Viewer, birds: Collection, ids: dict[str, int]
) -> None:
    nothing_answers = await service_copies.list_copies(engine, NOBODY, ids["anna's"])
    assert not nothing_answers.complete
    assert [one.image.id for one in nothing_answers.copies] == [ids["ben's"]]


def test_a_hash_that_cannot_tell_has_no_copies() -> None:
    telling = bytes([0b10101010] * (BITS // 8))
    bits = np.unpackbits(np.frombuffer(telling, np.uint8))

    def changed(count: int) -> bytes:
        other = bits.copy()
        other[:count] ^= 1
        return np.packbits(other).tobytes()

    hashes = {1: telling, 2: changed(COPY_DISTANCE), 3: changed(COPY_DISTANCE + 2), 4: bytes(BITS // 8)}
    assert list_near(telling, hashes) == [1, 2]
    assert list_near(bytes(BITS // 8), hashes) == []
    assert list_near(None, hashes) == list_near(telling, {}) == []


# The pages.


@pytest.fixture
async def shown(gallery: Gallery, ids: dict[str, int], caught_up: CaughtUp) -> dict[str, int]:
    await gallery.embed()
    await caught_up()
    return ids


async def test_copies_are_one_result_with_a_link_that_shows_them(client: Client, shown: dict[str, int]) -> None:
    where = await ask(client, 1)
    page = (await client.get(where)).text
    family = {shown["anna's"], shown["ben's"], shown["again"]}
    (best,) = family & set(tiles(page))
    assert f'<a class="tile__copies" href="/images/{best}/copies"' in page
    assert page.count('class="tile__copies"') == 1
    every = (await client.get(where, params={"copies": "true"})).text
    assert family < set(tiles(every))
    assert 'class="tile__copies"' not in every
    copies = (await client.get(f"/images/{best}/copies")).text
    assert copies.count('class="copies__picture"') == 2
    assert "hidden.png" not in copies


async def test_a_pictures_page_loads_its_copies_as_a_part(client: Client, shown: dict[str, int]) -> None:
    page = "/images/" + str(shown["anna's"])
    where = f"{page}/copies"
    assert f'hx-get="{where}"' in (await client.get(page)).text
    part = (await client.get(where, headers={"hx-request": "true", "hx-target": "copies"})).text
    assert part.lstrip().startswith('<section class="copies" id="copies" data-announce="2 copies of this picture"')


async def test_a_picture_without_copies_says_so(client: Client, shown: dict[str, int], ids: dict[str, int]) -> None:
    other = tiles((await client.get("/")).text)[-1]
    page = (await client.get(f"/images/{other}/copies")).text
    assert "No other picture that you may see is a copy of this one." in page
    part = (await client.get(f"/images/{other}/copies", headers={"hx-request": "true"})).text
    assert "<h2>" not in part


async def test_where_a_picture_came_from_is_its_owners(
    client: Client, gallery: Gallery, ben: Viewer, anna: Viewer, birds: Collection, sign_in: SignIn
) -> None:
    (outcome,) = await gallery.add(anna, birds, [Item("robin.png", "holiday/robin.png", picture(90))])
    where = f"/images/{outcome.image_id}"
    assert "holiday/robin.png" in (await (await sign_in(anna)).get(where)).text
    for other in (client, await sign_in(ben)):
        assert "holiday" not in (await other.get(where)).text


async def test_c5_lists_and_searches_are_narrowed_to_pictures_with_copies(
    client: Client, gallery: Gallery, shown: dict[str, int]
) -> None:
    await compare_uncompared(gallery.intake.db)
    copied = {shown["anna's"], shown["ben's"], shown["again"]}
    everything = (await client.get("/api/v1/images", params={"has_copies": "false"})).json()["images"]
    other = next(one["image_id"] for one in everything if one["image_id"] not in copied)
    assert len(everything) == 9
    answers = [
        await client.get("/api/v1/images", params={"has_copies": "true"}),
        await client.get(f"/api/v1/images/{other}/similar", params={"has_copies": "true"}),
        await client.post("/api/v1/search", json={"image_id": other, "has_copies": True}),
        await client.post("/api/v1/search", files={"file": ("1.png", PHOTO)}, data={"has_copies": "True"}),
    ]
    for answer in answers:
        listed = answer.json().get("images") or answer.json()["results"]
        assert {one["image_id"] for one in listed} == copied
    refused = [
        await client.get("/api/v1/images", params={"has_copies": "perhaps"}),
        await client.post("/api/v1/search", json={"image_id": other, "has_copies": "perhaps"}),
        await client.post("/api/v1/search", files={"file": ("1.png", PHOTO)}, data={"has_copies": "perhaps"}),
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 422]


async def test_c5_c14_pages_are_narrowed_to_pictures_with_copies(
    client: Client, gallery: Gallery, shown: dict[str, int]
) -> None:
    await compare_uncompared(gallery.intake.db)
    copied = {shown["anna's"], shown["ben's"], shown["again"]}
    box = '<input type="checkbox" name="has_copies" value="true"'
    assert f"{box}>" in (await client.get("/")).text
    narrowed = (await client.get("/", params={"has_copies": "true", "format": "PNG"})).text
    assert f"{box} checked>" in narrowed
    assert set(tiles(narrowed)) == copied - {shown["again"]}
    assert re.search(r'href="/\?format=PNG"[^>]*>(?:(?!</a>).)*<span class="chip__text">With copies</span>', narrowed)
    asked = shown["ben's"]
    where = f"/images/{asked}/similar"
    each = (await client.get(where, params={"has_copies": "true", "copies": "true"})).text
    assert set(tiles(each)) == copied - {asked}
    assert f"{box} checked>" in each
    assert '<input type="hidden" name="has_copies" value="true">' in each, "examples keep it"
    assert len(tiles((await client.get(where, params={"has_copies": "true"})).text)) == 1, "copies are one result"
