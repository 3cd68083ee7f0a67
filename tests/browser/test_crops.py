"""Search by a part of a picture, by pointer, keys and numbers; examples; the words of the one search box."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, BEA, OpenPage, UploadTo
from tests.browser.pictures import drawn, new_file
from tests.browser.visits import PHONE, axe, follow, tile_urls

pytestmark = pytest.mark.browser

SEA = 56  # as in test_search.py
PART = re.compile(r"/queries/[0-9a-f-]{36}$")


def numbers(page: Page) -> list[int]:
    return [int(page.locator(f"#crop-{name}").input_value()) for name in ("x", "y", "width", "height")]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Over the picture, in shares of it."""
    box = page.locator("#crop-area").bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=4)
    page.mouse.up()


def test_c8_a_box_is_drawn_moved_and_searched_by(open_page: OpenPage, upload: UploadTo) -> None:
    (url,) = upload(BEA, new_file(size=(800, 400)))
    page = open_page(BEA)
    page.goto(url)
    page.keyboard.press("p")
    expect(page.locator("#crop-area")).to_be_visible()
    drag(page, (0.6, 0.9), (0.2, 0.4))
    assert numbers(page) == [20, 40, 40, 50]
    drag(page, (0.4, 0.6), (0.5, 0.5))
    assert numbers(page) == [30, 30, 40, 50]
    drag(page, (0.4, 0.6), (-0.5, 3))
    assert numbers(page) == [0, 50, 40, 50], "never beyond the picture"
    area = page.locator("#crop-area")
    area.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    assert numbers(page) == [2, 49, 39, 49]
    expect(page.locator("#live")).to_have_text("2 % from the left, 49 % from the top, 39 % wide, 49 % high")
    edge = page.locator("#crop-area .crop-box__edge")
    assert [float(edge.get_attribute(name) or 0) for name in ("x", "y", "width", "height")] == [16, 196, 312, 196]
    page.locator("#crop-x").fill("10")
    assert float(edge.get_attribute("x") or 0) == 80
    assert axe(page) == []
    follow(page.get_by_role("button", name="Search by this part"))
    expect(page).to_have_url(PART)
    expect(page.locator(".asked")).to_contain_text("from 10 % left and 49 % top: 39 % wide, 49 % high")
    expect(page.locator("#results .tile")).to_have_count(24)
    assert url not in tile_urls(page, "#results")

    page.get_by_text("Search by another part").click()
    drag(page, (0.7, 0.1), (0.9, 0.3))
    assert numbers(page) == [70, 10, 20, 20]
    before = page.url
    follow(page.get_by_role("button", name="Search by this part"))
    assert page.url != before
    page.go_back()
    expect(page.locator(".asked")).to_contain_text("39 % wide")


@pytest.mark.parametrize("width", [1280, PHONE])
def test_c14_a_part_by_numbers_without_scripts(open_page: OpenPage, width: int) -> None:
    page = open_page(scripts=False, width=width)
    page.goto("/search")
    page.get_by_label("Picture", exact=True).set_input_files([drawn(SEA)])
    page.get_by_role("button", name="Find its like").click()
    page.get_by_text("Search by a part", exact=True).click()
    page.get_by_label("From the left, %").fill("5")
    page.get_by_label("Width, %").fill("90")
    follow(page.get_by_role("button", name="Search by this part"))
    expect(page.locator(".asked")).to_contain_text("from 5 % left and 25 % top: 90 % wide, 50 % high")
    expect(page.locator("#results .tile")).to_have_count(24)


def test_c20_keys_and_buttons_give_examples_and_take_them_back(open_page: OpenPage) -> None:
    page = open_page(ADA)
    page.goto("/?label=sea+at+dusk")
    page.goto(f"{tile_urls(page)[0]}/similar")
    plain = tile_urls(page, "#results")
    page.locator("#results .tile__link").nth(3).focus()
    page.keyboard.press("l")
    page.wait_for_url("**liked=*")
    page.locator("#results .tile").nth(1).hover()
    page.keyboard.press("d")
    page.wait_for_url("**disliked=*")
    expect(page.locator(".example")).to_have_count(2)
    moved = tile_urls(page, "#results")
    assert plain[3] not in moved
    assert axe(page) == []
    page.get_by_label("How many").select_option("12")
    expect(page.locator("#results .tile")).to_have_count(12)
    expect(page.locator(".example")).to_have_count(2)
    follow(page.locator(".example__remove").first)
    expect(page.locator(".example")).to_have_count(1)
    follow(page.get_by_role("link", name="Without examples"))
    assert tile_urls(page, "#results") == plain[:12]


def test_c14_examples_without_scripts(open_page: OpenPage) -> None:
    page = open_page(scripts=False)
    page.goto("/?label=sea+at+dusk")
    page.goto(f"{tile_urls(page)[0]}/similar")
    follow(page.locator("#results .tile__round").nth(1))
    expect(page.locator(".example--disliked")).to_have_count(1)


def test_c20_fingers_ask_for_the_buttons_first(open_page: OpenPage) -> None:
    page = open_page(width=PHONE)
    page.goto("/?label=sea+at+dusk")
    page.goto(f"{tile_urls(page)[0]}/similar")
    button = page.locator("#results .tile__round").first
    expect(button).to_be_hidden()
    page.get_by_text("Pick what to see more or less of").tap()
    button.tap()
    page.wait_for_url("**liked=*")
    expect(page.locator("#results .tile__round").first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_c6_words_are_looked_up_from_any_page(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(BEA, scripts=scripts)
    page.goto("/help")
    box = page.get_by_label("Look up words")
    box.focus()
    expect(page.locator("#finder-hint")).to_contain_text("and not understood")
    expect(page.locator("#finder-hint")).to_be_visible()
    box.fill("sea dusk")
    follow(page.get_by_role("button", name="Look up words"))
    assert page.url.endswith("/?text=sea+dusk")
    expect(page.locator("#grid .tile")).to_have_count(2)
    expect(box).to_have_value("sea dusk")
    page.goto("/?text=nobody+wrote+this")
    expect(page.get_by_role("link", name="Search by a picture")).to_be_visible()
