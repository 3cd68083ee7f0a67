"""Collections: made, shared with a member by name, made public, deleted."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, BEA, CARL, OpenPage
from tests.browser.pictures import new_file
from tests.browser.visits import tile_urls

pytestmark = pytest.mark.browser


def status(page: Page, path: str) -> int:
    answer = page.goto(path)
    assert answer is not None
    return answer.status


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_collection_from_its_making_to_its_end(open_page: OpenPage, scripts: bool) -> None:
    name = f"Lamps {'with' if scripts else 'without'} scripts"
    owner = open_page(ADA, scripts=scripts)
    owner.goto("/collections")
    owner.get_by_text("New collection").click()
    owner.get_by_label("Name", exact=True).fill(name)
    owner.get_by_label("Description").fill("All of them")
    owner.get_by_role("button", name="Make it").click()
    expect(owner.get_by_text(f"{name} is ready.")).to_be_visible()
    collection = owner.url
    fill(owner, scripts=scripts)
    owner.goto(collection)
    (picture,) = tile_urls(owner)

    member = open_page(BEA, scripts=scripts, refusals=[404])
    stranger = open_page(CARL, scripts=scripts, refusals=[404])
    nobody = open_page(scripts=scripts, refusals=[404])
    assert [status(page, collection) for page in (member, stranger, nobody)] == [404, 404, 404]

    owner.get_by_text("Sharing and settings").click()
    owner.get_by_label("Add a member").fill(BEA)
    owner.get_by_role("button", name="Add").click()
    expect(owner.get_by_text(f"Shared with {BEA}.")).to_be_visible()
    assert [status(page, collection) for page in (member, stranger, nobody)] == [200, 404, 404]
    assert tile_urls(member) == [picture]
    expect(member.get_by_text("Sharing and settings")).to_have_count(0)
    expect(member.get_by_role("link", name="Upload here")).to_have_count(0)
    assert [status(page, picture) for page in (member, stranger)] == [200, 404]

    owner.get_by_text("Sharing and settings").click()
    owner.get_by_label("Public").check()
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_text("Saved.")).to_be_visible()
    assert [status(page, picture) for page in (stranger, nobody)] == [200, 200]

    owner.get_by_text("Sharing and settings").click()
    owner.get_by_label("Delete “").check()
    owner.get_by_role("button", name="Delete", exact=True).click()
    expect(owner.get_by_text("Deleted.")).to_be_visible()
    assert [status(page, picture) for page in (member, stranger, nobody)] == [404, 404, 404]
    owner.goto("/trash")
    assert picture in tile_urls(owner)


def fill(page: Page, *, scripts: bool) -> None:
    """Upload one picture by the button of the collection that the page shows."""
    page.get_by_role("link", name="Upload here").first.click()
    page.get_by_label("Pictures", exact=True).set_input_files([new_file()])
    if scripts:
        expect(page.get_by_role("heading", name="1 added")).to_be_visible()
    else:
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role("heading", name="1 picture added")).to_be_visible()


def test_a_name_that_is_taken_is_told_and_nothing_is_lost(open_page: OpenPage) -> None:
    page = open_page(ADA, refusals=[409, 422])
    page.goto("/collections")
    page.get_by_text("New collection").click()
    page.get_by_label("Name", exact=True).fill("Sample gallery")
    page.get_by_label("Description").fill("Words that took long")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("main")).to_contain_text("Sample gallery")
    expect(page.locator(".field__error, [role=alert]")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("Words that took long")
