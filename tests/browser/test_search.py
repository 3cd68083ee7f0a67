"""Find by picture: choose, drop, paste; results with an address of their own, narrowed and shared."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import ADA, BEA, CARL, OpenPage
from tests.browser.pictures import broken_file, drawn, drop, paste
from tests.browser.visits import tile_urls

pytestmark = pytest.mark.browser

# Pictures that the sample gallery would draw next; two of each one's kind are in it.
SEA, MEADOW, FOREST, RIDGES = 56, 61, 71, 51
# A picture into the clipboard, as other programs put one there.
COPY = """async () => {
  const blob = await new OffscreenCanvas(300, 200).getContext("2d").canvas.convertToBlob();
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}"""


def kinds(page: Page) -> list[str]:
    return page.locator("#results .tile__name").all_text_contents()


def scores(page: Page) -> list[float]:
    texts = page.locator("#results .score").all_text_contents()
    return [float(text.split(",")[0]) for text in texts]


def expect_results(page: Page, kind: str) -> None:
    """One of that kind comes first, the best first, each with its score."""
    page.wait_for_url(re.compile(r"/queries/[0-9a-f-]{36}$"))
    expect(page.locator("#results .tile")).to_have_count(24)
    assert kinds(page)[0] == kind
    assert len(scores(page)) == 24
    assert scores(page) == sorted(scores(page), reverse=True)


def ask(page: Page, file: FilePayload) -> str:
    page.goto("/search")
    page.get_by_label("Picture", exact=True).set_input_files([file])
    page.wait_for_url("**/queries/*")
    return page.url


def test_c6_choose_a_file(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/help")
    with page.expect_file_chooser() as chooser:
        page.get_by_label("Find by picture: choose a file").click()
    chooser.value.set_files([drawn(SEA)])
    expect_results(page, "sea at dusk")
    expect(page.locator(".asked__picture img")).to_have_js_property("complete", value=True)
    assert page.locator(".asked__picture img").evaluate("image => image.naturalWidth") > 0


def test_c6_drop_a_file_on_any_page(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(BEA)
    page.goto("/collections")
    path = tmp_path / "meadow.jpg"
    path.write_bytes(drawn(MEADOW)["buffer"])
    drop(page, str(path))
    expect_results(page, "flower meadow")


def test_c6_paste_a_picture(open_page: OpenPage) -> None:
    page = open_page(BEA)
    page.goto("/")
    paste(page, drawn(FOREST))
    expect_results(page, "forest in snow")
    page.go_back()
    expect(page.locator("#overlay")).to_be_hidden()


def test_c6_paste_from_the_clipboard(open_page: OpenPage) -> None:
    page = open_page(BEA)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/search")
    page.evaluate("navigator.clipboard.writeText('no picture')")
    page.get_by_role("button", name="Paste").click()
    expect(page.locator("#paste-status")).to_have_text("There is no picture in the clipboard.")
    page.evaluate(COPY)
    page.get_by_role("button", name="Paste").click()
    page.wait_for_url("**/queries/*")
    expect(page.locator(".asked")).to_contain_text("pasted picture")
    expect(page.locator("#results .tile")).to_have_count(24)
    page.evaluate(COPY)
    before = page.url
    page.keyboard.press("Control+v")
    page.wait_for_url(lambda url: url != before)
    expect(page.locator("#results .tile")).to_have_count(24)


def test_c14_search_without_scripts(open_page: OpenPage) -> None:
    page = open_page(scripts=False)
    page.goto("/")
    page.get_by_label("Find by picture: choose a file").set_input_files([drawn(RIDGES)])
    page.get_by_role("button", name="Find", exact=True).click()
    expect_results(page, "ridges in fog")
    page.get_by_label("How many").select_option("12")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#results .tile")).to_have_count(12)


def test_c5_the_address_narrows_and_back_restores(open_page: OpenPage) -> None:
    page = open_page(BEA)
    url = ask(page, drawn(SEA))
    all_urls = tile_urls(page, "#results")
    page.get_by_label("How many").select_option("12")
    expect(page.locator("#results .tile")).to_have_count(12)
    page.get_by_label("Label", exact=True).select_option("sea at dusk")
    expect(page.locator("#results .tile")).to_have_count(2)
    assert parse_qs(urlsplit(page.url).query) == {"k": ["12"], "label": ["sea at dusk"]}
    expect(page.locator("#live")).to_have_text("2 pictures found")
    page.reload()
    expect(page.locator("#results .tile")).to_have_count(2)
    page.go_back()
    expect(page.locator("#results .tile")).to_have_count(12)
    assert tile_urls(page, "#results") == all_urls[:12]
    page.goto(f"{url}?collection=Swatches&k=48")
    expect(page.locator("#results .tile")).to_have_count(48)
    assert {kind.partition("-")[0] for kind in kinds(page)} == {"swatches"}
    page.goto(f"{url}?collection=Swatches&label=sea+at+dusk")
    expect(page.get_by_role("heading", name="Nothing alike in this choice")).to_be_visible()


def test_c5_a_query_is_its_owners_alone(open_page: OpenPage) -> None:
    url = ask(open_page(BEA), drawn(SEA))
    stranger = open_page(CARL, refusals=[404])
    for path in (url, f"{url}/picture"):
        answer = stranger.goto(path)
        assert answer is not None
        assert answer.status == 404


def test_a_picture_of_the_gallery_finds_itself_first(open_page: OpenPage) -> None:
    page = open_page(ADA)
    page.goto("/?label=koi+pond")
    stored = tile_urls(page)[0]
    original = page.request.get(f"{stored}/original").body()
    ask(page, {"name": "koi.jpg", "mimeType": "image/jpeg", "buffer": original})
    assert tile_urls(page, "#results")[0] == stored
    expect(page.locator("#results .score").first).to_have_text("1.00, same picture")
    assert scores(page)[1] < 1


def test_c13_what_is_no_picture_is_told(open_page: OpenPage) -> None:
    page = open_page(refusals=[422])
    page.goto("/search")
    page.get_by_label("Picture", exact=True).set_input_files([broken_file("words.png")])
    expect(page.get_by_role("heading", name="That cannot be used")).to_be_visible()
