"""One running gallery and one Chromium for all browser tests; each test opens contexts of its own."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from scripts.screenshots import NO_CHROMIUM, chromium_arguments, find_chromium
from tests.browser.site import Site
from tests.browser.visits import PATIENCE_MS, Visits
from tests.factories import PASSWORD, picture

# Ada keeps the gallery; Bea and Carl have ordinary accounts.
ADA, BEA, CARL = "Ada", "Bea", "Carl"
SAMPLE = 40
SWATCHES = 90
SHAPES = ((96, 64), (64, 96), (96, 96), (160, 64))

OpenPage = Callable[..., Page]
_numbers = itertools.count(1)


class UploadTo(Protocol):
    """Uploads pictures for somebody into a new collection; returns their addresses."""

    def __call__(self, who: str, *files: FilePayload, public: bool = False) -> list[str]: ...


def pytest_runtest_setup() -> None:
    """Without a browser these tests are skipped, which is one line of the summary."""
    if find_chromium() is None:
        pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """The gallery: Ada's public sample and Carl's public swatches, and one picture that Carl alone may see."""
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        folder = Path(name)
        # Passable, so that the database's unprivileged user gets there when the tests run as root.
        folder.chmod(0o711)
        site = Site(folder)
        try:
            site.start()
            _fill(site, folder)
            yield site
        finally:
            code, left = site.stop()
        assert (code, left) == (0, []), site.log


def _fill(site: Site, folder: Path) -> None:
    public = ("--visibility", "public", "--no-wait")
    site.run("import", "sample", "--count", str(SAMPLE), "--collection", "Sample gallery", *public)
    site.run("user", "add", CARL, "--password-stdin", typed=f"{PASSWORD}\n")
    for collection, seeds in (("Swatches", range(SWATCHES)), ("Hidden", range(SWATCHES, SWATCHES + 1))):
        pictures = folder / collection
        pictures.mkdir()
        for seed in seeds:
            (pictures / f"{collection.lower()}-{seed}.png").write_bytes(picture(seed, SHAPES[seed % len(SHAPES)]))
    swatches = ("import", "folder", str(folder / "Swatches"), "--collection", "Swatches", "--owner", CARL)
    site.run(*swatches, *public)
    site.run("import", "folder", str(folder / "Hidden"), "--collection", "Hidden", "--owner", CARL)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=chromium_arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def people(site: Site, browser: Browser) -> Visits:
    """Ada, Bea and Carl, signed in: Ada by the link of the first start, Bea (without scripts) by one made for her."""
    visits = Visits(browser, site)
    links = {ADA: site.claim_url, BEA: str(site.run_json("user", "add", BEA, "--claim")["claim_url"])}
    for name, link in links.items():
        page = visits.open(scripts=name != BEA)
        page.goto(link)
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.get_by_text("Welcome. This account is yours now.").wait_for()
        visits.keep(name, page)
    page = visits.open()
    sign_in(page, CARL)
    visits.keep(CARL, page)
    visits.end()
    return visits


@pytest.fixture
def visits(people: Visits) -> Iterator[Visits]:
    """Contexts for one test, which fails if the browser complained in any of them."""
    visits = Visits(people.browser, people.site, people.states)
    yield visits
    visits.end()


@pytest.fixture
def open_page(visits: Visits) -> OpenPage:
    """Opens a page for somebody: `Visits.open`."""
    return visits.open


@pytest.fixture
def new_name() -> Callable[[], str]:
    """Names for collections that are not there yet."""
    return lambda: f"Shelf {next(_numbers)}"


@pytest.fixture
def upload(open_page: OpenPage, new_name: Callable[[], str]) -> UploadTo:
    def upload(who: str, *files: FilePayload, public: bool = False) -> list[str]:
        page = open_page(who)
        page.goto("/upload")
        page.get_by_label("new").fill(new_name())
        page.get_by_label("Pictures", exact=True).set_input_files(list(files))
        expect(page.get_by_role("heading", name=f"{len(files)} added")).to_be_visible()
        urls = [str(link.get_attribute("href")) for link in page.get_by_role("link", name="See it").all()]
        if public:
            page.get_by_role("link", name="See the collection").click()
            page.get_by_text("Sharing and settings").click()
            page.get_by_label("Public").check()
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_text("Saved.")).to_be_visible()
        return urls

    return upload


def sign_in(page: Page, name: str) -> None:
    """Sign in with PASSWORD."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.get_by_label(f"Account: {name}").wait_for()
