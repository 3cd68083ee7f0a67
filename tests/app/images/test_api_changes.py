"""Pictures changed by API: words, trash, back, gone; and labels listed."""

import pytest

from app.accounts.records import Viewer
from tests.conftest import Client
from tests.factories import Gallery


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def bearer(gallery: Gallery, anna: Viewer) -> dict[str, str]:
    return await gallery.bearer(anna)


async def test_what_is_left_out_stays(client: Client, gallery: Gallery, anna: Viewer, bearer: dict[str, str]) -> None:
    birds = await gallery.collection(anna, "Birds", public=True)
    [image_id] = await gallery.pictures(anna, birds, [1], ["robin"])
    url = f"/api/v1/images/{image_id}"
    captioned = await client.patch(url, json={"caption": " At dusk "}, headers=bearer)
    assert (captioned.json()["caption"], captioned.json()["labels"]) == ("At dusk", ["robin"])
    labelled = await client.patch(url, json={"labels": ["wren", "wren", " small  bird "]}, headers=bearer)
    assert (labelled.json()["caption"], labelled.json()["labels"]) == ("At dusk", ["wren", "small bird"])
    undo = labelled.json().pop("undo")
    assert captioned.json()["undo"] is None
    assert labelled.json() == {**(await client.get(url)).json(), "undo": undo}
    assert (await client.post(undo, headers=bearer)).json() == {"done": 1}
    assert (await client.get(url)).json()["labels"] == ["robin"]
    labelled = await client.patch(url, json={"labels": ["wren", "small bird"]}, headers=bearer)
    for wrong in (
        {"labels": "wren"},
        {"caption": "x" * 2001},
        {"labels": ["x" * 121]},
        {"labels": ["a\0"]},
        {"size": 1},
    ):
        refused = await client.patch(url, json=wrong, headers=bearer)
        assert refused.status_code == 422, wrong
    assert {**(await client.get(url)).json(), "undo": labelled.json()["undo"]} == labelled.json()
    big = await client.patch(url, content=b'{"caption": "' + b"x" * 70_000 + b'"}', headers=bearer)
    assert big.status_code == 413


async def test_a_picture_goes_to_the_trash_comes_back_and_is_erased(
    client: Client, gallery: Gallery, anna: Viewer, bearer: dict[str, str]
) -> None:
    birds = await gallery.collection(anna, "Birds", public=True)
    [image_id, other] = await gallery.pictures(anna, birds, [1, 2])
    url = f"/api/v1/images/{image_id}"
    assert (await client.post(f"{url}/purge", headers=bearer)).status_code == 409
    gone = await client.delete(url, headers=bearer)
    assert gone.status_code == 200
    assert (await client.post(gone.json()["undo"], headers=bearer)).json() == {"done": 1}
    assert (await client.get(url, headers=bearer)).status_code == 200
    await client.delete(url, headers=bearer)
    for path in ("", "/original", "/thumbnail"):
        assert (await client.get(url + path, headers=bearer)).status_code == 404
    trash = (await client.get("/api/v1/trash", headers=bearer)).json()
    assert ([one["image_id"] for one in trash["images"]], trash["next_cursor"]) == ([image_id], None)
    back = await client.post(f"{url}/restore", headers=bearer)
    assert (back.status_code, back.json()) == (200, (await client.get(url)).json())
    await client.delete(url, headers=bearer)
    erased = await client.post(f"{url}/purge", headers=bearer)
    assert (erased.status_code, erased.content) == (204, b"")
    assert (await client.post(f"{url}/restore", headers=bearer)).status_code == 404
    assert [one["image_id"] for one in (await client.get("/api/v1/images")).json()["images"]] == [other]


async def test_labels_are_counted_among_what_one_may_see(
    client: Client, gallery: Gallery, anna: Viewer, bearer: dict[str, str]
) -> None:
    birds = await gallery.collection(anna, "Birds", public=True)
    await gallery.pictures(anna, birds, [1, 2], ["Robin", "bird"])
    await gallery.pictures(anna, birds, [3], ["bird", "100%"])
    secret = await gallery.collection(anna, "Private")
    await gallery.pictures(anna, secret, [4], ["robin redbreast", "bird"])

    async def counts(headers: dict[str, str] | None = None, **asked: str) -> dict[str, int]:
        answer = await client.get("/api/v1/labels", params=asked, headers=headers)
        return {one["name"]: one["images"] for one in answer.json()["labels"]}

    assert await counts() == {"bird": 3, "Robin": 2, "100%": 1}
    assert list(await counts(bearer, limit="2")) == ["bird", "Robin"]
    assert await counts(bearer, prefix="rob") == {"Robin": 2, "robin redbreast": 1}
    assert await counts(bearer, collection="Private") == {"robin redbreast": 1, "bird": 1}
    assert await counts(prefix="%") == {}
    assert await counts(prefix="100%") == {"100%": 1}
    assert (await client.get("/api/v1/labels", params={"limit": "501"})).status_code == 422
