"""Drills of imports on a running gallery: a large archive by the page, and what the server needs of memory for it."""

import io
import resource
import tempfile
import time
import zipfile
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from scripts.screenshots import NO_CHROMIUM, chromium_arguments, find_chromium
from tests.browser.site import Site
from tests.factories import PASSWORD

MIB = 1024**2
ARCHIVE_BYTES = 1536 * MIB
ALLOWED_GROWTH = 100 * MIB
PATIENCE_S = 600
LOOK_MS = 100


@pytest.fixture
def site() -> Generator[Site]:
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        Path(name).chmod(0o711)
        site = Site(Path(name))
        yield site
        site.kill()


@pytest.fixture
def page(site: Site) -> Generator[Page]:
    """Chromium, signed in as the first admin."""
    if find_chromium() is None:
        pytest.skip(NO_CHROMIUM)
    site.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=chromium_arguments())
        page = browser.new_context(base_url=site.url).new_page()
        page.goto(site.claim_url)
        page.get_by_label("Name").fill("Ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.get_by_text("Welcome.").wait_for()
        yield page
        browser.close()


def make_archive(path: Path) -> int:
    """A ZIP of 1.5 GiB: one photo of noise again and again, each its own file by its comment. How many they are."""
    pixels = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    photo = io.BytesIO()
    Image.fromarray(pixels).save(photo, "JPEG", quality=95)
    start, rest = photo.getvalue()[:2], photo.getvalue()[2:]
    count = ARCHIVE_BYTES // len(photo.getvalue()) + 1
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            comment = f"{number:08}".encode()
            segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
            archive.writestr(f"photos/{number:05}.jpg", start + segment + rest)
    return count


def rss_bytes(pid: int) -> int:
    """What a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


@pytest.mark.heavy
def test_an_archive_of_1_5_gib_by_the_page_leaves_the_servers_memory_flat(
    site: Site, page: Page, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Its progress moves, all of it comes in, and the web process grows by less than 100 MiB. Rates are told."""
    tell = pytestconfig.get_terminal_writer()
    archive = tmp_path / "photos.zip"
    count = make_archive(archive)
    page.goto("/upload")
    web = site.web().pid
    before = peak = rss_bytes(web)
    started = time.perf_counter()
    page.get_by_label("Archives", exact=True).set_input_files(archive)
    seen: set[float] = set()
    while "/upload" in page.url:
        assert time.perf_counter() - started < PATIENCE_S
        progress = page.locator(".archive progress")
        if progress.count():
            seen.add(progress.evaluate("(bar) => bar.value"))
        peak = max(peak, rss_bytes(web))
        page.wait_for_timeout(LOOK_MS)
    sent = time.perf_counter()
    badge, added = page.locator("#import-progress .badge"), page.locator("[data-count=added]")
    steps: set[str] = set()
    while badge.inner_text() != "Done":
        assert time.perf_counter() - sent < PATIENCE_S, page.locator("#import-progress").inner_text()
        steps.add(added.inner_text())
        peak = max(peak, rss_bytes(web))
        page.wait_for_timeout(LOOK_MS)
    done = time.perf_counter()
    tell.line(
        f"{archive.stat().st_size / MIB:,.0f} MiB, {count} photos: sent in {sent - started:.0f} s, imported in "
        f"{done - sent:.0f} s; the web process had {before / MIB:.0f} MiB, at most {peak / MIB:.0f}"
    )
    assert len(seen) > 20, "the bar moves while the archive is sent"
    assert len(steps) > 2, "the counts move while it is imported"
    expect(added).to_have_text(f"{count:,}")
    assert peak - before < ALLOWED_GROWTH
