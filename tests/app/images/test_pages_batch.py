"""Steps on ticked pictures: the forms of a grid, what is told, undo, and the ZIP of originals."""

import io
import re
from zipfile import ZipFile

import pytest
from PIL import Image

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.blobs import BlobStore
from app.images import service
from app.images.service_batch import MAX_DOWNLOAD
from ml.datasets.items import Item
from tests.conftest import Client, SignIn
from tests.factories import Gallery, data_of, picture
from tests.ml.test_metadata import written


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds", public=True)


def undo_of(page: str) -> str:
    """Where the page's notice leads to undo what was done."""
    found = re.search(r'action="(/undo/[^"]+)"', page)
    assert found is not None
    return found.group(1).replace("&amp;", "&")


def tiles(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'<a class="tile__link" href="/images/(\d+)"', page)]


async def test_c9_c14_many_are_chosen_by_a_plain_form_and_undone_by_another(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn
) -> None:
    ids = await gallery.pictures(anna, birds, range(4))
    browser = await sign_in(anna)
    path = f"/collections/{birds.id}"
    page = (await browser.get(path)).text
    assert [int(one) for one in re.findall(r'name="ids" value="(\d+)"', page)] == sorted(ids, reverse=True)
    form = {"action": "trash", "ids": [str(one) for one in ids[:3]], "back": path}
    done = await browser.post("/images/batch", data=form)
    assert (done.status_code, done.headers["location"]) == (303, path)
    page = (await browser.get(path)).text
    assert "3 pictures moved to the trash." in page
    assert tiles(page) == [ids[3]]
    undone = await browser.post(undo_of(page))
    assert undone.headers["location"] == path
    page = (await browser.get(path)).text
    assert "Undone for 3 pictures." in page
    assert tiles(page) == sorted(ids, reverse=True)


async def test_c10_undo_works_once_and_tells_so(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn
) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1], ["robin"])
    browser, path = await sign_in(anna), f"/images/{image_id}"
    await browser.post(f"{path}/trash")
    undo = undo_of((await browser.get(path)).text)
    await browser.post(undo)
    assert "Undone for 1 picture." in (await browser.get(path)).text
    await browser.post(undo)
    assert "undone already" in (await browser.get(path)).text
    await browser.post(path, data={"caption": "", "labels": "wren"})
    undo = undo_of((await browser.get(path)).text)
    await browser.post(undo)
    assert "?label=robin" in (await browser.get(path)).text
    await browser.post(path, data={"caption": "A wren", "labels": "robin"})
    assert "/undo/" not in (await browser.get(path)).text, "a caption alone is not undone"


async def test_a_grid_with_scripts_gets_a_toast(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn
) -> None:
    ids = await gallery.pictures(anna, birds, range(2))
    browser = await sign_in(anna)
    form = {"action": "trash", "ids": [str(ids[0]), "999999"], "back": "/?label=x"}
    toast = (await browser.post("/images/batch", data=form, headers={"hx-request": "true"})).text
    assert "<html" not in toast
    assert f'data-gone="{ids[0]}"' in toast
    assert "1 picture moved to the trash. 1 picture not yours to change." in toast
    assert undo_of(toast).endswith("?back=%2F%3Flabel%3Dx")


@pytest.mark.parametrize(
    "form",
    [
        {"action": "trash"},
        {"action": "trash", "ids": "x"},
        {"action": "trash", "ids": "-1"},
        {"action": "trash", "ids": "9" * 30},
        {"action": "erase", "ids": "1"},
        {"ids": "1"},
        {"action": "add", "ids": "1"},
        {"action": "label", "ids": "1", "labels": " , "},
    ],
)
async def test_a_form_that_lacks_something_is_refused_in_words(
    anna: Viewer, sign_in: SignIn, form: dict[str, str]
) -> None:
    answer = await (await sign_in(anna)).post("/images/batch", data=form)
    assert answer.status_code == 422
    assert "That cannot be used" in answer.text


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example", ""])
async def test_a_step_leads_back_to_this_site_only(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn, back: str
) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1])
    browser = await sign_in(anna)
    done = await browser.post("/images/batch", data={"action": "trash", "ids": str(image_id), "back": back})
    assert done.headers["location"] == "/"
    undone = await browser.post(undo_of((await browser.get("/")).text), params={"back": back})
    assert undone.headers["location"] == "/"


async def test_a18_no_collection_of_others_stands_in_the_bar(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn, client: Client
) -> None:
    ben = await gallery.person("ben")
    await gallery.pictures(anna, birds, [1])
    await gallery.collection(anna, "Hidden")
    shared = await gallery.collection(anna, "Looked at")
    await collections.add_member(gallery.intake.db, anna, shared.id, "ben", "viewer")
    await gallery.collection(ben, "Mine")
    for path in ("/", f"/collections/{birds.id}"):
        bar = (await (await sign_in(ben)).get(path)).text.split('id="batch"')[1]
        assert "Mine" in bar
        assert "Hidden" not in bar
        assert "Looked at" not in bar
        assert 'name="source"' not in bar
        assert 'value="trash"' not in (await client.get(path)).text.split('id="batch"')[1]


async def test_a26_a_zip_holds_each_original_as_its_viewer_may_have_it(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn, client: Client
) -> None:
    tagged = Item("robin.jpg", "sub/robin.jpg", written("JPEG"))
    again = Item("Robin.jpg", "other/Robin.jpg", picture(1, kind="JPEG"))
    hidden = Item("h.png", "h.png", picture(5))
    outcomes = await gallery.add(anna, birds, [tagged, again])
    outcomes += await gallery.add(anna, await gallery.collection(anna, "Hidden"), [hidden])
    ids = [str(one.image_id) for one in outcomes]
    mine = await (await sign_in(anna)).post("/images/batch/download", data={"ids": ids})
    assert mine.headers["content-type"] == "application/zip"
    assert mine.headers["content-disposition"] == 'attachment; filename="pictures.zip"'
    assert mine.headers["cache-control"] == "private, no-cache"
    with ZipFile(io.BytesIO(mine.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["robin.jpg", "Robin (2).jpg", "h.png"]
        assert archive.read("robin.jpg") == data_of(tagged)
    others = await client.post("/images/batch/download", data={"ids": ids})
    with ZipFile(io.BytesIO(others.content)) as archive:
        assert archive.namelist() == ["robin.jpg", "Robin (2).jpg"], "what is hidden is as good as missing"
        bare = archive.read("robin.jpg")
    assert bare != data_of(tagged)
    assert not Image.open(io.BytesIO(bare)).getexif()


async def test_a27_names_in_a_zip_are_no_paths(
    gallery: Gallery, anna: Viewer, birds: Collection, client: Client
) -> None:
    names = ["../../etc/passwd.png", "a\\b.png", "C:x.png", ".hidden.png", "left out.txt"]
    outcomes = await gallery.add(
        anna, birds, [Item(name, str(number), picture(number)) for number, name in enumerate(names)]
    )
    answer = await client.post("/images/batch/download", data={"ids": [str(one.image_id) for one in outcomes]})
    with ZipFile(io.BytesIO(answer.content)) as archive:
        found = archive.namelist()
    assert len(set(found)) == 5
    assert not [name for name in found if "/" in name or "\\" in name or ":" in name or name.startswith(".")]
    assert "left out.txt" not in found


async def test_a_file_that_is_missing_is_told_in_the_zip(
    gallery: Gallery, anna: Viewer, birds: Collection, blobs: BlobStore, sign_in: SignIn
) -> None:
    ids = await gallery.pictures(anna, birds, range(2))
    image = await service.get_visible(gallery.intake.db, anna, ids[0])
    blobs.original(image.digest).unlink()
    answer = await (await sign_in(anna)).post("/images/batch/download", data={"ids": [str(one) for one in ids]})
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["1.png", "left out.txt"]
        assert archive.read("left out.txt").decode() == "0.png: the file of this picture is missing\n"


async def test_what_cannot_be_downloaded_is_refused(client: Client) -> None:
    for ids, status in ([], 422), (["1"], 404), ([str(one) for one in range(MAX_DOWNLOAD + 1)], 422):
        assert (await client.post("/images/batch/download", data={"ids": ids})).status_code == status


async def test_c20_likes_of_the_chosen_ones_lead_to_a_search_by_them(client: Client) -> None:
    found = await client.post("/images/batch/find", data={"ids": ["3", "1", "2", "3"]})
    assert found.headers["location"] == "/images/3/similar?liked=1&liked=2"
    assert (await client.post("/images/batch/find", data={"ids": ["7"]})).headers["location"] == "/images/7/similar"
    too_many = [str(one) for one in range(21)]
    assert (await client.post("/images/batch/find", data={"ids": too_many})).status_code == 422


async def test_steps_and_their_undo_by_the_api(
    gallery: Gallery, anna: Viewer, birds: Collection, client: Client
) -> None:
    ids = await gallery.pictures(anna, birds, range(2))
    bearer = await gallery.bearer(anna)
    step = {"ids": [*ids, 2**40], "action": "label", "labels": ["sea"]}
    answer = (await client.post("/api/v1/images/batch", json=step, headers=bearer)).json()
    undo = answer.pop("undo")
    assert answer == {"done": 2, "unchanged": 0, "not_allowed": 1, "last_place": 0, "full": 0}
    assert (await client.get(f"/api/v1/images/{ids[0]}", headers=bearer)).json()["labels"] == ["sea"]
    assert (await client.post(undo, headers=bearer)).json() == {"done": 2}
    assert (await client.get(f"/api/v1/images/{ids[0]}", headers=bearer)).json()["labels"] == []
    assert (await client.post(undo, headers=bearer)).status_code == 404
    for wrong in (
        {**step, "ids": []},
        {**step, "ids": list(range(1001))},
        {**step, "ids": ["a"]},
        {**step, "action": "erase"},
        {**step, "labels": []},
        {**step, "more": 1},
        {"ids": ids, "action": "add"},
    ):
        refused = await client.post("/api/v1/images/batch", json=wrong, headers=bearer)
        assert refused.status_code == 422, wrong
        assert refused.headers["content-type"] == "application/problem+json"
