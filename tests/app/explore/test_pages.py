"""Proposed labels as pages and as JSON: what they say, without scripts and with them."""

import re

import pytest

from app.core import jobs
from app.core.database import Database
from app.explore import service
from tests.app.explore.conftest import KINDS, Shelf
from tests.conftest import Client, SignIn

HTMX = {"hx-request": "true"}
LARGE, SMALL = KINDS


@pytest.fixture
async def browser(shelf: Shelf, sign_in: SignIn) -> Client:
    return await sign_in(shelf.anna)


@pytest.fixture
def url(shelf: Shelf) -> str:
    return f"/collections/{shelf.collection.id}/proposals"


def undo_of(page: str) -> str:
    """Where the page's notice, or the part of a group, turns back what was done."""
    found = re.search(r'action="((?:/undo|/collections)/[^"]+(?:back=[^"]+|/reopen))"', page)
    assert found is not None
    return found.group(1).replace("&amp;", "&")


async def test_group_accept_and_undo_by_plain_forms(browser: Client, shelf: Shelf, url: str) -> None:
    assert f'href="{url}"' in (await browser.get(f"/collections/{shelf.collection.id}")).text
    page = (await browser.get(url)).text
    assert 'value="2" required' in page
    assert "12 pictures by what the model sees" in page
    answer = await browser.post(url, data={"groups": "2", "seed": "0"})
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    page = (await browser.get(url)).text
    assert "wait for their turn" in page
    assert 'hx-trigger="every 2s"' in page
    await shelf.work()
    page = (await browser.get(url)).text
    assert "every 2s" not in page
    assert "12 pictures grouped by baseline" in page
    assert re.findall(r'name="name" value="([^"]*)"', page) == ["wren", ""]
    accepts = re.findall(rf'action="({url}/\d+/accept)"', page)
    assert len(accepts) == 2
    answer = await browser.post(accepts[1], data={"name": "tit"})
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    page = (await browser.get(url)).text
    assert "4 pictures labelled “tit”." in page
    assert "<strong>tit</strong>" in page
    assert (await shelf.labels())[LARGE:-1] == [["tit"]] * (SMALL - 1)
    answer = await browser.post(undo_of(page))
    assert answer.headers["location"] == url
    assert "Undone for 4 pictures." in (await browser.get(url)).text
    assert (await shelf.labels())[LARGE:-1] == [[]] * (SMALL - 1)


async def test_with_scripts_a_group_tells_in_its_place(browser: Client, shelf: Shelf, url: str) -> None:
    large, small = (await shelf.group()).groups
    part = (await browser.post(f"{url}/{large.id}/accept", data={"name": "wren"}, headers=HTMX)).text
    assert "<html" not in part
    assert f'id="group-{large.id}" data-announce="4 pictures labelled “wren”. 4 pictures had it already."' in part
    part = (await browser.post(f"{url}/{small.id}/drop", headers=HTMX)).text
    assert "Dropped." in part
    refused = await browser.post(f"{url}/{small.id}/drop", headers=HTMX)
    assert (refused.status_code, 'id="error-part"' in refused.text) == (409, True)
    answer = await browser.post(undo_of(part))
    assert answer.headers["location"] == f"{url}#group-{small.id}"
    part = (await browser.get(url, headers=HTMX)).text
    assert part.lstrip().startswith('<section class="proposals"')
    assert part.count('class="group panel"') == 1


async def test_what_is_wrong_is_told(browser: Client, shelf: Shelf, url: str) -> None:
    for form, words in (
        ({"groups": "many"}, "Groups is a whole number, not &#39;many&#39;"),
        ({"groups": "-2"}, "Groups is a whole number"),
        ({"groups": "13"}, "These pictures can be 2 to 12 groups"),
        ({"groups": "2", "seed": "9" * 12}, "A seed is from 0 to"),
        ({"groups": "9" * 30}, "Groups is a whole number"),
    ):
        answer = await browser.post(url, data=form)
        assert (answer.status_code, words in answer.text) == (422, True), answer.text
        assert f'value="{form["groups"]}"' in answer.text, "what was typed is not lost"
    group = (await shelf.group()).groups[1]
    await browser.post(f"{url}/{group.id}/drop")
    assert "Dropped." in (await browser.get(url)).text
    await browser.post(f"{url}/{group.id}/drop")
    assert "This group was dropped already" in (await browser.get(url)).text
    await browser.post(f"{url}/{group.id}/reopen")
    await browser.post(f"{url}/{group.id}/accept", data={"name": " "})
    assert "Name the label" in (await browser.get(url)).text


async def test_empty_and_failed_are_told(browser: Client, shelf: Shelf, url: str, db: Database) -> None:
    bare = await shelf.gallery.collection(shelf.anna, "Bare")
    assert "Too few pictures to group" in (await browser.get(f"/collections/{bare.id}/proposals")).text
    assert f"/collections/{bare.id}/proposals" not in (await browser.get(f"/collections/{bare.id}")).text
    await service.begin(db, shelf.anna, shelf.collection.id)
    job = (await shelf.look()).job
    assert job is not None
    with pytest.raises(RuntimeError):
        async with jobs.running(db, job.id):
            raise RuntimeError("the memory is full")
    page = (await browser.get(url)).text
    assert "The pictures were not grouped: the memory is full." in page
    assert "every 2s" not in page


async def test_only_editors_are_offered_it(shelf: Shelf, url: str, sign_in: SignIn) -> None:
    await shelf.group()
    viewer = await sign_in(await shelf.member("vera", "viewer"))
    assert url not in (await viewer.get(f"/collections/{shelf.collection.id}")).text
    assert (await viewer.get(url)).status_code == 403
    editor = await sign_in(await shelf.member("eve", "editor"))
    assert url in (await editor.get(f"/collections/{shelf.collection.id}")).text
    assert (await editor.get(url)).status_code == 200


async def test_the_same_by_the_api(client: Client, shelf: Shelf) -> None:
    client.headers.update({**await shelf.gallery.bearer(shelf.anna), "accept": "application/json"})
    url = f"/api/v1/collections/{shelf.collection.id}/proposals"
    assert (await client.get(url)).json() == {
        **dict.fromkeys(("state", "message", "wanted", "seed", "model", "pictures", "silhouette", "created_at")),
        "groups": [],
    }
    begun = await client.post(url, json={})
    assert (begun.status_code, begun.json()["state"], begun.json()["wanted"]) == (202, "queued", 2)
    await shelf.work()
    told = (await client.get(url)).json()
    assert (told["state"], told["pictures"], told["model"]) == ("done", 12, "baseline")
    large, small = told["groups"]
    assert (large["name"], large["images"], len(large["cover_ids"])) == ("wren", LARGE, 6)
    done = await client.post(f"{url}/{large['group_id']}/accept", json={})
    assert {**done.json(), "undo": None} == {"label": "wren", "done": 4, "unchanged": 4, "full": 0, "undo": None}
    assert (await client.post(done.json()["undo"])).json() == {"done": 4}
    dropped = await client.post(f"{url}/{small['group_id']}/drop")
    assert (dropped.status_code, dropped.json()["groups"][1]["state"]) == (200, "dropped")
    again = await client.post(f"{url}/{small['group_id']}/drop")
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    reopened = await client.post(f"{url}/{small['group_id']}/reopen")
    assert reopened.json()["groups"][1]["state"] == "open"
    for body in ({"groups": 1}, {"groups": 101}, {"groups": 50}, {"groups": "few"}, {"seed": -1}, {"k": 2}):
        refused = await client.post(url, json=body)
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json"), refused.text
