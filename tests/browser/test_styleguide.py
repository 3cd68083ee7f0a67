"""The style guide: every component in both schemes, wide and on a phone, with scripts and without."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ADA, OpenPage
from tests.browser.test_looks import inspect

pytestmark = pytest.mark.browser

# Of each icon the box of what it draws, in units of its own 24 by 24.
BOXES = """() => [...document.querySelectorAll("[data-icon]")].map((item) => {
  const use = item.querySelector("use").getBBox(), { x, y, width, height } = use;
  return [item.dataset.icon, x, y, width, height];
})"""
UNPAINTED = """() => [...document.querySelectorAll("[data-token] rect")]
  .filter((one) => getComputedStyle(one).fill === "none").map((one) => one.closest("li").dataset.token)"""


def test_c15_the_style_guide_is_clean_for_everybody(open_page: OpenPage) -> None:
    assert inspect(open_page(), "/styleguide") == []


def test_the_style_guide_opens_from_the_admins_page_and_its_sheet_opens(open_page: OpenPage) -> None:
    page = open_page(ADA)
    page.goto("/admin")
    page.get_by_role("link", name="Style guide").click()
    expect(page.get_by_role("heading", name="Style guide")).to_be_visible()
    page.get_by_role("button", name="Open the sheet of keys").click()
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_every_icon_draws_something_within_its_box(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/styleguide")
    page.wait_for_load_state("networkidle")
    boxes = page.evaluate(BOXES)
    assert len(boxes) > 40
    wrong = [
        one for one in boxes if min(one[1:3]) < 0 or one[1] + one[3] > 24 or one[2] + one[4] > 24 or not any(one[3:])
    ]
    assert wrong == []


def test_every_colour_is_painted(open_page: OpenPage) -> None:
    for scheme in ("light", "dark"):
        page = open_page(scheme=scheme)
        page.goto("/styleguide")
        assert page.evaluate(UNPAINTED) == []


def test_the_style_guide_stands_without_scripts(open_page: OpenPage) -> None:
    page = open_page(scripts=False)
    page.goto("/styleguide")
    expect(page.locator("#tiles .tile").first).to_be_visible()
