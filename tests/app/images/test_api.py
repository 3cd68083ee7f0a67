"""Pictures by API: the shape of one, and pages of them."""

from datetime import datetime

from ml.datasets.items import Box, Item
from tests.conftest import Client
from tests.factories import Gallery, picture


async def test_a_picture_is_told_in_full(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    birds = await gallery.collection(anna, "Birds", public=True)
    boxes = (Box("a", 1, 2.5, 30, 20), Box("c", 0, 0, 96, 64))
    item = Item("1.png", "birds/1.png", picture(1), ("a", "b"), ("At dusk.", "A bird."), "train", boxes)
    (outcome,) = await gallery.add(anna, birds, [item])
    image_id = outcome.image_id
    body = (await client.get(f"/api/v1/images/{image_id}")).json()
    assert datetime.fromisoformat(body.pop("created_at")).tzinfo is not None
    assert body == {
        "image_id": image_id,
        "filename": "1.png",
        "label": "a",
        "labels": ["a", "b", "c"],
        "caption": "At dusk.",
        "captions": ["At dusk.", "A bird."],
        "split": "train",
        "width": 96,
        "height": 64,
        "format": "PNG",
        "size_bytes": len(picture(1)),
        "url": f"/api/v1/images/{image_id}/original",
        "thumbnail_url": f"/api/v1/images/{image_id}/thumbnail",
        "boxes": [
            {"label": "a", "x": 1, "y": 2.5, "width": 30, "height": 20},
            {"label": "c", "x": 0, "y": 0, "width": 96, "height": 64},
        ],
    }
    page = (await client.get(f"/images/{image_id}")).text
    assert page.count('rx="') == 2
    assert "A bird." in page
    listed = (await client.get("/api/v1/images")).json()
    assert listed["next_cursor"] is None
    assert [one["image_id"] for one in listed["images"]] == [image_id]


async def test_c4_cursors_lead_through_every_picture_once(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    birds = await gallery.collection(anna, "Birds", public=True)
    ids = await gallery.pictures(anna, birds, range(7))
    await gallery.pictures(anna, await gallery.collection(anna, "Private"), range(20, 25))
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        params = {"limit": 2, "cursor": cursor, "collection": "Birds"}
        body = (await client.get("/api/v1/images", params=params)).json()
        seen += [one["image_id"] for one in body["images"]]
        cursor = body["next_cursor"]
    assert seen == sorted(ids, reverse=True)


async def test_a_limit_has_its_bounds(client: Client) -> None:
    for limit in ("0", "501", "-1", "10000", "many"):
        assert (await client.get("/api/v1/images", params={"limit": limit})).status_code == 422
