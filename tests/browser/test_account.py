"""One's own account: API tokens, the browsers that are signed in, the password."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import BEA, CARL, OpenPage, sign_in
from tests.browser.site import Site

pytestmark = pytest.mark.browser


def test_a13_a_token_is_shown_once_works_and_is_revoked(open_page: OpenPage, site: Site) -> None:
    page = open_page(BEA)
    page.goto("/account")
    page.get_by_label("New token, named").fill("my script")
    page.get_by_role("button", name="Make").click()
    token = page.locator("#new-token").inner_text()
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{site.url}/api/v1/me", headers=bearer).json()["name"] == BEA
    page.goto("/account")
    assert token not in page.content()
    row = page.locator("#tokens li").filter(has_text="my script")
    expect(row).not_to_contain_text("last used never")
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The token is revoked.")).to_be_visible()
    assert httpx.get(f"{site.url}/api/v1/me", headers=bearer).status_code == 401


def test_a7_another_browser_is_signed_out_from_here(open_page: OpenPage) -> None:
    other = open_page(width=375)
    sign_in(other, CARL)
    page = open_page(CARL)
    page.goto("/account")
    sessions = page.locator(".panel", has_text="Signed in on").get_by_role("listitem")
    expect(sessions).to_have_count(2)
    expect(sessions.filter(has_text="This one").get_by_role("button")).to_have_count(0)
    sessions.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("That browser is signed out.")).to_be_visible()
    other.goto("/")
    expect(other.get_by_role("link", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_label(f"Account: {CARL}")).to_be_visible()


def test_a_wrong_password_stands_at_its_field(open_page: OpenPage) -> None:
    page = open_page(CARL, refusals=[422])
    page.goto("/account")
    page.get_by_label("Current password").fill("not the password")
    page.get_by_label("New password").fill("an entirely new one")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_label("Current password")).to_have_attribute("aria-invalid", "true")
