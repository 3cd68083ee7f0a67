"""Collections by page and by API."""

from app.collections import service as collections
from tests.conftest import Client, SignIn
from tests.factories import Gallery


async def test_one_is_made_shared_changed_and_deleted_by_page(
    client: Client, gallery: Gallery, sign_in: SignIn
) -> None:
    await gallery.person("ben")
    anna = await sign_in(await gallery.person("anna"))
    made = await anna.post("/collections", data={"name": "Birds", "description": "Of the garden"})
    assert made.status_code == 303
    where = made.headers["location"]
    assert (await anna.post(f"{where}/members", data={"name": "ben", "role": "viewer"})).status_code == 303
    page = await anna.get(where)
    assert "Of the garden" in page.text
    assert "Shared with ben." in page.text
    await anna.post(where, data={"name": "Fowl", "visibility": "public"})
    assert "Fowl" in (await client.get("/collections")).text
    assert (await anna.post(f"{where}/delete")).status_code == 422, "it has to be confirmed"
    gone = await anna.post(f"{where}/delete", data={"confirm": "yes"})
    assert gone.headers["location"] == "/collections"
    assert (await anna.get(where)).status_code == 404


async def test_a_page_is_found_by_name_too(client: Client, gallery: Gallery) -> None:
    made = await gallery.collection(await gallery.person("anna"), "Birds & bees", public=True)
    for ref in (str(made.id), "Birds%20%26%20bees", "birds%20%26%20BEES"):
        assert (await client.get(f"/collections/{ref}")).status_code == 200, ref


async def test_members_are_shown_to_members_only(client: Client, gallery: Gallery, sign_in: SignIn) -> None:
    anna = await gallery.person("anna")
    await gallery.person("secretive")
    made = await gallery.collection(anna, "Birds", public=True)
    browser = await sign_in(anna)
    await browser.post(f"/collections/{made.id}/members", data={"name": "secretive", "role": "viewer"})
    assert "secretive" in (await browser.get(f"/collections/{made.id}")).text
    assert "secretive" not in (await client.get(f"/collections/{made.id}")).text


async def test_the_api_lists_what_one_may_see(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    made = await gallery.collection(anna, "Birds", public=True)
    await gallery.pictures(anna, made, [1, 2])
    row = {
        "collection_id": made.id,
        "name": "Birds",
        "description": "",
        "owner": "anna",
        "visibility": "public",
        "role": None,
        "images": 2,
    }
    assert (await client.get("/api/v1/collections")).json() == {"collections": [row]}
    own = await client.get("/api/v1/collections", headers=await gallery.bearer(anna))
    assert own.json() == {"collections": [{**row, "role": "owner"}]}


async def test_a39_what_people_type_is_text(client: Client, gallery: Gallery, sign_in: SignIn) -> None:
    browser = await sign_in(await gallery.person("anna"))
    nasty = "<script>alert(1)</script>"
    made = await browser.post("/collections", data={"name": nasty, "description": nasty, "visibility": "public"})
    for path in ("/collections", made.headers["location"], "/"):
        assert nasty not in (await browser.get(path)).text


async def test_the_ticked_picture_becomes_the_cover(gallery: Gallery, sign_in: SignIn) -> None:
    anna = await gallery.person("anna")
    birds = await gallery.collection(anna, "Birds")
    ids = await gallery.pictures(anna, birds, range(2))
    browser, path = await sign_in(anna), f"/collections/{birds.id}"
    assert f'formaction="{path}/cover"' in (await browser.get(path)).text
    assert (await browser.post(f"{path}/cover", data={"ids": [str(one) for one in ids]})).status_code == 422
    await browser.post(f"{path}/cover", data={"ids": str(ids[0])})
    shelf = (await browser.get("/collections")).text
    assert f"/images/{ids[0]}/thumbnails" in shelf
    assert f"/images/{ids[1]}/thumbnails" not in shelf
    await browser.post(f"{path}/cover")
    assert f"/images/{ids[1]}/thumbnails" in (await browser.get("/collections")).text


async def test_a20_a_member_leaves_by_a_form_and_sees_nothing_from_then_on(gallery: Gallery, sign_in: SignIn) -> None:
    anna, ben = await gallery.person("anna"), await gallery.person("ben")
    birds = await gallery.collection(anna, "Birds")
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await collections.add_member(gallery.intake.db, anna, birds.id, "ben", "owner")
    path = f"/collections/{birds.id}"
    leave = f"{path}/members/{ben.account_id}/remove"
    assert leave not in (await (await sign_in(anna)).get(path)).text.split("Members</h2>")[0]
    browser = await sign_in(ben)
    page = (await browser.get(path)).text
    assert f'action="{leave}"' in page.split("Members</h2>")[0]
    left = await browser.post(leave)
    assert left.headers["location"] == "/collections"
    assert "You have left the collection." in (await browser.get("/collections")).text
    for gone in (path, f"/images/{image_id}", f"/images/{image_id}/original"):
        assert (await browser.get(gone)).status_code == 404
