"""Uploads: file by file with scripts, in one go without; a bad file is told why and stops no other."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Route, expect

from tests.browser.conftest import BEA, OpenPage
from tests.browser.pictures import broken_file, drop, new_file
from tests.browser.visits import PHONE, follow, tile_urls

pytestmark = pytest.mark.browser

Name = Callable[[], str]


def test_c11_several_files_with_bad_ones_among_them(open_page: OpenPage, new_name: Name) -> None:
    page = open_page(BEA, width=PHONE)
    page.goto("/upload")
    page.get_by_label("new").fill(new_name())
    twin = new_file("twin.png")
    cut = broken_file("cut.png", new_file()["buffer"][:200])
    files = [new_file("one.png"), cut, broken_file("words.png"), twin]
    page.get_by_label("Pictures", exact=True).set_input_files(files)
    expect(page.get_by_role("heading", name="2 added")).to_be_visible()
    expect(page.locator("[data-upload-summary]")).to_have_text("4 of 4, 2 refused")
    rows = page.locator(".upload")
    for name in ("cut.png", "words.png"):
        reason = rows.filter(has_text=name).locator(".outcome__reason")
        assert len(reason.inner_text()) > 10, name
    again: FilePayload = {"name": "again.png", "mimeType": "image/png", "buffer": twin["buffer"]}
    page.get_by_label("Pictures", exact=True).set_input_files([again])
    expect(rows.filter(has_text="again.png")).to_contain_text("Already there")
    page.get_by_role("link", name="See the collection").click()
    expect(page.locator("#grid .tile")).to_have_count(2)


def test_c11_what_failed_is_tried_again(open_page: OpenPage, new_name: Name) -> None:
    page = open_page(BEA, refusals=[503])
    page.goto("/upload")
    page.get_by_label("new").fill(new_name())

    def refuse(route: Route) -> None:
        route.fulfill(status=503, body="")

    page.route("**/uploads", refuse)
    page.get_by_label("Pictures", exact=True).set_input_files([new_file("late.png")])
    expect(page.locator(".upload")).to_contain_text("The gallery did not answer.")
    page.unroute("**/uploads", refuse)
    page.get_by_role("button", name="Retry what failed").click()
    expect(page.locator(".upload")).to_contain_text("Added")


def test_dropped_files_are_uploaded_here(open_page: OpenPage, new_name: Name, tmp_path: Path) -> None:
    page = open_page(BEA)
    page.goto("/upload")
    page.get_by_label("new").fill(new_name())
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path in paths:
        path.write_bytes(new_file()["buffer"])
    drop(page, *map(str, paths))
    expect(page.get_by_role("heading", name="3 added")).to_be_visible()


def test_c14_upload_without_scripts(open_page: OpenPage, new_name: Name) -> None:
    page = open_page(BEA, scripts=False)
    page.goto("/upload")
    page.get_by_label("new").fill(new_name())
    files = [new_file("good.png"), broken_file("bad.png"), new_file("fine.png")]
    page.get_by_label("Pictures", exact=True).set_input_files(files)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("heading", name="2 pictures added")).to_be_visible()
    refused = page.locator("[data-outcome=refused]")
    expect(refused).to_contain_text("bad.png")
    assert len(refused.locator(".outcome__reason").inner_text()) > 10
    follow(page.get_by_role("link", name="See the collection"))
    assert len(tile_urls(page)) == 2
