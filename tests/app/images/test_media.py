"""A picture's bytes: authorised at each request, sent so that no browser runs them."""

import io
from hashlib import sha256

import pytest
from PIL import Image

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.images import service as images
from ml.datasets.items import Item
from tests.conftest import Client, SignIn
from tests.factories import Gallery, picture
from tests.ml.test_metadata import written

STRICT = "sandbox; default-src 'none'"


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds", public=True)


@pytest.fixture
async def image_id(gallery: Gallery, anna: Viewer, birds: Collection) -> int:
    item = Item('ro"bin\u00e9.jpg', "robin.jpg", picture(1, (800, 600), "JPEG"))
    (outcome,) = await gallery.add(anna, birds, [item])
    assert outcome.image_id is not None
    return outcome.image_id


@pytest.mark.parametrize("path", ["/images/{}/original", "/api/v1/images/{}/original"])
async def test_a28_an_original_is_an_attachment_of_its_stored_type(client: Client, image_id: int, path: str) -> None:
    answer = await client.get(path.format(image_id))
    assert answer.content == picture(1, (800, 600), "JPEG")
    headers = answer.headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-disposition"].startswith("attachment")
    assert "ro%22bin%C3%A9.jpg" in headers["content-disposition"]
    assert headers["content-length"] == str(len(answer.content))
    assert headers["content-security-policy"] == STRICT
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["/images/{}/thumbnails/{}", "/api/v1/images/{}/thumbnail?width={}"])
@pytest.mark.parametrize(("width", "wide"), [(256, 256), (512, 512), (1024, 800)])
async def test_a25_a_thumbnail_is_a_webp_of_its_width(
    client: Client, image_id: int, path: str, width: int, wide: int
) -> None:
    answer = await client.get(path.format(image_id, width))
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["content-security-policy"] == STRICT
    assert answer.headers["cache-control"] == "private, no-cache"
    with Image.open(io.BytesIO(answer.content)) as thumbnail:
        assert (thumbnail.format, thumbnail.width) == ("WEBP", wide)


@pytest.mark.parametrize("width", ["0", "100", "255", "99999"])
async def test_other_widths_are_not_there(client: Client, image_id: int, width: str) -> None:
    assert (await client.get(f"/images/{image_id}/thumbnails/{width}")).status_code == 404
    assert (await client.get(f"/api/v1/images/{image_id}/thumbnail", params={"width": width})).status_code == 404


@pytest.mark.parametrize("path", ["/images/{}/original", "/images/{}/thumbnails/256"])
async def test_a21_what_has_not_changed_is_not_sent_again_but_asked_for(
    client: Client, gallery: Gallery, anna: Viewer, birds: Collection, image_id: int, path: str
) -> None:
    first = await client.get(path.format(image_id))
    again = await client.get(path.format(image_id), headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "private, no-cache"
    await collections.update(gallery.intake.db, anna, birds.id, name="Birds", description="", is_public=False)
    gone = await client.get(path.format(image_id), headers={"if-none-match": first.headers["etag"]})
    assert gone.status_code == 404, "a cache's copy is worth nothing once the right is gone"


async def test_a16_trashed_bytes_are_the_owners_alone(
    client: Client, gallery: Gallery, anna: Viewer, image_id: int, sign_in: SignIn
) -> None:
    await images.trash(gallery.intake.db, anna, image_id)
    own = await sign_in(anna)
    for path in (f"/images/{image_id}/original", f"/images/{image_id}/thumbnails/256"):
        assert (await client.get(path)).status_code == 404
        assert (await own.get(path)).status_code == 200


async def test_f15_a_missing_file_is_told_and_breaks_nothing(
    client: Client, gallery: Gallery, anna: Viewer, image_id: int
) -> None:
    image = await images.get_visible(gallery.intake.db, anna, image_id)
    gallery.intake.blobs.remove(image.digest)
    assert (await client.get(f"/images/{image_id}/original")).status_code == 404
    assert (await client.get(f"/images/{image_id}/thumbnails/256")).status_code == 404
    assert (await client.get(f"/images/{image_id}")).status_code == 200


async def test_a26_others_get_no_place_unless_its_owner_says_so(
    client: Client, gallery: Gallery, sign_in: SignIn, anna: Viewer, birds: Collection
) -> None:
    data = written("JPEG", 6)
    (outcome,) = await gallery.add(anna, birds, [Item("robin.jpg", "robin.jpg", data)])
    paths = (f"/images/{outcome.image_id}/original", f"/api/v1/images/{outcome.image_id}/original")
    browser = await sign_in(anna)
    assert (await browser.get(paths[0])).content == data
    for path in paths:
        answer = await client.get(path)
        assert b"Ada" not in answer.content
        assert len(answer.content) > 500
        again = await client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.get(path, headers={"if-none-match": f'"{sha256(data).hexdigest()}"'})).status_code == 200
    assert (await browser.post("/account/privacy", data={"share_metadata": "yes"})).status_code == 303
    assert "checked" in (await browser.get("/account")).text
    for path in paths:
        assert (await client.get(path)).content == data
    await browser.post("/account/privacy", data={})
    assert b"Ada" not in (await client.get(paths[0])).content


async def test_a26_what_cannot_be_rid_of_it_in_place_comes_as_a_jpeg(
    client: Client, gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    (outcome,) = await gallery.add(anna, birds, [Item("robin.heic", "robin.heic", written("HEIF"))])
    answer = await client.get(f"/images/{outcome.image_id}/original")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "robin.jpg" in answer.headers["content-disposition"]
    assert Image.open(io.BytesIO(answer.content)).size == (96, 64)
