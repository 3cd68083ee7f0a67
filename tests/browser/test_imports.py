"""Archives: sent by pieces from the upload page, going on after what breaks, and followed on the import's own page."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.app.ingest.tus import zipped
from tests.browser.conftest import ADA, BEA, CARL, OpenPage
from tests.browser.pictures import drop, new_file
from tests.browser.site import Site
from tests.browser.visits import PHONE, axe, follow

pytestmark = pytest.mark.browser

Name = Callable[[], str]
PIECES = "**/uploads/archives/*"
PIECE = 8 * 1024**2
NOISE = np.random.default_rng(7).bytes(2 * PIECE)
"""No picture, and as large as two pieces."""


def an_archive(folder: Path, name: str = "birds.zip", *, pictures: int = 3, large: bool = False) -> Path:
    """An archive of new pictures and of something that is none."""
    files = {f"robin/{number}.png": new_file()["buffer"] for number in range(pictures)}
    files["robin/noise.png"] = NOISE if large else b"no picture"
    path = folder / name
    path.write_bytes(zipped(files))
    return path


def choose(page: Page, path: Path, into: str) -> Locator:
    """Send an archive; its row."""
    page.get_by_label("new").fill(into)
    page.get_by_label("Archives", exact=True).set_input_files(path)
    return page.locator(".archive").filter(has_text=path.name)


def expect_counts(page: Page, added: int, refused: int) -> None:
    expect(page.locator("#import-progress .badge")).to_have_text("Done")
    expect(page.locator("[data-count=added]")).to_have_text(str(added))
    expect(page.locator("[data-count=refused]")).to_have_text(str(refused))


def test_an_archive_is_followed_from_the_upload_page_to_its_end(
    open_page: OpenPage, new_name: Name, site: Site, tmp_path: Path
) -> None:
    page = open_page(BEA)
    page.goto("/upload")
    name = new_name()
    page.get_by_label("Labels from").check()
    with site.paused_worker():
        choose(page, an_archive(tmp_path), name)
        page.wait_for_url("**/imports/*")
        expect(page.get_by_role("heading", name="birds.zip")).to_be_visible()
        expect(page.locator("#import-progress .badge")).to_have_text("Queued")
        expect(page.get_by_role("progressbar", name="birds.zip")).to_be_visible()
        assert axe(page) == []
        page.evaluate("window.stayed = true")
    expect_counts(page, added=3, refused=1)
    expect(page.get_by_role("progressbar", name="birds.zip")).to_have_count(0)
    expect(page.locator(".import__pictures .tile")).to_have_count(3)
    expect(page.locator("#refused")).to_contain_text("robin/noise.png")
    assert page.evaluate("window.stayed") is True
    page.get_by_role("button", name="Try these again").click()
    expect(page.get_by_text("What was refused is tried again.")).to_be_visible()
    expect_counts(page, added=3, refused=1)
    page.get_by_role("link", name="All imports").click()
    expect(page.locator(".imports li").first).to_contain_text(f"into {name}")
    page.get_by_role("link", name="birds.zip").first.click()
    page.get_by_role("link", name="See the collection").click()
    expect(page.locator("#grid .tile")).to_have_count(3)
    expect(page.locator("#grid .tile__name").first).to_have_text("robin")


def test_an_import_is_cancelled_and_gone_on_with(
    open_page: OpenPage, new_name: Name, site: Site, tmp_path: Path
) -> None:
    page = open_page(BEA, width=PHONE)
    page.goto("/upload")
    with site.paused_worker():
        choose(page, an_archive(tmp_path), new_name())
        page.wait_for_url("**/imports/*")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#import-progress .badge")).to_have_text("Ending")
    expect(page.locator("#import-progress .badge")).to_have_text("Cancelled")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("The import goes on from where it was.")).to_be_visible()
    expect_counts(page, added=3, refused=1)


def test_a_piece_that_fails_is_sent_again(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA, refusals=[503])
    page.goto("/upload")
    failures = 2

    def fail_at_first(route: Route) -> None:
        nonlocal failures
        if route.request.method == "PATCH" and failures:
            failures -= 1
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    page.route(PIECES, fail_at_first)
    row = choose(page, an_archive(tmp_path, large=True), new_name())
    expect(row).to_contain_text("Tries again in")
    page.wait_for_url("**/imports/*")
    expect_counts(page, added=3, refused=1)


def test_an_upload_goes_on_after_a_reload(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA, refusals=[503])
    page.goto("/upload")
    archive = an_archive(tmp_path, large=True)
    offsets: list[int] = []

    def take_one(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
            if len(offsets) == 2:
                route.fulfill(status=503, body="")
                return
        route.continue_()

    page.route(PIECES, take_one)
    row = choose(page, archive, new_name())
    expect(row).to_contain_text("Tries again in")
    page.once("dialog", lambda dialog: dialog.accept())
    page.unroute(PIECES)
    page.reload()
    expect(row).to_contain_text("Choose the file again to go on.")
    expect(row.get_by_role("button", name="Go on")).to_be_hidden()
    assert axe(page) == []
    page.route(PIECES, take_one)
    page.get_by_label("Archives", exact=True).set_input_files(archive)
    page.wait_for_url("**/imports/*")
    assert offsets == [0, PIECE, PIECE, 2 * PIECE]
    expect_counts(page, added=3, refused=1)


def test_an_upload_is_paused_gone_on_with_and_given_up(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA)
    page.goto("/upload")
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "PATCH":
            held.append(route)
        else:
            route.continue_()

    page.route(PIECES, hold)
    row = choose(page, an_archive(tmp_path), new_name())
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused at")
    expect(row.get_by_role("button", name="Go on")).to_be_focused()
    row.get_by_role("button", name="Go on").click()
    expect(row).to_contain_text(" of ")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        row.get_by_role("button", name="Cancel").click()
    assert deleted.value.status == 204
    expect(row).to_have_count(0)
    page.unroute(PIECES)
    page.reload()
    expect(page.locator(".archive")).to_have_count(0)


def test_what_cannot_be_sent_says_why(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA, refusals=[422])
    page.goto("/upload")
    empty = tmp_path / "empty.zip"
    empty.write_bytes(b"")
    row = choose(page, empty, new_name())
    expect(row).to_contain_text("That cannot be used: the archive is empty")
    expect(row.get_by_role("button", name="Go on")).to_be_visible()


def test_pictures_and_archives_are_dropped_together(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA)
    page.goto("/upload")
    page.get_by_label("new").fill(new_name())
    (tmp_path / "a.png").write_bytes(new_file()["buffer"])
    drop(page, str(tmp_path / "a.png"), str(an_archive(tmp_path)), str(an_archive(tmp_path, "more.zip")))
    expect(page.get_by_role("heading", name="1 added")).to_be_visible()
    expect(page.get_by_role("link", name="See the import")).to_have_count(2)
    follow(page.get_by_role("link", name="See the import").first)
    expect_counts(page, added=3, refused=1)


def test_c14_an_archive_without_scripts(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA, scripts=False)
    page.goto("/upload")
    page.get_by_label("new").fill(new_name())
    page.get_by_label("Archives", exact=True).set_input_files(an_archive(tmp_path))
    with page.expect_navigation(url="**/imports/*"):
        page.get_by_role("button", name="Upload", exact=True).click()
    badge = page.locator("#import-progress .badge")
    while badge.inner_text() != "Done":
        page.reload()
    expect_counts(page, added=3, refused=1)


def test_an_import_is_its_owners_and_the_admins(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA)
    page.goto("/upload")
    choose(page, an_archive(tmp_path), new_name())
    page.wait_for_url("**/imports/*")
    expect_counts(page, added=3, refused=1)
    other = open_page(CARL, refusals=[404])
    other.goto(page.url)
    expect(other.get_by_role("heading", name="Not found")).to_be_visible()
    admin = open_page(ADA)
    admin.goto("/admin")
    admin.locator("#jobs").get_by_role("link", name="birds.zip").first.click()
    expect(admin).to_have_url(page.url)
    expect(admin.locator(".tile")).to_have_count(0)
