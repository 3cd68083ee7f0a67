"""How every page looks: for assistive tools, in the dark, on a phone, without shifting."""

import pytest
from playwright.sync_api import expect

from scripts.screenshots import list_pages
from tests.browser.conftest import ADA, BEA, OpenPage, UploadTo
from tests.browser.looks import OVERFLOW, inspect
from tests.browser.pictures import new_file
from tests.browser.visits import PHONE, axe

pytestmark = pytest.mark.browser

# Notes the theme as soon as there is a body, before which nothing can be painted.
NOTE_THEME = """new MutationObserver((_, observer) => {
  if (!document.body) return;
  window.themeAtFirst = document.documentElement.dataset.theme;
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });"""


def test_c15_every_page_signed_in(open_page: OpenPage, upload: UploadTo) -> None:
    (url,) = upload(ADA, new_file())
    page = open_page(ADA, refusals=[404])
    page.goto(url)
    page.get_by_text("Edit", exact=True).click()
    page.get_by_role("button", name="Move to trash").click()
    paths = [*list_pages(page).values(), url, "/images/999999999/similar"]
    assert [violation for path in paths for violation in inspect(page, path)] == []


def test_c15_every_page_for_nobody(open_page: OpenPage) -> None:
    page = open_page(refusals=[401])
    paths = ["/", "/collections", "/search", "/sign-in", "/upload", "/imports"]
    assert [violation for path in paths for violation in inspect(page, path)] == []


def test_c15_what_opens_over_a_page(open_page: OpenPage) -> None:
    page = open_page(BEA)
    page.goto("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert axe(page) == []


def test_c17_the_chosen_theme_is_there_before_the_first_paint(open_page: OpenPage) -> None:
    page = open_page(scheme="light")
    page.add_init_script(NOTE_THEME)
    page.goto("/")
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    switch = page.get_by_role("button", name="Theme")
    switch.click()
    switch.click()
    expect(switch).to_contain_text("dark")
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark != light
    for path in ("/collections", "/search"):
        page.goto(path)
        assert page.evaluate("window.themeAtFirst") == "dark"
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark
    switch.click()
    expect(switch).to_contain_text("system")
    page.reload()
    assert page.evaluate("window.themeAtFirst") is None
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


def test_a_phone_finds_and_opens(open_page: OpenPage) -> None:
    page = open_page(width=PHONE)
    page.goto("/")
    first = page.locator(".tile__link").first
    first.tap()
    page.wait_for_url("**/images/*")
    page.get_by_role("link", name="More like this").tap()
    expect(page.locator("#results .tile")).to_have_count(24)
    assert page.evaluate(OVERFLOW) <= 0
