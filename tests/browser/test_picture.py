"""A picture's page: its neighbours, its words, the trash and back."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ADA, BEA, OpenPage, UploadTo
from tests.browser.pictures import new_file
from tests.browser.visits import follow, tile_urls

pytestmark = pytest.mark.browser


def test_c7_neighbours_in_likeness_load_by_themselves(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/?label=sea+at+dusk")
    first, second = tile_urls(page)
    page.goto(first)
    expect(page.locator("#similar .tile .score")).to_have_count(12)
    assert second in tile_urls(page, "#similar")
    page.get_by_role("link", name="See all").click()
    expect(page.locator("#results .tile")).to_have_count(24)
    assert first not in tile_urls(page, "#results")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_c14_edit_trash_restore_erase(open_page: OpenPage, upload: UploadTo, scripts: bool) -> None:
    page = open_page(BEA, scripts=scripts, refusals=[404])
    (url,) = upload(BEA, new_file())
    page.goto(url)
    page.get_by_text("Edit", exact=True).click()
    page.get_by_label("Caption").fill("Two <b>lamps</b> & a cat")
    page.get_by_label("Labels", exact=True).last.fill("lamp, night & day, lamp")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Two <b>lamps</b> & a cat")
    expect(page.locator(".about .chip__text")).to_have_text(["lamp", "night & day"])
    expect(page.locator(".stage__picture")).to_have_attribute("alt", "Two <b>lamps</b> & a cat")
    follow(page.locator(".about .chip").last)
    assert url in tile_urls(page)

    page.goto(url)
    page.get_by_text("Edit", exact=True).click()
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("Moved to the trash.")).to_be_visible()
    page.goto("/trash")
    assert url in tile_urls(page)
    page.goto("/")
    assert url not in tile_urls(page)
    page.goto(url)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Restored.")).to_be_visible()
    page.goto("/")
    assert url in tile_urls(page)

    page.goto(url)
    page.get_by_text("Edit", exact=True).click()
    page.get_by_role("button", name="Move to trash").click()
    page.get_by_label("Erase the file").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Erased for good.")).to_be_visible()
    page.goto(url)
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_others_may_look_and_not_touch(open_page: OpenPage) -> None:
    admin = open_page(ADA)
    admin.goto("/?collection=Sample+gallery")
    url = tile_urls(admin)[0]
    page = open_page(BEA)
    page.goto(url)
    expect(page.get_by_role("link", name="More like this")).to_be_visible()
    expect(page.get_by_text("Edit", exact=True)).to_have_count(0)
