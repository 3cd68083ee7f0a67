"""The gallery's pages: load more, filters, words, trash."""

from app.images import service
from tests.conftest import Client, SignIn
from tests.factories import Gallery


async def test_c4_load_more_is_a_link_that_leads_through_every_picture(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    birds = await gallery.collection(anna, "Birds", public=True)
    ids = await gallery.pictures(anna, birds, range(service.PAGE_SIZE + 3))
    for start in ("/", f"/collections/{birds.id}"):
        seen: list[int] = []
        path: str | None = start
        while path:
            page = (await client.get(path)).text
            seen += [int(part.split('"')[0]) for part in page.split('<a class="tile__link" href="/images/')[1:]]
            path = page.split('<a class="button" href="')[1].split('"')[0] if "Load more" in page else None
        assert seen == sorted(ids, reverse=True)


async def test_htmx_gets_the_next_part_alone(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    ids = await gallery.pictures(anna, await gallery.collection(anna, "Birds", public=True), range(2))
    part = await client.get("/", params={"cursor": ids[1]}, headers={"hx-request": "true"})
    assert "<html" not in part.text
    assert f"/images/{ids[0]}" in part.text


async def test_c14_words_trash_restore_and_purge_work_by_forms(gallery: Gallery, sign_in: SignIn) -> None:
    anna = await gallery.person("anna")
    (image_id,) = await gallery.pictures(anna, await gallery.collection(anna, "Birds"), [1])
    browser = await sign_in(anna)
    path = f"/images/{image_id}"
    assert (await browser.post(path, data={"caption": "At dusk", "labels": "robin, small, "})).status_code == 303
    page = (await browser.get(path)).text
    assert "At dusk" in page
    assert "?label=small" in page
    await browser.post(f"{path}/trash")
    assert "In the trash" in (await browser.get(path)).text
    assert path in (await browser.get("/trash")).text
    assert path not in (await browser.get("/")).text
    await browser.post(f"{path}/restore")
    assert path in (await browser.get("/")).text
    await browser.post(f"{path}/trash")
    assert (await browser.post(f"{path}/purge")).status_code == 422, "it has to be confirmed"
    assert (await browser.post(f"{path}/purge", data={"confirm": "yes"})).headers["location"] == "/trash"
    assert (await browser.get(path)).status_code == 404


async def test_a39_names_captions_and_labels_are_text(client: Client, gallery: Gallery, sign_in: SignIn) -> None:
    anna = await gallery.person("anna")
    (image_id,) = await gallery.pictures(anna, await gallery.collection(anna, "Birds", public=True), [1])
    nasty = "<img src=x onerror=alert(1)>"
    browser = await sign_in(anna)
    await browser.post(f"/images/{image_id}", data={"caption": nasty, "labels": f"{nasty}, \"quoted' & <b>"})
    for path in ("/", f"/images/{image_id}", "/collections/Birds"):
        page = (await client.get(path)).text
        assert "<img src=x" not in page
        assert "<b>" not in page


async def test_a_collection_that_is_not_to_be_seen_narrows_to_nothing(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    await gallery.collection(anna, "Private")
    assert (await client.get("/", params={"collection": "Private"})).status_code == 404
