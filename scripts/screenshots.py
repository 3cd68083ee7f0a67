"""Takes a picture of every page of a running gallery, light and dark, wide and narrow, into screenshots/."""

import argparse
import itertools
import os
import re
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, FilePayload, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

FOLDER = Path(__file__).resolve().parents[1] / "screenshots"
SIZES = ((1280, 900), (375, 812))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUIET_MS = 250
SIGN_IN_TIMEOUT_MS = 5000
NO_CHROMIUM = "no Chromium: install it with: apt-get install chromium, or name it with CHROMIUM=/path"


def find_chromium() -> Path | None:
    """The browser that CHROMIUM names, or else Debian's; None where there is none."""
    path = Path(os.environ.get("CHROMIUM") or "/usr/bin/chromium")
    return path if os.access(path, os.X_OK) else None


def chromium_arguments() -> list[str]:
    """Root's Chromium has no sandbox."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def list_pages(page: Page) -> dict[str, str]:
    """Name and path of every page that the one who is signed in on `page` can see; asks a query of its own."""
    page.goto("/")
    picture = page.locator(".tile__link").first.get_attribute("href") or "/"
    label = page.locator(".facets__chips a").first.get_attribute("href") or "/"
    original = page.request.get(f"{picture}/original")
    page.goto("/collections")
    collection = page.locator(".card__link").first.get_attribute("href") or "/"
    page.goto("/imports")
    imported = page.locator(".imports__name").first.get_attribute("href") or "/"
    page.goto("/search")
    file: FilePayload = {"name": "a picture.jpg", "mimeType": "image/jpeg", "buffer": original.body()}
    page.locator("main input[type=file]").set_input_files([file])
    page.wait_for_url("**/queries/**")
    results = path_of(page.url)
    page.locator("details.crop summary").click()
    with page.expect_navigation():
        page.locator("[data-crop-form] button").click()
    return {
        "gallery": "/",
        "gallery-label": label,
        "picture": picture,
        "similar": f"{picture}/similar",
        "search": "/search",
        "results": results,
        "part": path_of(page.url),
        "copies": f"{picture}/copies",
        "collections": "/collections",
        "collection": collection,
        "links": f"{collection}/links",
        "upload": "/upload",
        "imports": "/imports",
        "import": imported,
        "trash": "/trash",
        "account": "/account",
        "admin": "/admin",
        "users": "/admin/users",
        "events": "/admin/events",
        "help": "/help",
        "api-docs": "/api/docs",
        "missing": "/images/999999999",
    }


def path_of(url: str) -> str:
    """An address without its host."""
    return re.sub(r"^\w+://[^/]+", "", url)


def settle(page: Page) -> None:
    """Wait until what the page loads by itself is there, and the pictures in the window are decoded."""
    page.wait_for_load_state("networkidle")
    page.evaluate(
        """() => Promise.all([document.fonts.ready, ...[...document.images]
             .filter((image) => image.currentSrc && image.getBoundingClientRect().top < innerHeight)
             .map((image) => image.decode())])"""
    )
    page.wait_for_timeout(QUIET_MS)


def sign_in(page: Page, name: str, password: str, claim: str | None) -> None:
    """Sign in, by a claim link where one is given. Raises SystemExit when the gallery does not let us in."""
    page.goto(claim or "/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.locator("main button[type=submit]").click()
    try:
        page.locator(".menu").wait_for(state="attached", timeout=SIGN_IN_TIMEOUT_MS)
    except PlaywrightTimeout:
        raise SystemExit(f"{page.url} did not let {name} in: {page.locator('main').inner_text()}") from None


def shoot(page: Page, pages: dict[str, str], suffix: str) -> None:
    """One file for each page: its name, then the suffix."""
    for name, path in pages.items():
        page.goto(path)
        settle(page)
        page.screenshot(path=FOLDER / f"{name}-{suffix}.png")


def shoot_all(browser: Browser, url: str, name: str, password: str, claim: str | None) -> int:
    """Every page in every scheme and size; how many files that makes."""
    page = browser.new_context(base_url=url).new_page()
    sign_in(page, name, password, claim)
    pages = list_pages(page)
    state = page.context.storage_state()
    for scheme, (width, height) in itertools.product(SCHEMES, SIZES):
        context = browser.new_context(
            base_url=url,
            storage_state=state,
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        shoot(context.new_page(), pages, f"{scheme}-{width}")
        context.clear_cookies()
        shoot(context.new_page(), {"sign-in": "/sign-in"}, f"{scheme}-{width}")
        context.close()
    return (len(pages) + 1) * len(SCHEMES) * len(SIZES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the gallery runs")
    parser.add_argument("--name", required=True, help="who signs in; an admin sees the most pages")
    parser.add_argument("--password", required=True)
    parser.add_argument("--claim", metavar="LINK", help="a claim link to give that name and password to")
    given = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit(NO_CHROMIUM)
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=chromium_arguments())
        count = shoot_all(browser, given.url, given.name, given.password, given.claim)
        browser.close()
    print(f"{count} pictures of pages are in {FOLDER}")


if __name__ == "__main__":
    main()
