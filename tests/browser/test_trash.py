"""The trash: pictures are chosen as the gallery's are, and restored."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, BEA, OpenPage, UploadTo
from tests.browser.pictures import new_file
from tests.browser.visits import PHONE, WIDE, axe, follow

pytestmark = pytest.mark.browser


def trash(page: Page, upload: UploadTo, who: str, count: int) -> list[str]:
    """New pictures, moved to the trash, which the page shows; their addresses."""
    urls = upload(who, *[new_file() for _ in range(count)])
    for url in urls:
        page.goto(url)
        page.get_by_text("Edit", exact=True).click()
        follow(page.get_by_role("button", name="Move to trash"))
    page.goto("/trash")
    return urls


def test_many_are_restored_and_leave_the_list(open_page: OpenPage, upload: UploadTo) -> None:
    page = open_page(ADA)
    first, second, third = trash(page, upload, ADA, 3)
    bar = page.locator("#batch")
    expect(bar).to_be_hidden()
    page.get_by_role("button", name="Choose", exact=True).click()
    for url in (first, third):
        page.locator(f'.tile:has([href="{url}"]) [data-pick]').click()
    expect(page.locator("[data-batch-count]")).to_have_text("2 chosen")
    bar.get_by_role("button", name="Restore").click()
    expect(page.locator("#toast")).to_contain_text("2 pictures restored.")
    expect(page.locator(f'.tile [href="{first}"]')).to_have_count(0)
    expect(page.locator(f'.tile [href="{second}"]')).to_have_count(1)
    follow(page.locator("#toast").get_by_role("button", name="Undo"))
    expect(page.locator(f'.tile [href="{first}"]')).to_have_count(1)


def test_c14_without_scripts(open_page: OpenPage, upload: UploadTo) -> None:
    page = open_page(BEA, scripts=False)
    first, second = trash(page, upload, BEA, 2)
    page.locator(f'.tile:has([href="{first}"]) [data-pick]').check()
    follow(page.get_by_role("button", name="Restore"))
    expect(page.get_by_text("1 picture restored.")).to_be_visible()
    expect(page.locator(f'.tile [href="{first}"]')).to_have_count(0)
    expect(page.locator(f'.tile [href="{second}"]')).to_have_count(1)


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_c15_axe_finds_nothing_while_choosing(
    open_page: OpenPage, upload: UploadTo, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = open_page(ADA, width=width, scheme=scheme)
    trash(page, upload, ADA, 1)
    page.get_by_role("button", name="Choose", exact=True).click()
    page.locator("[data-pick]").first.click()
    expect(page.locator("#batch")).to_be_in_viewport()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
