"""Keys: the same ones in the grid, on a picture's page and in results."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, BEA, OpenPage
from tests.browser.visits import tile_urls

pytestmark = pytest.mark.browser


def focused(page: Page) -> str | None:
    return page.evaluate("document.activeElement.getAttribute('href')")


def test_c7_arrows_walk_the_grid(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/")
    urls = tile_urls(page)
    page.keyboard.press("ArrowRight")
    assert focused(page) == urls[0]
    page.keyboard.press("ArrowRight")
    assert focused(page) == urls[1]
    page.keyboard.press("ArrowDown")
    below = focused(page)
    assert below in urls[2:]
    page.keyboard.press("ArrowUp")
    assert focused(page) == urls[1]
    page.keyboard.press("ArrowLeft")
    assert focused(page) == urls[0]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{urls[0]}")


def test_c7_from_the_grid_to_its_likes_and_back(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/")
    url = tile_urls(page)[2]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("m")
    page.wait_for_url(f"**{url}/similar")
    expect(page.locator("#results .tile")).to_have_count(24)
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r":\d+/$"))
    assert tile_urls(page)[2] == url


def test_c7_on_a_pictures_page(open_page: OpenPage) -> None:
    page = open_page(ADA)
    page.goto("/?collection=Sample+gallery")
    first, second = tile_urls(page)[:2]
    page.goto(first)
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**{second}")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**{first}")
    page.keyboard.press("e")
    expect(page.get_by_label("Caption")).to_be_focused()
    page.keyboard.type("m")
    expect(page.get_by_label("Caption")).to_have_value(re.compile("m"))
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.wait_for_url(f"**{first}/similar")
    page.keyboard.press("Escape")
    page.wait_for_url(f"**{first}")


def test_c7_the_sheet_lists_them_and_switches_them_off(open_page: OpenPage) -> None:
    page = open_page(BEA)
    page.goto("/")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    with page.expect_file_chooser():
        page.keyboard.press("f")
    page.keyboard.press("/")
    expect(page.get_by_label("Look up words")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.wait_for_url("**/upload")
    page.keyboard.press("?")
    page.get_by_label("Single letters act as keys").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("g")
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()
    assert page.url.endswith("/upload")
