"""A collection shared by link, from its making to its end; somebody invited; the log that tells of it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, CARL, OpenPage, UploadTo
from tests.browser.pictures import new_file
from tests.browser.visits import axe, follow, tile_urls
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser

LINK_PASSWORD = "seven herons wading"
scripts_and_without = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


def new_link(owner: Page, collection: str, password: str = "") -> str:
    owner.goto(collection)
    owner.get_by_text("Sharing and settings").click()
    owner.get_by_role("link", name="Share by link").click()
    owner.get_by_label("Good for").select_option("1 week")
    owner.get_by_label("Password (optional)").fill(password)
    owner.get_by_role("button", name="Make a link").click()
    return owner.locator("#new-link").inner_text()


@scripts_and_without
def test_a20_a_link_shows_the_collection_until_it_is_revoked(
    open_page: OpenPage, upload: UploadTo, scripts: bool
) -> None:
    (picture,) = upload(CARL, new_file())
    owner = open_page(CARL, scripts=scripts)
    owner.goto(picture)
    collection = str(owner.locator(".page a[href^='/collections/']").first.get_attribute("href"))
    link = new_link(owner, collection)
    visitor = open_page(scripts=scripts, refusals=[404])
    visitor.goto(picture)
    expect(visitor.get_by_role("heading", name="Not found")).to_be_visible()
    visitor.goto(link)
    assert tile_urls(visitor) == [picture]
    expect(visitor.get_by_text("Sharing and settings")).to_have_count(0)
    visitor.goto(picture)
    expect(visitor.get_by_role("heading", name="new.png")).to_be_visible()
    owner.goto(f"{collection}/links")
    expect(owner.get_by_text("last used never")).to_have_count(0)
    owner.get_by_role("button", name="Revoke").click()
    expect(owner.get_by_text("The link is revoked.")).to_be_visible()
    visitor.reload()
    expect(visitor.get_by_role("heading", name="Not found")).to_be_visible()


@scripts_and_without
def test_a20_a_password_is_asked_for_first(open_page: OpenPage, upload: UploadTo, scripts: bool) -> None:
    (picture,) = upload(CARL, new_file())
    owner = open_page(CARL, scripts=scripts)
    owner.goto(picture)
    collection = str(owner.locator(".page a[href^='/collections/']").first.get_attribute("href"))
    link = new_link(owner, collection, LINK_PASSWORD)
    visitor = open_page(scripts=scripts, refusals=[401])
    visitor.goto(link)
    if scripts:
        assert axe(visitor) == []
    visitor.get_by_label("Password").fill("nine herons")
    visitor.get_by_role("button", name="Open").click()
    expect(visitor.get_by_role("alert")).to_contain_text("not the link")
    visitor.get_by_label("Password").fill(LINK_PASSWORD)
    follow(visitor.get_by_role("button", name="Open"))
    assert tile_urls(visitor) == [picture]


@scripts_and_without
def test_somebody_is_invited_by_page_and_the_log_tells(open_page: OpenPage, scripts: bool) -> None:
    name = f"Dora {'with' if scripts else 'without'} scripts"
    admin = open_page(ADA, scripts=scripts)
    admin.goto("/admin")
    admin.get_by_role("link", name="Manage users").click()
    admin.get_by_label("Name").fill(name)
    admin.get_by_role("button", name="Invite").click()
    link = admin.locator("#claim-url").inner_text()
    guest = open_page(scripts=scripts)
    guest.goto(link)
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Begin").click()
    expect(guest.get_by_text("Welcome. This account is yours now.")).to_be_visible()
    admin.goto("/admin/users")
    row = admin.get_by_role("listitem").filter(has_text=name)
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    guest.goto("/")
    expect(guest.get_by_role("link", name="Sign in")).to_be_visible()
    admin.goto("/admin")
    admin.get_by_role("navigation", name="Admin").get_by_role("link", name="Security log").click()
    admin.get_by_label("Person").fill(name)
    admin.get_by_role("button", name="Show", exact=True).click()
    rows = admin.get_by_role("row").filter(has_text=name)
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("by Ada")
