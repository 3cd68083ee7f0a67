"""Choosing many pictures: by keys, clicks and plain forms; what is done with them, and that it is undone."""

import io
import re
from typing import Literal
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, BEA, OpenPage, UploadTo
from tests.browser.pictures import new_file
from tests.browser.visits import PHONE, WIDE, axe, follow, tile_urls

pytestmark = pytest.mark.browser


def shelf(page: Page, upload: UploadTo, who: str, count: int) -> list[str]:
    """A new collection with so many pictures, shown on the page; their addresses in order."""
    (first, *_) = upload(who, *[new_file() for _ in range(count)])
    # Not by the picture's page, which asks for its like: it may not be embedded yet.
    found = re.search(r'href="(/collections/\d+)"', page.request.get(first).text())
    assert found is not None
    page.goto(found.group(1))
    return tile_urls(page)


def chosen(page: Page) -> int:
    return page.locator("[data-pick]:checked").count()


def test_c9_keys_and_clicks_choose(open_page: OpenPage, upload: UploadTo) -> None:
    page = open_page(ADA)
    shelf(page, upload, ADA, 5)
    bar, boxes = page.locator("#batch"), page.locator("[data-pick]")
    expect(bar).to_be_hidden()
    page.locator(".tile").nth(3).hover()
    boxes.nth(3).click()
    boxes.nth(1).click(modifiers=["Shift"])
    expect(page.locator("[data-batch-count]")).to_have_text("3 chosen")
    expect(page.locator("#live")).to_have_text("3 chosen")
    expect(bar).to_be_in_viewport()
    page.locator(".tile__link").nth(0).click()
    assert chosen(page) == 4, "while choosing, a click on a picture chooses it"
    page.keyboard.press("Control+a")
    assert chosen(page) == 5
    page.keyboard.press("Escape")
    assert chosen(page) == 0
    expect(bar).to_be_hidden()
    page.mouse.move(0, 0)
    page.locator(".tile__link").nth(2).focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    assert chosen(page) == 2
    page.get_by_role("button", name="Choose none").click()
    page.get_by_role("button", name="Choose", exact=True).click()
    page.locator(".tile__link").nth(0).click()
    assert chosen(page) == 1
    page.keyboard.press("Escape")
    follow(page.locator(".tile__link").nth(0))


def test_c10_trash_with_its_undo_keeps_the_place(open_page: OpenPage, upload: UploadTo) -> None:
    page = open_page(ADA)
    before = shelf(page, upload, ADA, 4)
    page.locator(".tile__link").nth(1).focus()
    page.keyboard.press("x")
    page.locator("#batch").get_by_role("button", name="Trash").click()
    expect(page.locator("#toast")).to_contain_text("1 picture moved to the trash.")
    expect(page.locator("[data-total]")).to_have_text("3 pictures")
    assert tile_urls(page) == [*before[:1], *before[2:]]
    expect(page.locator("#batch")).to_be_hidden()
    follow(page.locator("#toast").get_by_role("button", name="Undo"))
    expect(page.get_by_text("Undone for 1 picture.")).to_be_visible()
    assert tile_urls(page) == before


def test_labels_collections_and_errors_by_the_bar(open_page: OpenPage, upload: UploadTo) -> None:
    page = open_page(ADA, refusals=[422])
    shelf(page, upload, ADA, 2)
    here = page.url
    page.locator(".tile__link").first.focus()
    page.keyboard.press("Control+a")
    page.locator("#batch summary", has_text="Label").click()
    page.get_by_label("Labels").fill("by many, at once")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("2 pictures labelled.")
    page.locator("[data-toast-close]").click()
    expect(page.locator("#toast")).to_be_empty()
    page.locator(".tile__link").first.focus()
    page.keyboard.press("x")
    page.locator("#batch summary", has_text="Label").click()
    page.get_by_label("Labels").fill(" ")
    page.get_by_role("button", name="Take off").click()
    expect(page.locator("#toast")).to_contain_text("Name at least one label")
    page.locator("#batch summary", has_text="Collection").click()
    page.get_by_label("Collection", exact=True).select_option(label="Sample gallery")
    page.get_by_role("button", name="Move").click()
    expect(page.locator("#toast")).to_contain_text("1 picture moved to Sample gallery.")
    follow(page.locator("#toast").get_by_role("button", name="Undo"))
    assert page.url == here
    expect(page.locator(".tile")).to_have_count(2)


def test_c9_c14_without_scripts(open_page: OpenPage, upload: UploadTo) -> None:
    page = open_page(BEA, scripts=False)
    before = shelf(page, upload, BEA, 3)
    page.locator("[data-pick]").nth(0).check()
    page.locator("[data-pick]").nth(2).check()
    follow(page.locator("#batch").get_by_role("button", name="Trash"))
    expect(page.get_by_text("2 pictures moved to the trash.")).to_be_visible()
    assert tile_urls(page) == before[1:2]
    follow(page.get_by_role("button", name="Undo"))
    assert tile_urls(page) == before


def test_chosen_pictures_are_downloaded_as_one_zip_and_searched_by(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/")
    page.locator(".tile__link").nth(0).focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    with ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert len(archive.namelist()) == 2
    expect(page.get_by_role("button", name="Trash")).to_have_count(0)
    follow(page.get_by_role("button", name="Find alike"))
    assert "/similar?liked=" in page.url


def test_c9_results_are_chosen_as_the_gallery_is(open_page: OpenPage) -> None:
    page = open_page(ADA)
    page.goto("/?collection=Sample gallery")
    follow(page.locator(".tile__more").first)
    bar, boxes = page.locator("#batch"), page.locator("[data-pick]")
    expect(bar).to_be_hidden()
    page.get_by_role("button", name="Choose", exact=True).click()
    boxes.nth(0).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.locator("[data-batch-count]")).to_have_text("4 chosen")
    expect(bar).to_be_in_viewport()
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    page.get_by_label("How many").select_option("12")  # other results, and another bar with them
    expect(page.locator("#results .tile")).to_have_count(12)
    page.locator(".tile__link").nth(1).focus()
    page.keyboard.press("x")
    bar.locator("summary", has_text="Label").click()
    page.get_by_label("Labels").fill("from results")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("1 picture labelled.")
    follow(page.locator("#toast").get_by_role("button", name="Undo"))
    assert "k=12" in page.url
    expect(page.get_by_text("Undone for 1 picture.")).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.locator("[data-batch-count]")).to_have_text("12 chosen")
    follow(page.get_by_role("button", name="Find alike"))
    assert "liked=" in page.url


def test_c9_c14_results_are_chosen_without_scripts(open_page: OpenPage) -> None:
    page = open_page(BEA, scripts=False)
    page.goto("/?collection=Sample gallery")
    follow(page.locator(".tile__more").first)
    page.locator("[data-pick]").nth(0).check()
    page.locator("[data-pick]").nth(2).check()
    follow(page.locator("#batch").get_by_role("button", name="Find alike"))
    assert "/similar?liked=" in page.url


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_c15_axe_finds_nothing_while_choosing(
    open_page: OpenPage, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = open_page(ADA, width=width, scheme=scheme)
    page.goto("/?collection=Sample gallery")
    page.get_by_role("button", name="Choose", exact=True).click()
    page.locator("[data-pick]").nth(1).click()
    for name in ("Label", "Collection"):
        page.locator("#batch summary", has_text=name).click()
        assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
