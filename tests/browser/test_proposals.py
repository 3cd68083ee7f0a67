"""Proposed labels: asked for from a collection's page, accepted, undone, dropped, by mouse and keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, CARL, OpenPage
from tests.browser.visits import PHONE, axe

pytestmark = pytest.mark.browser


def group(page: Page, collection: str, groups: int) -> str:
    """Ask for a grouping from the collection's page, and wait for it without reloading; returns its address."""
    page.goto("/collections")
    page.get_by_role("link", name=collection).first.click()
    page.get_by_role("link", name="Suggest labels").click()
    page.get_by_label("Groups", exact=True).fill(str(groups))
    page.get_by_role("button", name="Group the pictures").click()
    expect(page.locator(".group")).to_have_count(groups)
    return page.url


def test_groups_are_accepted_undone_and_dropped(open_page: OpenPage) -> None:
    page = open_page(ADA)
    url = group(page, "Sample gallery", 6)
    expect(page.locator(".group").first.locator("img")).to_have_count(6)
    first, second = page.locator(".group").nth(0), page.locator(".group").nth(1)
    name = first.get_by_role("textbox")
    name.fill("first of all")
    name.press("Enter")
    expect(first).to_contain_text(re.compile(r"\d+ pictures labelled “first of all”\."))
    expect(first.get_by_role("button", name="Undo")).to_be_focused()
    second.get_by_role("button", name="Drop").click()
    expect(second).to_contain_text("Dropped.")
    assert axe(page) == []
    second.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The group is proposed again.")).to_be_visible()
    expect(page.locator(".group")).to_have_count(5)
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    page.goto("/?label=first+of+all")
    expect(page.locator(".tile").first).to_be_visible()
    page.goto(url)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert axe(page) == []


def test_without_scripts_forms_do_the_same(open_page: OpenPage) -> None:
    page = open_page(CARL, scripts=False)
    page.goto("/collections")
    page.get_by_role("link", name="Hidden").click()
    page.get_by_role("link", name="Suggest labels").click()
    expect(page.get_by_role("heading", name="Too few pictures to group")).to_be_visible()
    page.goto("/collections")
    page.get_by_role("link", name="Swatches").click()
    page.get_by_role("link", name="Suggest labels").click()
    page.get_by_label("Groups", exact=True).fill("2")
    page.get_by_role("button", name="Group the pictures").click()
    for _ in range(40):
        if page.locator(".group").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator(".group")).to_have_count(2)
    page.locator(".group").first.get_by_role("textbox").fill("swatch")
    page.locator(".group").first.get_by_role("button", name="Accept").click()
    expect(page.locator(".notice")).to_contain_text("labelled “swatch”.")
    page.locator(".notice").get_by_role("button", name="Undo").click()
    expect(page.locator(".notice")).to_contain_text("Undone for")
    page.get_by_role("button", name="Propose again").click()
    page.locator(".group").first.get_by_role("button", name="Drop").click()
    expect(page.locator(".notice")).to_contain_text("Dropped.")
