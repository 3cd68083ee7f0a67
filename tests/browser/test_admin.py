"""Admin: the index rebuilt while one looks on, and how the gallery is."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ADA, BEA, OpenPage
from tests.browser.site import Site

pytestmark = pytest.mark.browser


def test_c12_a_rebuild_is_seen_to_wait_and_to_end_without_a_reload(open_page: OpenPage, site: Site) -> None:
    page = open_page(ADA)
    page.goto("/admin")
    with site.paused_worker():
        page.get_by_role("button", name="Rebuild").click()
        expect(page.get_by_text("The index is being rebuilt.")).to_be_visible()
        job = page.locator("#jobs .job").first
        expect(job.locator(".badge")).to_have_text("Queued")
        expect(job.get_by_role("progressbar")).to_be_visible()
        page.evaluate("window.stayed = true")
    expect(job.locator(".badge")).to_have_text("Done")
    expect(job.get_by_role("progressbar")).to_have_count(0)
    expect(page.locator("#index-panel .panel__head .badge")).to_have_text("Ready")
    expect(page.get_by_text("The index is being rebuilt.")).to_have_count(0)
    assert page.evaluate("window.stayed") is True


def test_c14_a_rebuild_without_scripts(open_page: OpenPage) -> None:
    page = open_page(ADA, scripts=False)
    page.goto("/admin")
    page.get_by_role("button", name="Rebuild").click()
    expect(page.get_by_text("The index is being rebuilt.")).to_be_visible()


def test_c14_the_version_before_is_put_in_force_without_scripts(open_page: OpenPage, site: Site) -> None:
    for _ in range(2):
        site.run("index", "build")
    page = open_page(ADA, scripts=False)
    page.goto("/admin")
    page.get_by_role("button", name="Roll back to v").click()
    expect(page.get_by_text("is in force again.")).to_be_visible()
    held = page.locator("#versions-panel tbody tr").nth(1)
    expect(held.get_by_text("In force")).to_be_visible()
    page.locator("#versions-panel tbody tr").first.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("is in force.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_c23_one_button_extracts_and_indexes(open_page: OpenPage, site: Site, scripts: bool) -> None:
    page = open_page(ADA, scripts=scripts)
    page.goto("/admin")
    page.get_by_label("Model").select_option("baseline")
    page.get_by_role("button", name="Extract and index").click()
    expect(page.get_by_text("its index is built afresh")).to_be_visible()
    if scripts:
        job = page.locator("#jobs .job").first
        expect(job.locator(".badge")).to_have_text("Done")
    else:
        site.run("index", "build")  # another waits for the one that was asked for
        page.reload()
    expect(page.locator("#versions-panel tbody tr").first.get_by_text("In force")).to_be_visible()


def test_c23_settings_in_force_are_a_press_away(open_page: OpenPage) -> None:
    page = open_page(ADA)
    page.goto("/admin")
    page.get_by_text("Settings in force").click()
    row = page.get_by_role("row", name="LIKENESS_MODEL ").first
    expect(row).to_contain_text("baseline")
    expect(row).to_contain_text("Environment")


def test_health_is_fine_in_all_its_parts(open_page: OpenPage) -> None:
    page = open_page(ADA)
    page.goto("/admin")
    checks = page.locator(".health li")
    expect(checks.locator(".badge--bad")).to_have_count(0)
    assert [text.split()[0] for text in checks.locator("b").all_text_contents()] == [
        "database",
        "schema",
        "worker",
        "index",
        "disk",
        "drift",
    ]


def test_a17_others_find_no_such_page(open_page: OpenPage) -> None:
    page = open_page(BEA, refusals=[404])
    page.goto("/admin")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    nobody = open_page(refusals=[401])
    nobody.goto("/admin")
    expect(nobody.locator("main").get_by_role("link", name="Sign in")).to_be_visible()
