"""What one person does, another's search sees at once: no reload of any index, no waiting."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, CARL, OpenPage, UploadTo
from tests.browser.pictures import new_file
from tests.browser.visits import tile_urls

pytestmark = pytest.mark.browser


def test_b3_an_upload_is_found_and_a_trashed_picture_is_not(open_page: OpenPage, upload: UploadTo) -> None:
    file = new_file()
    seeker = open_page(CARL)
    seeker.goto("/search")
    seeker.get_by_label("Picture", exact=True).set_input_files([file])
    seeker.wait_for_url("**/queries/*")
    query = seeker.url
    (url,) = upload(ADA, file, public=True)
    expect_first(seeker, query, url)
    owner = open_page(ADA)
    owner.goto(url)
    owner.get_by_text("Edit", exact=True).click()
    owner.get_by_role("button", name="Move to trash").click()
    expect(owner.get_by_text("Moved to the trash.")).to_be_visible()
    # The rows are asked for again with each search: gone is gone, whatever an index still holds.
    seeker.goto(query)
    assert url not in tile_urls(seeker, "#results")
    owner.get_by_role("button", name="Restore").click()
    expect(owner.get_by_text("Restored.")).to_be_visible()
    expect_first(seeker, query, url)


def expect_first(page: Page, query: str, url: str) -> None:
    """The picture comes first as soon as the worker has embedded it."""
    for _ in range(100):
        page.goto(query)
        if tile_urls(page, "#results")[:1] == [url]:
            break
        page.wait_for_timeout(100)
    expect(page.locator("#results .tile__link").first).to_have_attribute("href", url)
    expect(page.locator("#results .score").first).to_have_text("1.00, same picture")
