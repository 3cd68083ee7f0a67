"""Collections by API: make, change, share, delete."""

import pytest

from app.accounts.records import Viewer
from tests.conftest import Client
from tests.factories import Gallery

PATH = "/api/v1/collections"


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def bearer(gallery: Gallery, anna: Viewer) -> dict[str, str]:
    return await gallery.bearer(anna)


async def test_a_collection_is_made_changed_and_deleted(
    client: Client, gallery: Gallery, anna: Viewer, bearer: dict[str, str]
) -> None:
    made = await client.post(PATH, json={"name": " Birds ", "description": "Garden"}, headers=bearer)
    assert made.status_code == 201
    told = made.json()
    url = made.headers["location"]
    assert url == f"{PATH}/{told['collection_id']}"
    assert told == {
        "collection_id": told["collection_id"],
        "name": "Birds",
        "description": "Garden",
        "owner": "anna",
        "visibility": "private",
        "role": "owner",
        "images": 0,
    }
    again = await client.post(PATH, json={"name": "birds"}, headers=bearer)
    assert (again.status_code, again.json()["title"]) == (409, "Not as things stand")
    changed = await client.patch(url, json={"visibility": "public"}, headers=bearer)
    assert changed.json() == {**told, "visibility": "public"}
    assert (await client.get(url)).json() == {**told, "visibility": "public", "role": None}
    renamed = await client.patch(url, json={"name": "Wrens", "description": ""}, headers=bearer)
    assert renamed.json() == {**told, "visibility": "public", "name": "Wrens", "description": ""}
    [image_id] = await gallery.pictures(anna, await gallery.collection(anna, "Spare"), [1])
    shelves = (await client.get(PATH, headers=bearer)).json()["collections"]
    spare = next(one for one in shelves if one["name"] == "Spare")
    assert spare["images"] == 1
    deleted = await client.delete(f"{PATH}/{spare['collection_id']}", headers=bearer)
    assert (deleted.status_code, deleted.json()) == (200, {"trashed": 1})
    assert [one["image_id"] for one in (await client.get("/api/v1/trash", headers=bearer)).json()["images"]] == [
        image_id
    ]
    assert (await client.get(f"{PATH}/{spare['collection_id']}", headers=bearer)).status_code == 404


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"name": ""}, "1 to 120"),
        ({"name": "123"}, "digits"),
        ({"name": "a\0b"}, "plain text"),
        ({"name": "x", "visibility": "shared"}, "visibility"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": 1}, "name"),
        ({}, "name"),
    ],
)
async def test_what_cannot_be_a_collection_is_refused_by_name(
    client: Client, bearer: dict[str, str], body: dict[str, object], word: str
) -> None:
    answer = await client.post(PATH, json=body, headers=bearer)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert word in answer.json()["detail"]


async def test_members_come_change_and_go_and_their_rights_with_them(
    client: Client, gallery: Gallery, anna: Viewer, bearer: dict[str, str]
) -> None:
    bert = await gallery.person("bert")
    theirs = await gallery.bearer(bert)
    collection = await gallery.collection(anna, "Birds")
    [image_id] = await gallery.pictures(anna, collection, [1])
    members, image = f"{PATH}/{collection.id}/members", f"/api/v1/images/{image_id}"
    assert (await client.get(image, headers=theirs)).status_code == 404
    for role, may_change in (("viewer", 403), ("editor", 200)):
        put = await client.put(members, json={"name": "Bert", "role": role}, headers=bearer)
        assert put.json() == {"members": [{"user_id": bert.account_id, "name": "bert", "role": role}]}
        assert (await client.get(members, headers=theirs)).json() == put.json()
        assert (await client.patch(image, json={"caption": role}, headers=theirs)).status_code == may_change
    assert (await client.put(members, json={"name": "bert", "role": "owner"}, headers=theirs)).status_code == 403
    me = (await client.get("/api/v1/me", headers=theirs)).json()
    left = await client.delete(f"{members}/{me['user_id']}", headers=theirs)
    assert (left.status_code, left.content) == (204, b"")
    assert (await client.get(image, headers=theirs)).status_code == 404
    assert (await client.get(members, headers=bearer)).json() == {"members": []}
    nobody = await client.put(members, json={"name": "carl", "role": "viewer"}, headers=bearer)
    assert (nobody.status_code, nobody.json()["detail"]) == (422, "nobody here is called carl")
