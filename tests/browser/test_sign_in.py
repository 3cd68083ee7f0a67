"""How people come in: by a link, by name and password, and out again."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ADA, BEA, OpenPage, sign_in
from tests.browser.site import Site

pytestmark = pytest.mark.browser


def test_a11_the_first_link_makes_the_admin_once(open_page: OpenPage, site: Site) -> None:
    page = open_page(ADA)
    page.goto("/admin")
    expect(page.locator("#users")).to_contain_text(f"{ADA} Admin")
    expect(page.locator("#users")).not_to_contain_text(f"{BEA} Admin")
    late = open_page(refusals=[404])
    late.goto(site.claim_url)
    expect(late.get_by_role("heading", name="Not found")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_c14_sign_in_and_out(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    sign_in(page, BEA)
    page.get_by_label(f"Account: {BEA}").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_label(f"Account: {BEA}")).to_have_count(0)


def test_a_wrong_password_is_told_and_the_name_kept(open_page: OpenPage) -> None:
    page = open_page(refusals=[401, 403, 422])
    page.goto("/sign-in?next=/trash")
    page.get_by_label("Name").fill(BEA)
    page.get_by_label("Password").fill("not the password")
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong")
    expect(page.get_by_label("Name")).to_have_value(BEA)
