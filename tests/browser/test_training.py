"""Training from the admin's pages: begun, watched, compared, promoted, searched by, and taken back."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.training.conftest import LABELS, NETWORK, draw
from tests.browser.conftest import ADA
from tests.browser.looks import inspect
from tests.browser.site import Site
from tests.browser.visits import WIDE, Visits, axe
from tests.factories import PASSWORD
from tests.ml.checkpoints import make_network

pytestmark = pytest.mark.browser

PICTURES = 20  # of each label
SLOW_MS = 240_000  # a process of the lowest priority, on a machine where others work


@pytest.fixture(scope="module")
def school() -> Iterator[Site]:
    """A gallery whose model may be changed, with a small network at hand and a labelled collection of Ada's."""
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        site = Site(folder, LIKENESS_MODEL="auto", HF_HUB_OFFLINE="1")
        make_network(folder / "data" / "models" / NETWORK)
        for label in LABELS:
            (folder / "Patterns" / label).mkdir(parents=True)
            for number in range(PICTURES):
                (folder / "Patterns" / label / f"{number}.png").write_bytes(draw(label, number))
        try:
            site.start()
            patterns = ("import", "folder", str(folder / "Patterns"), "--collection", "Patterns")
            site.run(*patterns, "--labels-from", "folder")
            yield site
        finally:
            code, left = site.stop()
        assert (code, left) == (0, []), site.log


@pytest.fixture(scope="module")
def keeper(school: Site, browser: Browser) -> Iterator[Visits]:
    """Ada, who keeps it."""
    visits = Visits(browser, school)
    page = visits.open()
    page.goto(school.claim_url)
    page.get_by_label("Name").fill(ADA)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("Welcome. This account is yours now.").wait_for()
    visits.keep(ADA, page)
    yield visits
    visits.end()


def fill_in(page: Page, name: str, epochs: int) -> None:
    """The form of a training that takes seconds."""
    page.goto("/admin/training/new")
    page.get_by_label("Collection to learn from").select_option(label=f"Patterns ({2 * PICTURES} pictures)")
    page.get_by_label("Network to begin with").select_option(NETWORK)
    page.get_by_label("Name of the new model").fill(name)
    page.get_by_label("Epochs").fill(str(epochs))
    page.get_by_label("What is adapted").select_option("2")
    page.get_by_label("Held out, %").fill("30")
    page.get_by_text("More settings").click()
    page.get_by_label("Batch, pictures").fill("8")
    page.get_by_label("Local crops of a picture").fill("2")


def test_b22_c23_train_watch_compare_promote_search_and_roll_back(keeper: Visits, school: Site) -> None:
    page = keeper.open(ADA)
    page.goto("/admin")
    page.get_by_role("link", name="Training", exact=True).click()
    page.get_by_role("link", name="New training").click()
    fill_in(page, "patterns-1", 6)
    expect(page.locator("#estimate")).to_contain_text("28 pictures to learn from")
    page.get_by_role("button", name="Train").click()

    badge = page.locator(".run__state .badge")
    expect(badge).to_have_text("Done", timeout=SLOW_MS)
    expect(page.get_by_role("img", name="Curves of the training")).to_be_visible()
    page.get_by_text("The figures").click()
    expect(page.get_by_role("region", name="Loss and probes by epoch").locator("tbody tr")).to_have_count(7)
    page.get_by_text("Model card").click()
    expect(page.get_by_text("base_model:")).to_be_visible()
    run_url = page.url
    assert axe(page) == []

    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_label(NETWORK)).to_be_checked()
    expect(page.get_by_label("patterns-1")).to_be_checked()
    page.get_by_role("button", name="Compare").click()
    expect(badge).to_have_text("Done", timeout=SLOW_MS)
    expect(page.get_by_text("Flattering, and not comparable with retrieval")).to_be_visible()
    shown = page.get_by_role("region", name=re.compile("^Retrieval"))
    expect(shown.get_by_role("cell", name="patterns-1", exact=True).first).to_be_visible()
    assert axe(page) == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Whole report").click()
    report = opened.value
    expect(report.locator("h1")).to_be_visible()
    assert report.locator("img").first.evaluate("one => one.complete && one.naturalWidth > 0")
    report.close()
    (file,) = school.blobs.parent.glob("evaluations/*/report/report.html")
    looked_at = ["/admin/training", "/admin/training/new", "/admin/evaluations/new", run_url, page.url, file.as_uri()]
    assert [violation for one in looked_at for violation in inspect(page, one)] == []

    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(run_url)
    page.get_by_role("button", name="Promote").click()
    expect(page.locator("#standing")).to_have_text("In force", timeout=SLOW_MS)
    page.goto("/")
    expect(page.locator("footer")).to_contain_text("patterns-1")
    page.goto(f"{page.locator('#grid .tile a').first.get_attribute('href')}/similar")
    expect(page.locator(".tile").first).to_be_visible()

    page.goto(run_url)
    page.get_by_role("button", name="Roll back to baseline").click()
    expect(page.get_by_text("The gallery goes back to baseline.")).to_be_visible()
    expect(page.get_by_role("button", name="Promote")).to_be_visible(timeout=SLOW_MS)
    page.goto("/")
    expect(page.locator("footer")).to_contain_text("baseline", timeout=SLOW_MS)


def test_c14_cancelled_and_gone_on_with_without_scripts(keeper: Visits) -> None:
    page = keeper.open(ADA, scripts=False, refusals={422})
    fill_in(page, "Patterns 2", 2000)
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be a model's name")
    expect(page.get_by_label("Epochs")).to_have_value("2000")
    page.get_by_label("Name of the new model").fill("patterns-2")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_text("The training is added, and this page follows it.")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("with a checkpoint to go on from")).to_be_visible()
    goes_on = page.get_by_role("button", name="Go on")
    for _ in range(SLOW_MS // 1000):
        if goes_on.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    goes_on.click()
    expect(page.get_by_text("It goes on from its last checkpoint.")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()


def test_c14_a_run_that_was_cancelled_looks_well(keeper: Visits) -> None:
    page = keeper.open(ADA)
    page.goto("/admin/training")
    page.locator(".runs__name").first.click()
    expect(page.locator(".run__state")).to_be_visible()
    assert inspect(page, page.url) == []
