"""Takes a picture of every page, signed in and out, light and dark, wide and narrow, into screenshots/.

By itself it starts a gallery of its own with sample pictures; with --url it looks at one that runs.
"""

import argparse
import itertools
import os
import re
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

FOLDER = Path(__file__).resolve().parents[1] / "screenshots"
SIZES = ((1280, 900), (375, 812))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUIET_MS = 250
SIGN_IN_TIMEOUT_MS = 5000
LEARNING_TIMEOUT_MS = 600_000
WINDOWS = frozenset(
    {"gallery", "gallery-label", "picture", "similar", "results", "part", "collection", "trash", "api-docs"}
)
"""Pages without a natural end, or made for the window: that alone, and not the page in its full length."""
NAME, PASSWORD = "ada", "green lamps at noon"
SAMPLE = 240
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
    page.wait_for_load_state("networkidle")
    labels = [link.get_attribute("href") or "/" for link in page.locator(".facets__chips a").all()]
    original = page.request.get(f"{picture}/original")
    page.goto("/collections")
    collections = [link.get_attribute("href") or "/" for link in page.locator(".card__link").all()]
    proposals = propose(page, collections)
    page.goto("/admin/training")
    learnt = {
        name: link.first.get_attribute("href") or "/"
        for name in ("trainings", "evaluations")
        if (link := page.locator(f"#{name} .runs__name")).count()
    }
    page.goto("/admin")
    job = page.locator("#jobs .job").first.get_attribute("id") or "job-0"
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
        "gallery-label": labels[0] if labels else "/?shape=landscape",
        "picture": picture,
        "similar": f"{picture}/similar",
        "search": "/search",
        "results": results,
        "part": path_of(page.url),
        "copies": f"{picture}/copies",
        "collections": "/collections",
        "collection": collections[0],
        "links": f"{collections[0]}/links",
        **({"proposals": proposals} if proposals else {}),
        "upload": "/upload",
        "imports": "/imports",
        "import": imported,
        "trash": "/trash",
        "account": "/account",
        "admin": "/admin",
        "job": f"/admin/jobs/{job.removeprefix('job-')}",
        "training": "/admin/training",
        "training-new": "/admin/training/new",
        **({"training-run": learnt["trainings"]} if "trainings" in learnt else {}),
        "evaluation-new": "/admin/evaluations/new",
        **({"evaluation": learnt["evaluations"]} if "evaluations" in learnt else {}),
        "users": "/admin/users",
        "events": "/admin/events",
        "styleguide": "/styleguide",
        "help": "/help",
        "api-docs": "/api/docs",
        "missing": "/images/999999999",
    }


def propose(page: Page, collections: Sequence[str]) -> str | None:
    """The page of proposed labels of the first of these collections that can be grouped; asks for the groups."""
    for collection in collections:
        page.goto(collection)
        suggest = page.get_by_role("link", name="Suggest labels")
        if not suggest.count():
            continue
        suggest.click()
        page.wait_for_url("**/proposals")
        if page.locator("#proposing-groups").count():
            if not page.locator(".group").count():
                page.get_by_role("button", name="Group the pictures").click()
                page.locator(".group").first.wait_for()
            return path_of(page.url)
    return None


def learn(page: Page) -> None:
    """A training of a few seconds, to its end, and a comparison of what it made."""
    page.goto("/admin/training/new")
    page.get_by_label("Name of the new model").fill("first-steps")
    page.get_by_label("Epochs").fill("4")
    page.get_by_label("What is adapted").select_option("2")
    page.get_by_role("button", name="Train").click()
    ended = page.locator("[data-job-ended]")
    ended.wait_for(timeout=LEARNING_TIMEOUT_MS)
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/admin/evaluations/*")
    ended.wait_for(timeout=LEARNING_TIMEOUT_MS)


def list_pages_for_nobody(pages: dict[str, str]) -> dict[str, str]:
    """Those of the pages that look otherwise when nobody is signed in, and the page to sign in."""
    names = ("gallery", "picture", "similar", "search", "collections", "collection", "upload", "help", "styleguide")
    return {"sign-in": "/sign-in"} | {f"{name}-signed-out": pages[name] for name in names}


def path_of(url: str) -> str:
    """An address without its host."""
    return re.sub(r"^\w+://[^/]+", "", url)


def settle(page: Page, *, whole: bool) -> None:
    """Wait until what the page loads by itself is there, and the pictures in the window, or all, are decoded."""
    if whole:
        page.evaluate("() => { for (const image of document.images) image.loading = 'eager'; }")
    page.wait_for_load_state("networkidle")
    page.evaluate(
        """(whole) => {
          const isShown = (one) => one.checkVisibility() && (whole || one.getBoundingClientRect().top < innerHeight);
          const shown = [...document.images].filter((one) => one.currentSrc && isShown(one));
          return Promise.all([document.fonts.ready, ...shown.map((one) => one.decode())]);
        }""",
        whole,
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
        whole = name.removesuffix("-signed-out") not in WINDOWS
        settle(page, whole=whole)
        size = page.viewport_size
        if whole and size is not None:
            # As high a window, so that bars at its lower edge stand at that of the page.
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": size["width"], "height": height})
            page.screenshot(path=FOLDER / f"{name}-{suffix}.png")
            page.set_viewport_size(size)
        else:
            page.screenshot(path=FOLDER / f"{name}-{suffix}.png")


def shoot_all(browser: Browser, url: str, name: str, password: str, claim: str | None, *, own: bool) -> int:
    """Every page in every scheme and size; how many files that makes. In a gallery of its `own` a model is trained."""
    page = browser.new_context(base_url=url).new_page()
    sign_in(page, name, password, claim)
    if own:
        learn(page)
    pages = list_pages(page)
    outside = list_pages_for_nobody(pages)
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
        shoot(context.new_page(), outside, f"{scheme}-{width}")
        context.close()
    return (len(pages) + len(outside)) * len(SCHEMES) * len(SIZES)


@contextmanager
def own_gallery(pictures: Path | None) -> Generator[tuple[str, str]]:
    """The address of a gallery that lives as long as the block, and the link that claims it."""
    # A checkout has these, and only a checkout needs them.
    from tests.browser.site import Site
    from tests.ml.checkpoints import make_network

    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # passable for the unprivileged user of the database
        site = Site(folder)
        make_network(folder / "data" / "models" / "small-network")
        try:
            site.start()
            fill(site.run, folder, pictures)
            yield site.url, site.claim_url
        finally:
            site.stop()


def fill(run: Callable[..., str], folder: Path, pictures: Path | None) -> None:
    """A private collection with refused files, public pictures, somebody invited, two versions of the index.

    The public ones last: the newest picture is then one that everybody sees.
    """
    broken = folder / "Scans"
    broken.mkdir()
    (broken / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    (broken / "notes.png").write_text("no picture", encoding="utf-8")
    Image.linear_gradient("L").save(broken / "gradient.png")
    run("import", "folder", str(broken), "--collection", "Scans")
    target = ("--visibility", "public")
    if pictures is None:
        run("import", "sample", "--count", str(SAMPLE), "--collection", "Sample gallery", *target)
    else:
        run("import", "folder", str(pictures), "--collection", pictures.name.capitalize(), *target)
    run("user", "add", "grace", "--claim")
    for _ in range(2):
        run("index", "build")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a gallery that runs, in place of one of its own")
    parser.add_argument("--name", default=NAME, help="who signs in there; an admin sees the most pages")
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--claim", metavar="LINK", help="a claim link to give that name and password to")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="what the own gallery shows, not the sample")
    given = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit(NO_CHROMIUM)
    FOLDER.mkdir(exist_ok=True)
    with ExitStack() as stack:
        url, claim = given.url, given.claim
        if url is None:
            url, claim = stack.enter_context(own_gallery(given.pictures))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium, args=chromium_arguments()
        )
        count = shoot_all(browser, url, given.name, given.password, claim, own=given.url is None)
        browser.close()
    print(f"{count} pictures of pages are in {FOLDER}")


if __name__ == "__main__":
    main()
