"""The gallery's grid: justified rows, more by button and by scrolling, narrowing."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import ADA, SAMPLE, SWATCHES, OpenPage, UploadTo
from tests.browser.pictures import new_file
from tests.browser.site import wait_until
from tests.browser.visits import PHONE, WIDE, follow, tile_urls
from tests.factories import picture

pytestmark = pytest.mark.browser

PAGE = 60
COMPARED_S = 30.0  # a new picture is compared with the others by the worker
# Each row of the grid: how much its tiles differ in height, and how far it stays from the grid's edges, in pixels.
ROWS = """() => {
  const grid = document.getElementById("grid").getBoundingClientRect();
  const rows = new Map();
  for (const tile of document.querySelectorAll("#grid .tile")) {
    const box = tile.getBoundingClientRect();
    rows.set(Math.round(box.top), [...(rows.get(Math.round(box.top)) ?? []), box]);
  }
  return [...rows.values()].map((row) => ({
    uneven: Math.max(...row.map((box) => box.height)) - Math.min(...row.map((box) => box.height)),
    unfilled: Math.max(row[0].left - grid.left, grid.right - row.at(-1).right),
  }));
}"""
# More is asked for well before the window's end gets there.
LOADED_AHEAD = "() => !(document.getElementById('load-more')?.getBoundingClientRect().top < innerHeight)"


def public_urls(page: Page, narrowed: str = "") -> list[str]:
    images = page.request.get(f"/api/v1/images?limit=500{narrowed}").json()["images"]
    return [f"/images/{image['image_id']}" for image in images]


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_c1_rows_are_justified_and_never_shift(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width)
    page.goto("/")
    assert page.locator("#grid img:not([width][height])").count() == 0
    while page.locator("#load-more").count():
        page.mouse.wheel(0, 500)
        page.wait_for_function(LOADED_AHEAD)
    rows = page.evaluate(ROWS)
    assert len(rows) > 10
    assert max(row["uneven"] for row in rows) < 1
    assert [row["unfilled"] for row in rows[:-1] if row["unfilled"] >= 1] == []
    assert page.evaluate("window.shifted") < 0.05


def test_c4_more_by_button_then_by_scrolling_shows_each_picture_once(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/")
    expect(page.locator("#grid .tile")).to_have_count(PAGE)
    # Without scrolling to it, which would load by itself.
    page.get_by_role("link", name="Load more").dispatch_event("click")
    expect(page.locator("#grid .tile")).to_have_count(2 * PAGE)
    expect(page.locator("#live")).to_have_text(f"{PAGE} more pictures, {2 * PAGE} in all")
    page.locator("#foot").scroll_into_view_if_needed()
    expect(page.locator("#load-more")).to_have_count(0)
    assert tile_urls(page) == public_urls(page)


def test_c4_c14_more_without_scripts(open_page: OpenPage) -> None:
    page = open_page(scripts=False)
    page.goto("/")
    seen = tile_urls(page)
    while page.get_by_role("link", name="Load more").count():
        follow(page.get_by_role("link", name="Load more"))
        seen += tile_urls(page)
    assert seen == public_urls(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_c5_label_and_collection_narrow_the_gallery_in_the_address(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    page.goto("/")
    chip = page.locator(".facets__chips .chip").first
    label, count = (chip.locator(part).inner_text() for part in (".chip__text", ".chip__count"))
    page.get_by_label("Collection", exact=True).select_option(label=f"Swatches ({SWATCHES})")
    if not scripts:
        page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Swatches", level=1)).to_be_visible()
    page.go_back()
    follow(chip)
    expect(page.locator(".page-head__meta")).to_contain_text(f"{count} pictures labelled “{label}”")
    assert parse_qs(urlsplit(page.url).query) == {"label": [label]}
    expect(page.locator("#grid .tile")).to_have_count(int(count))
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#grid .tile")).to_have_count(PAGE)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_c5_only_pictures_with_copies(open_page: OpenPage, upload: UploadTo, scripts: bool) -> None:
    seed = 9000 + scripts
    sizes: list[FilePayload] = [
        {"name": f"{seed}-{width}.png", "mimeType": "image/png", "buffer": picture(seed, (width, 2 * width // 3))}
        for width in (240, 480)
    ]
    uploaded = upload(ADA, *sizes, new_file(), public=True)
    page = open_page(scripts=scripts)
    same = public_urls(page, f"&text={seed}")
    (alone,) = {*uploaded} - {*same}
    wait_until(lambda: {*same} <= {*public_urls(page, "&has_copies=true")}, COMPARED_S)
    page.goto("/")
    page.get_by_text("More filters").click()
    page.get_by_label("Only pictures with copies").check()
    if not scripts:
        page.get_by_role("button", name="Show").click()
    chip = page.get_by_role("link", name="With copies")
    expect(chip).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {"has_copies": ["true"]}
    assert tile_urls(page) == public_urls(page, "&has_copies=true")
    assert alone not in tile_urls(page)
    follow(chip)
    expect(page.locator(f"#grid a[href='{alone}']")).to_be_visible()


def test_a16_what_is_somebody_elses_alone_is_nowhere(open_page: OpenPage) -> None:
    carl = open_page("Carl")
    carl.goto("/?collection=Hidden")
    (hidden,) = tile_urls(carl)
    page = open_page(ADA, refusals=[404])
    for path in (hidden, f"{hidden}/similar", f"{hidden}/thumbnails/512", f"{hidden}/original", "/?collection=Hidden"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 404, path
    page.goto("/collections")
    expect(page.get_by_role("link", name="Sample gallery")).to_be_visible()
    expect(page.get_by_role("link", name="Hidden")).to_have_count(0)
    nobody = open_page()
    assert hidden not in public_urls(nobody)
    assert len(public_urls(nobody)) >= SAMPLE + SWATCHES
