"""How people come in: by a link, by name and password, and out again."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, BEA, OpenPage, sign_in
from tests.browser.site import Site

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_c14_sign_in_and_out(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    sign_in(page, BEA)
    page.get_by_label(f"Account: {BEA}").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(page.get_by_label(f"Account: {BEA}")).to_have_count(0)
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
