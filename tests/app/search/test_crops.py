"""Search by a part of a picture: stored or uploaded, by form and by JSON."""

import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.accounts.records import NOBODY, Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.errors import Invalid, NotFound
from app.images import service as images
from app.search import service, service_queries
from app.search.records import SearchOptions
from app.search.service import Engine
from ml.crop import Crop
from ml.datasets.items import Item
from tests.app.search.test_pages import ask, tiles
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery, picture

ALL = SearchOptions(100)
RIGHT = Crop(0.5, 0, 0.5, 1)


def beside(left: int, right: int) -> bytes:
    """Two drawn pictures in one: the parts of it are those of the gallery."""
    halves = [np.asarray(Image.open(io.BytesIO(picture(seed)))) for seed in (left, right)]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(halves, axis=1)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    """Pictures of seeds 0 to 5, and last one that shows 1 on its left and 3 on its right."""
    ids = await gallery.pictures(anna, birds, range(6))
    (both,) = await gallery.add(anna, birds, [Item("both.png", "both.png", beside(1, 3))])
    await gallery.embed()
    assert both.image_id is not None
    return [*ids, both.image_id]


@pytest.fixture
async def followed(engine: Engine, ids: list[int]) -> None:
    await engine.live.refresh()


@pytest.mark.usefixtures("followed")
async def test_c8_a_part_of_a_stored_picture_finds_what_it_shows(engine: Engine, ids: list[int]) -> None:
    for crop, seed in ((Crop(0, 0, 0.5, 1), 1), (RIGHT, 3), (Crop(0.5, -1, 9, 9), 3)):
        results = await service.search_by_crop(engine, NOBODY, ids[6], crop, ALL)
        assert results.hits[0].image.id == ids[seed]
        assert results.hits[0].score == pytest.approx(1, abs=1e-3)
        assert ids[6] not in [hit.image.id for hit in results.hits], "itself is left out"


@pytest.mark.usefixtures("followed")
async def test_c8_a_part_becomes_a_query_of_its_own(engine: Engine, anna: Viewer, ids: list[int]) -> None:
    stored = await service_queries.create_crop_of_image(engine, anna, ids[6], RIGHT)
    uploaded = await service_queries.create_query(engine, anna, beside(1, 3), "mine.png")
    cut = await service_queries.create_crop_of_query(engine, anna, uploaded, RIGHT)
    other = await service_queries.create_crop_of_query(engine, anna, stored, Crop(0, 0, 0.5, 1))
    found = {}
    for query_id, image_id, best in ((stored, ids[6], 3), (cut, None, 3), (other, ids[6], 1)):
        query, results = await service_queries.run_query(engine, anna, query_id, ALL)
        assert (query.image_id, query.width, query.height) == (image_id, 192, 64)
        assert results.hits[0].image.id == ids[best]
        found[query_id] = query.crop
    assert found == {stored: list(RIGHT), cut: list(RIGHT), other: [0, 0, 0.5, 1]}
    assert await service_queries.query_thumbnail(engine, anna, cut) == await service_queries.query_thumbnail(
        engine, anna, uploaded
    )
    with pytest.raises(NotFound):
        await service_queries.query_thumbnail(engine, anna, stored)


@pytest.mark.usefixtures("followed")
@pytest.mark.parametrize("crop", [Crop(1, 0, 1, 1), Crop(0, 0, 0, 1), Crop(float("nan"), 0, 1, 1), Crop(0, 0, 0.05, 1)])
async def test_a30_a_part_that_cannot_be_is_refused(engine: Engine, anna: Viewer, ids: list[int], crop: Crop) -> None:
    uploaded = await service_queries.create_query(engine, anna, beside(1, 3), "mine.png")
    with pytest.raises(Invalid):
        await service.search_by_crop(engine, NOBODY, ids[6], crop, ALL)
    with pytest.raises(Invalid):
        await service.search_by_picture(engine, NOBODY, beside(1, 3), ALL, crop)
    with pytest.raises(Invalid):
        await service_queries.create_crop_of_image(engine, NOBODY, ids[6], crop)
    with pytest.raises(Invalid):
        await service_queries.create_crop_of_query(engine, anna, uploaded, crop)


@pytest.mark.usefixtures("followed")
async def test_a17_the_part_of_a_picture_that_is_hidden_by_now_is_as_missing_as_none(
    engine: Engine, gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int]
) -> None:
    kept = await service_queries.create_crop_of_image(engine, NOBODY, ids[6], RIGHT)
    await service_queries.run_query(engine, NOBODY, kept, ALL)
    await collections.update(gallery.intake.db, anna, birds.id, name="Birds", description="", is_public=False)
    said: set[str] = set()
    for attempt in (kept, await service_queries.create_query(engine, anna, picture(1), "anna's.png")):
        for verb in (
            service_queries.run_query(engine, NOBODY, attempt, ALL),
            service_queries.create_crop_of_query(engine, NOBODY, attempt, RIGHT),
            service_queries.query_thumbnail(engine, NOBODY, attempt),
        ):
            with pytest.raises(NotFound) as refused:
                await verb
            said.add(refused.value.detail)
    assert len(said) == 1
    with pytest.raises(NotFound):
        await service_queries.create_crop_of_image(engine, NOBODY, ids[6], RIGHT)


@pytest.mark.usefixtures("followed")
async def test_a_purged_picture_takes_its_parts_along(
    engine: Engine, gallery: Gallery, anna: Viewer, ids: list[int]
) -> None:
    await service_queries.create_crop_of_image(engine, anna, ids[6], RIGHT)
    await images.trash(gallery.intake.db, anna, ids[6])
    await images.purge(gallery.intake.db, gallery.intake.blobs, anna, ids[6])
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT count(*) FROM query")
        assert await cursor.fetchone() == (0,)


# The pages.

HALF = {"x": "50", "y": "0", "width": "50", "height": "100"}


@pytest.fixture
async def shown(ids: list[int], caught_up: CaughtUp) -> list[int]:
    await caught_up()
    return ids


async def cut(browser: Client, address: str, data: dict[str, str] = HALF) -> httpx.Response:
    return await browser.post(f"{address}/crops", data=data)


async def test_c8_the_form_of_numbers_leads_to_results_that_show_the_part(client: Client, shown: list[int]) -> None:
    picture_page = (await client.get(f"/images/{shown[6]}")).text
    assert f'action="/images/{shown[6]}/crops"' in picture_page
    made = await cut(client, f"/images/{shown[6]}")
    assert made.status_code == 303
    page = (await client.get(made.headers["location"])).text
    assert tiles(page)[0] == shown[3]
    assert "both.png, from 50 % left and 0 % top: 50 % wide, 100 % high" in page
    assert 'viewBox="0 0 192 64"' in page
    assert 'x="96.0" y="0.0" width="96.0" height="64.0"' in page
    assert f'src="/images/{shown[6]}/thumbnails/512"' in page


async def test_c8_a_part_of_an_uploaded_picture(client: Client, shown: list[int], sign_in: SignIn) -> None:
    file = {"file": ("mine.png", beside(1, 3), "image/png")}
    where = (await client.post("/queries", files=file)).headers["location"]
    made = (await cut(client, where)).headers["location"]
    assert made != where
    page = (await client.get(made)).text
    assert tiles(page)[0] == shown[3]
    assert f'action="{made}/crops"' in page
    assert (await client.get(f"{made}/picture")).headers["content-type"] == "image/webp"


@pytest.mark.parametrize("wrong", [{"x": "left"}, {"width": ""}, {"width": "0"}, {"x": "200"}, {"height": "nan"}])
async def test_a_form_that_cannot_be_is_refused_in_words(
    client: Client, shown: list[int], wrong: dict[str, str]
) -> None:
    answer = await cut(client, f"/images/{shown[6]}", {**HALF, **wrong})
    assert answer.status_code == 422
    missing = await cut(client, f"/images/{shown[6]}", {"x": "1"})
    assert missing.status_code == 422
    assert "per cent" in missing.text


async def test_what_is_known_to_be_there_is_offered(client: Client, gallery: Gallery, shown: list[int]) -> None:
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("INSERT INTO label (name) VALUES ('dog'), ('speck')")
        await conn.execute(
            """
            INSERT INTO image_box (image_id, position, label_id, x, y, width, height)
            SELECT %s, position, label.id, 96, 0, width, 64
            FROM label JOIN (VALUES (0, 'dog', 48), (1, 'speck', 5)) AS box (position, name, width) USING (name)
            """,
            (shown[6],),
        )
    for address in (f"/images/{shown[6]}", f"/images/{shown[6]}/similar"):
        page = (await client.get(address)).text
        assert 'name="x" value="50.0"' in page, address
        assert 'name="width" value="25.0"' in page, address
        assert "dog</span>" in page
        assert "speck</span>\n    </form>" not in page, "too small to search by"


# The API.


def found(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [one["image_id"] for one in answer.json()["results"]]


async def test_c8_by_json_beside_an_id_and_beside_a_file(client: Client, shown: list[int]) -> None:
    region = {"x": 0.5, "y": 0, "width": 0.5, "height": 1}
    by_id = await client.post("/api/v1/search", json={"image_id": shown[6], "region": region, "k": 1})
    file = {"file": ("both.png", beside(1, 3), "image/png")}
    by_file = await client.post("/api/v1/search", files=file, data={"region": json.dumps(region), "k": "1"})
    assert found(by_id) == found(by_file) == [shown[3]]


@pytest.mark.parametrize(
    "region",
    [
        {"x": 0.5},
        {"x": 0.5, "y": 0, "width": 0.01, "height": 1},
        {"x": 2, "y": 0, "width": 1, "height": 1},
        {"x": "left", "y": 0, "width": 1, "height": 1},
        {"x": 0, "y": 0, "width": 1, "height": 1, "depth": 1},
        [0, 0, 1, 1],
    ],
)
async def test_a30_a_region_that_cannot_be_is_refused(client: Client, shown: list[int], region: Any) -> None:
    file = {"file": ("both.png", beside(1, 3), "image/png")}
    for answer in (
        await client.post("/api/v1/search", json={"image_id": shown[6], "region": region}),
        await client.post("/api/v1/search", files=file, data={"region": json.dumps(region)}),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_region_is_of_one_picture(client: Client, shown: list[int]) -> None:
    region = {"x": 0, "y": 0, "width": 1, "height": 1}
    answer = await client.post("/api/v1/search", json={"liked": shown[:1], "region": region})
    assert answer.status_code == 422
    assert (await client.post("/api/v1/search", json={"image_id": 99_999, "region": region})).status_code == 404


async def test_a_persons_part_is_theirs(client: Client, anna: Viewer, shown: list[int], sign_in: SignIn) -> None:
    own = await sign_in(anna)
    made = (await cut(own, f"/images/{shown[6]}")).headers["location"]
    assert (await own.get(made)).status_code == 200
    assert (await client.get(made)).status_code == 404
    theirs = await ask(own, 1)
    assert (await cut(client, theirs)).status_code == 404
