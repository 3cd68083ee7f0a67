"""The whole story, in a gallery that begins empty: from the first link to the last sign-out, with scripts and without.

Each page is looked at by axe as it is reached, and the visits fail on any complaint of the browser's.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.pictures import drawn
from tests.browser.site import Site, wait_until
from tests.browser.visits import Visits, axe, follow, tile_urls
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser

KEEPER, FRIEND = "Ada", "Bea"
# Two of a kind each, of the sample gallery's: seas at dusk, flower meadows, forests in snow.
SEA, MEADOW, FOREST = (56, 36), (61, 41), (71, 51)
SEARCHABLE_S = 60.0


@dataclass(frozen=True)
class Story:
    """Where it happens, and whether browsers run scripts."""

    site: Site
    visits: Visits
    scripts: bool

    def page(self, *refusals: int) -> Page:
        """A browser that nobody is signed in with."""
        return self.visits.open(scripts=self.scripts, refusals=refusals)


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def story(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Story]:
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        Path(name).chmod(0o711)  # passable for the database's unprivileged user
        site = Site(Path(name))
        try:
            site.start()
            yield Story(site, Visits(browser, site), request.param)
        finally:
            site.stop()


def test_the_whole_story(story: Story) -> None:
    keeper = first_run(story)
    friend = accept(story, invite(keeper, FRIEND))
    sign_out(friend)
    sign_in(friend, FRIEND)
    shelf = upload(friend, "Walks", [drawn(index) for index in (*SEA, *MEADOW, *FOREST)], scripts=story.scripts)
    pictures = tile_urls(friend)
    label(friend, pictures[0], "at dusk")
    share_with(friend, shelf, KEEPER)
    link = share_by_link(friend, shelf)
    visitor = story.page(404)
    open_link(visitor, link, pictures)
    wait_until_searchable(friend, pictures)
    search_by_file(friend, drawn(SEA[0]), scripts=story.scripts)
    search_by_stored_picture(friend, pictures[0])
    search_by_text(friend, "dusk", pictures[0])
    search_by_part(friend, pictures[0])
    search_by_examples(friend, shelf)
    move_two(friend, shelf, make_collection(friend, "Best ones"))
    trash_and_undo(friend, shelf)
    token = make_token(friend)
    assert call_api(story.site, token) == {"name": FRIEND, "images": 6}
    revoke_token(friend)
    assert httpx.get(f"{story.site.url}/api/v1/me", headers=bearer(token)).status_code == 401
    revoke_link(friend, shelf)
    expect_hidden(visitor, shelf)
    for page in (friend, keeper):
        sign_out(page)
    story.visits.end()


def look(page: Page) -> None:
    """What axe finds on the page is nothing. Where no scripts run axe cannot either: the pages are the same ones."""
    if page.locator("html.js").count():
        assert axe(page) == [], page.url


def first_run(story: Story) -> Page:
    """The link that the first start prints makes its opener the gallery's admin."""
    page = story.page()
    page.goto(story.site.claim_url)
    look(page)
    page.get_by_label("Name").fill(KEEPER)
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Begin"))
    expect(page.get_by_text("Welcome. This account is yours now.")).to_be_visible()
    look(page)
    return page


def invite(keeper: Page, name: str) -> str:
    """A one-time link for somebody new."""
    keeper.goto("/admin")
    look(keeper)
    follow(keeper.get_by_role("link", name="Manage users"))
    keeper.get_by_label("Name").fill(name)
    follow(keeper.get_by_role("button", name="Invite"))
    look(keeper)
    return keeper.locator("#claim-url").inner_text()


def accept(story: Story, link: str) -> Page:
    page = story.page()
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Begin"))
    return page


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in")
    look(page)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.locator("main").get_by_role("button", name="Sign in"))
    expect(page.get_by_label(f"Account: {name}")).to_be_visible()


def sign_out(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Account:").click()
    follow(page.get_by_role("button", name="Sign out"))
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def upload(page: Page, collection: str, files: list[FilePayload], *, scripts: bool) -> str:
    """Bring pictures into a new collection and go there; its address."""
    page.goto("/upload")
    look(page)
    page.get_by_label("new").fill(collection)
    page.get_by_label("Pictures", exact=True).set_input_files(files)
    if scripts:
        expect(page.get_by_role("heading", name=f"{len(files)} added")).to_be_visible()
    else:
        follow(page.get_by_role("button", name="Upload", exact=True))
        expect(page.get_by_role("heading", name=f"{len(files)} pictures added")).to_be_visible()
    look(page)
    follow(page.get_by_role("link", name="See the collection"))
    expect(page.locator("#grid .tile")).to_have_count(len(files))
    look(page)
    return page.url


def label(page: Page, picture: str, text: str) -> None:
    page.goto(picture)
    page.get_by_text("Edit", exact=True).click()
    page.get_by_label("Labels").fill(text)
    look(page)
    follow(page.get_by_role("button", name="Save"))
    expect(page.get_by_role("link", name=text)).to_be_visible()


def share_with(page: Page, shelf: str, name: str) -> None:
    page.goto(shelf)
    page.get_by_text("Sharing and settings").click()
    page.get_by_label("Add a member").fill(name)
    look(page)
    follow(page.get_by_role("button", name="Add", exact=True).first)
    expect(page.get_by_text(f"Shared with {name}.")).to_be_visible()


def share_by_link(page: Page, shelf: str) -> str:
    page.goto(shelf)
    page.get_by_text("Sharing and settings").click()
    follow(page.get_by_role("link", name="Share by link"))
    follow(page.get_by_role("button", name="Make a link"))
    look(page)
    return page.locator("#new-link").inner_text()


def open_link(visitor: Page, link: str, pictures: list[str]) -> None:
    visitor.goto(link)
    assert tile_urls(visitor) == pictures
    look(visitor)


def wait_until_searchable(page: Page, pictures: list[str]) -> None:
    """The worker embeds what came in."""
    wait_until(lambda: all(page.request.get(f"{picture}/similar").status == 200 for picture in pictures), SEARCHABLE_S)


def expect_results(page: Page, count: int) -> None:
    expect(page.locator("#results .tile")).to_have_count(count)
    look(page)


def search_by_file(page: Page, file: FilePayload, *, scripts: bool) -> None:
    """The very picture comes first."""
    page.goto("/search")
    look(page)
    page.get_by_label("Picture", exact=True).set_input_files([file])
    if not scripts:
        page.get_by_role("button", name="Find its like").click()
    page.wait_for_url("**/queries/*")
    expect_results(page, 6)
    expect(page.locator("#results .score").first).to_have_text("1.00, same picture")


def search_by_stored_picture(page: Page, picture: str) -> None:
    page.goto(picture)
    look(page)
    follow(page.get_by_role("link", name="More like this"))
    expect_results(page, 5)


def search_by_text(page: Page, word: str, picture: str) -> None:
    page.goto("/")
    page.get_by_label("Look up words").fill(word)
    follow(page.get_by_role("button", name="Look up words"))
    assert picture in tile_urls(page)
    look(page)


def search_by_part(page: Page, picture: str) -> None:
    page.goto(f"{picture}/similar")
    page.get_by_text("Search by a part", exact=True).click()
    page.get_by_label("From the left, %").fill("10")
    page.get_by_label("Width, %").fill("60")
    follow(page.get_by_role("button", name="Search by this part"))
    expect(page).to_have_url(re.compile(r"/queries/[0-9a-f-]{36}$"))
    expect_results(page, 5)


def search_by_examples(page: Page, shelf: str) -> None:
    """Like two ticked pictures, and less like a third."""
    page.goto(shelf)
    tick(page, 0, 1)
    follow(page.locator("#batch").get_by_role("button", name="Find alike"))
    expect_results(page, 4)
    page.get_by_label("Pick what to see more or less of").check()
    follow(page.get_by_role("button", name="Less of").first)
    assert "disliked=" in page.url
    expect_results(page, 3)


def tick(page: Page, *places: int) -> None:
    for place in places:
        page.locator(".tile").nth(place).hover()
        page.locator("[data-pick]").nth(place).check()


def make_collection(page: Page, name: str) -> str:
    page.goto("/collections")
    look(page)
    page.get_by_text("New collection").click()
    page.get_by_label("Name", exact=True).fill(name)
    follow(page.get_by_role("button", name="Make it"))
    expect(page.get_by_text(f"{name} is ready.")).to_be_visible()
    return name


def move_two(page: Page, shelf: str, target: str) -> None:
    page.goto(shelf)
    tick(page, 0, 1)
    page.locator("#batch summary", has_text="Collection").click()
    page.get_by_label("Collection", exact=True).select_option(label=target)
    page.locator("#batch").get_by_role("button", name="Move").click()
    expect(page.get_by_text(f"2 pictures moved to {target}.")).to_be_visible()
    expect(page.locator("#grid .tile")).to_have_count(4)
    look(page)


def trash_and_undo(page: Page, shelf: str) -> None:
    page.goto(shelf)
    before = tile_urls(page)
    tick(page, 2)
    page.locator("#batch").get_by_role("button", name="Trash").click()
    expect(page.get_by_text("1 picture moved to the trash.")).to_be_visible()
    look(page)
    other = page.context.new_page()
    other.goto("/trash")
    assert tile_urls(other) == [before[2]]
    look(other)
    other.close()
    follow(page.get_by_role("button", name="Undo"))
    assert tile_urls(page) == before


def make_token(page: Page) -> str:
    page.goto("/account")
    look(page)
    page.get_by_label("New token, named").fill("a script")
    follow(page.get_by_role("button", name="Make"))
    look(page)
    return page.locator("#new-token").inner_text()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def call_api(site: Site, token: str) -> dict[str, object]:
    """Who the token speaks for, and how many pictures it sees."""
    with httpx.Client(base_url=site.url, headers=bearer(token)) as script:
        name = script.get("/api/v1/me").json()["name"]
        return {"name": name, "images": len(script.get("/api/v1/images").json()["images"])}


def revoke_token(page: Page) -> None:
    page.goto("/account")
    follow(page.locator("#tokens").get_by_role("button", name="Revoke"))
    expect(page.get_by_text("The token is revoked.")).to_be_visible()


def revoke_link(page: Page, shelf: str) -> None:
    page.goto(f"{shelf}/links")
    follow(page.get_by_role("button", name="Revoke"))
    expect(page.get_by_text("The link is revoked.")).to_be_visible()


def expect_hidden(visitor: Page, shelf: str) -> None:
    visitor.goto(shelf)
    expect(visitor.get_by_role("heading", name="Not found")).to_be_visible()
    look(visitor)
