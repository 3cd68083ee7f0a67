"""The pages of imports, and archives by a plain form."""

import re
from typing import Any

import pytest

from app.accounts import service_usage
from app.accounts.records import Quota, Viewer
from app.images import service as images
from app.ingest import service
from tests.app.ingest.tus import Sender, zipped
from tests.conftest import Client, SignIn
from tests.factories import Gallery, picture

GOOD = {f"birds/{seed}.png": picture(seed) for seed in range(3)}
BAD = {"birds/<b>words</b>.png": b"no picture"}
PART = {"hx-request": "true"}


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def browser(sign_in: SignIn, anna: Viewer) -> Client:
    return await sign_in(anna)


async def begin(browser: Client, files: dict[str, bytes]) -> int:
    return await Sender(browser, "/uploads/archives").upload(zipped(files), filename="birds.zip")


async def test_a_page_follows_an_import_and_stops_at_its_end(browser: Client, gallery: Gallery) -> None:
    import_id = await begin(browser, GOOD | BAD)
    url = f"/imports/{import_id}"
    queued = (await browser.get(url)).text
    assert "Queued" in queued
    assert f'hx-get="{url}/progress"' in queued
    assert f'action="{url}/cancel"' in queued
    part = (await browser.get(f"{url}/progress", headers=PART)).text
    assert "<html" not in part
    assert 'hx-trigger="every 1s"' in part
    assert (await browser.get(f"{url}/progress")).headers["location"] == url, "as a page it is the import's own"
    await service.run(gallery.intake, import_id)
    part = (await browser.get(f"{url}/progress", headers=PART)).text
    assert "hx-get" not in part
    assert "data-job-ended" in part
    done = (await browser.get(url)).text
    assert "hx-get" not in done.split("<main")[1].split("</main")[0]
    assert ">3</dd>" in done
    assert "&lt;b&gt;words" in done
    assert "<b>words" not in done
    assert done.count('class="tile ') == 3
    assert f'action="{url}/retry"' in done


async def test_cancel_go_on_and_try_again_lead_back_to_the_page(browser: Client, gallery: Gallery) -> None:
    import_id = await begin(browser, GOOD | BAD)
    url = f"/imports/{import_id}"
    assert (await browser.post(f"{url}/cancel")).headers["location"] == url
    assert "Ending" in (await browser.get(url)).text
    await service.run(gallery.intake, import_id)
    assert f'action="{url}/resume"' in (await browser.get(url)).text
    assert (await browser.post(f"{url}/resume")).headers["location"] == url
    await service.run(gallery.intake, import_id)
    assert (await browser.post(f"{url}/retry")).headers["location"] == url
    assert (await browser.post(f"{url}/retry")).status_code == 409


async def test_the_list_tells_of_ones_own(browser: Client, gallery: Gallery, sign_in: SignIn) -> None:
    assert "No imports yet" in (await browser.get("/imports")).text
    import_id = await begin(browser, GOOD | BAD)
    await service.run(gallery.intake, import_id)
    page = (await browser.get("/imports")).text
    for words in ("birds.zip", "3 added", "1 refused", f'href="/imports/{import_id}"'):
        assert words in page
    other = await sign_in(await gallery.person("ben"))
    assert "birds.zip" not in (await other.get("/imports")).text


async def test_an_admin_sees_counts_and_never_pictures(browser: Client, gallery: Gallery, sign_in: SignIn) -> None:
    import_id = await begin(browser, GOOD)
    await service.run(gallery.intake, import_id)
    admin = await sign_in(await gallery.person("root", admin=True))
    page = (await admin.get(f"/imports/{import_id}")).text
    assert ">3</dd>" in page
    assert "by anna" in page
    assert 'class="tile ' not in page
    assert "/collections/" not in page.split("<main")[1]
    assert f'href="/imports/{import_id}"' in (await admin.get("/admin")).text


async def test_what_is_in_the_trash_is_not_shown(browser: Client, gallery: Gallery, anna: Viewer) -> None:
    import_id = await begin(browser, GOOD)
    await service.run(gallery.intake, import_id)
    shown = await images.list_of_import(gallery.intake.db, anna, import_id, 12)
    assert [one.filename for one in shown] == ["2.png", "1.png", "0.png"]
    await images.trash(gallery.intake.db, anna, shown[0].id)
    assert (await browser.get(f"/imports/{import_id}")).text.count('class="tile ') == 2


def form(field: str, *files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [(field, (name, content, "application/octet-stream")) for name, content in files]


class TestPlainForm:
    """Without scripts a form brings the archive whole."""

    async def post(self, browser: Client, files: list[Any], **data: str) -> Any:
        empty = [("files", ("", b"", "application/octet-stream"))]  # nothing was chosen there
        return await browser.post("/uploads", data={"new_collection": "Birds", **data}, files=[*empty, *files])

    async def test_an_archive_leads_to_its_import(self, browser: Client, gallery: Gallery, anna: Viewer) -> None:
        answer = await self.post(browser, form("archives", ("birds.zip", zipped(GOOD))), labels_from="folder")
        assert answer.status_code == 303
        import_id = int(answer.headers["location"].removeprefix("/imports/"))
        await service.run(gallery.intake, import_id)
        assert (await service.get(gallery.intake.db, anna, import_id)).made.added == 3
        shown = await images.list_of_import(gallery.intake.db, anna, import_id, 1)
        assert shown[0].labels == ["birds"]

    async def test_several_archives_lead_to_the_list(self, browser: Client) -> None:
        files = form("archives", ("a.zip", zipped(GOOD)), ("b.TAR.GZ", b"x"))
        assert (await self.post(browser, files)).headers["location"] == "/imports"
        assert "2 archives are being imported." in (await browser.get("/imports")).text

    async def test_pictures_and_an_archive_are_told_of_together(self, browser: Client) -> None:
        files = form("files", ("a.png", picture(1)), ("b.zip", zipped(GOOD)))
        page = await browser.post("/uploads", data={"new_collection": "Birds"}, files=files)
        assert page.status_code == 200
        assert 'data-outcome="added"' in page.text
        assert "See its import" in page.text

    async def test_nothing_and_an_empty_archive_are_refused_in_words(self, browser: Client) -> None:
        assert "choose a file" in (await self.post(browser, [])).text
        empty = await self.post(browser, form("archives", ("a.zip", b"")))
        assert (empty.status_code, "The archive is empty" in empty.text) == (422, True)


async def test_a31_the_upload_page_tells_of_the_quota_where_there_is_one(browser: Client, gallery: Gallery) -> None:
    assert " of " not in (await browser.get("/upload")).text.split('class="form"')[0].split("<main")[1]
    await service_usage.set_quota(gallery.intake.db, "anna", Quota(2, 5 * 1024**3))
    page = (await browser.get("/upload")).text
    assert "of 5 GiB" in page
    assert "0 of 2 pictures" in page


async def test_a31_a_picture_over_the_quota_is_507_on_the_page(browser: Client, gallery: Gallery) -> None:
    await service_usage.set_quota(gallery.intake.db, "anna", Quota(1, None))
    answers = [await browser.post("/uploads", files=form("files", (f"{seed}.png", picture(seed)))) for seed in (1, 2)]
    assert [one.status_code for one in answers] == [200, 507]
    assert "Your quota is reached" in answers[1].text


async def test_uploads_go_to_ones_own_pictures_unless_another_collection_is_chosen(
    browser: Client, gallery: Gallery, anna: Viewer
) -> None:
    shelf = await gallery.collection(anna, "Art", public=True)
    page = (await browser.get("/upload")).text
    assert re.findall(r'<option value="(\d*)"( selected)?>', page) == [("", " selected"), (str(shelf.id), "")]
    chosen = (await browser.get(f"/upload?collection={shelf.id}")).text
    assert f'<option value="{shelf.id}" selected>' in chosen
    files = {"files": ("a.png", picture(1), "image/png")}
    sent = await browser.post("/uploads", data={"collection": "", "new_collection": ""}, files=files)
    assert (sent.status_code, "My pictures" in sent.text) == (200, True)
    after = (await browser.get("/upload")).text
    assert re.findall(r'<option value="\d+" selected>([^<]+)<', after) == ["My pictures"]
