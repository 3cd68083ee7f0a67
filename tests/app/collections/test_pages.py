"""Collections by page and by API."""

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
