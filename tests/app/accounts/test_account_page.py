"""The page of one's own account: password, sessions, tokens."""

import re
from collections.abc import Awaitable, Callable
from typing import LiteralString

import httpx
import pytest
from structlog.testing import capture_logs

from app.accounts import service, store_sessions
from app.accounts.records import Client
from app.core.database import Database

Browser = httpx.AsyncClient
OpenBrowser = Callable[..., Awaitable[Browser]]
SignIn = Callable[..., Awaitable[None]]

PASSWORD = "green lamps at noon"
OTHER = "blue lamps at night"
SESSIONS = "SELECT id FROM session ORDER BY id"
AGE_S = "SELECT extract(epoch FROM now() - seen_at)::int FROM session"
TOKENS = "SELECT id FROM api_token ORDER BY id"


@pytest.fixture(autouse=True)
async def people(db: Database) -> None:
    await service.add_account(db, "ada", PASSWORD)
    await service.add_account(db, "bob", PASSWORD)


async def run(db: Database, query: LiteralString) -> None:
    async with db.transaction() as conn:
        await conn.execute(query)


async def read(db: Database, query: LiteralString) -> list[int]:
    async with db.transaction() as conn:
        return [row[0] for row in await (await conn.execute(query)).fetchall()]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/account"),
        ("POST", "/account/password"),
        ("POST", "/account/sessions/1/revoke"),
        ("POST", "/account/tokens"),
        ("POST", "/account/tokens/1/revoke"),
    ],
)
async def test_nobody_is_asked_to_sign_in(browser: Browser, method: str, path: str) -> None:
    assert (await browser.request(method, path)).status_code == 401


async def test_a7_sessions_are_listed_and_can_be_ended(
    db: Database, open_browser: OpenBrowser, sign_in: SignIn
) -> None:
    laptop, phone, other = [await open_browser(user_agent=one) for one in ("a laptop", "a phone", "a fridge")]
    await sign_in(laptop, "ada")
    await sign_in(phone, "ada")
    await sign_in(other, "bob")
    page = (await laptop.get("/account")).text
    assert "a laptop" in page
    assert "a phone" in page
    assert "a fridge" not in page
    laptops, phones, others = await read(db, SESSIONS)
    assert (await laptop.post(f"/account/sessions/{others}/revoke")).status_code == 404
    assert (await laptop.post("/account/sessions/99999999999999999999/revoke")).status_code == 404
    assert (await laptop.post(f"/account/sessions/{phones}/revoke")).status_code == 303
    assert (await phone.get("/account")).status_code == 401
    assert (await other.get("/account")).status_code == 200
    answer = await laptop.post(f"/account/sessions/{laptops}/revoke")
    assert answer.headers["location"] == "/sign-in"
    assert (await laptop.get("/account")).status_code == 401


@pytest.mark.parametrize(
    "ageing",
    [
        "UPDATE session SET seen_at = now() - interval '14 days'",
        "UPDATE session SET created_at = now() - interval '60 days'",
    ],
)
async def test_a7_sessions_end_when_idle_or_old(
    db: Database, browser: Browser, sign_in: SignIn, ageing: LiteralString
) -> None:
    await sign_in(browser, "ada")
    await run(db, ageing)
    assert (await browser.get("/account")).status_code == 401
    await sign_in(browser, "ada")
    assert len(await read(db, SESSIONS)) == 1, "the one that ran out is forgotten"


async def test_a7_use_keeps_a_session_alive_and_is_noted_once_a_minute(
    db: Database, browser: Browser, sign_in: SignIn
) -> None:
    await sign_in(browser, "ada")
    await run(db, "UPDATE session SET seen_at = now() - interval '40 seconds'")
    await browser.get("/account")
    assert await read(db, AGE_S) >= [40]
    await run(db, "UPDATE session SET seen_at = now() - interval '13 days'")
    assert (await browser.get("/account")).status_code == 200
    assert await read(db, AGE_S) < [40]


async def test_a7_a_change_of_password_ends_the_other_sessions_and_renews_this_one(
    db: Database, open_browser: OpenBrowser, sign_in: SignIn
) -> None:
    laptop, phone, other = [await open_browser() for _ in range(3)]
    for browser, name in ((laptop, "ada"), (phone, "ada"), (other, "bob")):
        await sign_in(browser, name)
    before = laptop.cookies["likeness_session"]
    with capture_logs() as entries:
        answer = await laptop.post("/account/password", data={"current": PASSWORD, "new": OTHER})
    assert answer.status_code == 303
    assert [one["event"] for one in entries] == ["password changed"]
    assert laptop.cookies["likeness_session"] != before
    assert (await laptop.get("/account")).status_code == 200
    assert (await phone.get("/account")).status_code == 401
    assert (await other.get("/account")).status_code == 200
    answer = await phone.post("/sign-in", data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 401
    await sign_in(phone, "ada", OTHER)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"current": "a wrong one", "new": OTHER}, "not your current password"),
        ({"current": PASSWORD, "new": "short"}, "8 to 256"),
        ({"current": PASSWORD, "new": "iloveyou"}, "first that anybody would try"),
        ({}, "not your current password"),
    ],
)
async def test_a_password_that_cannot_be_changed_says_why(
    browser: Browser, sign_in: SignIn, form: dict[str, str], words: str
) -> None:
    await sign_in(browser, "ada")
    answer = await browser.post("/account/password", data=form)
    assert answer.status_code == 422
    assert words in answer.text
    await sign_in(browser, "ada")


async def test_a7_disabling_acts_at_once_and_for_good(db: Database, browser: Browser, sign_in: SignIn) -> None:
    await sign_in(browser, "ada")
    await service.set_disabled(db, "ada", disabled=True)
    assert (await browser.get("/account")).status_code == 401
    await service.set_disabled(db, "ada", disabled=False)
    assert (await browser.get("/account")).status_code == 401, "the session does not come back"
    await sign_in(browser, "ada")


async def test_a7_a_disabled_account_has_no_session_even_if_one_is_left(
    db: Database, browser: Browser, sign_in: SignIn
) -> None:
    await sign_in(browser, "ada")
    await run(db, "UPDATE account SET disabled_at = now()")
    assert (await browser.get("/account")).status_code == 401


async def test_a7_a_sign_in_does_not_slip_in_behind_a_change_of_password(db: Database) -> None:
    account = await service.get_account(db, "ada")
    stale = account.password_hash or ""
    await service.set_password(db, "ada", OTHER)
    async with db.transaction() as conn:
        client = Client("192.0.2.1")
        assert await store_sessions.insert_session(conn, account.id, stale, b"digest", client) is None


async def test_a13_a_token_is_shown_once_and_can_be_revoked(db: Database, browser: Browser, sign_in: SignIn) -> None:
    await sign_in(browser, "ada")
    answer = await browser.post("/account/tokens", data={"name": "backup script", "read": "yes"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r"likeness_[\w-]{43}", answer.text)
    assert found is not None
    page = (await browser.get("/account")).text
    assert "backup script" in page
    assert found.group()[:15] in page
    assert found.group() not in page
    authorization = {"authorization": f"Bearer {found.group()}"}
    assert (await browser.get("/api/v1/me", headers=authorization)).json()["name"] == "ada"
    [token_id] = await read(db, TOKENS)
    assert (await browser.post(f"/account/tokens/{token_id}/revoke")).status_code == 303
    assert (await browser.get("/api/v1/me", headers=authorization)).status_code == 401


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\x07b"])
async def test_a_token_needs_a_name(db: Database, browser: Browser, sign_in: SignIn, name: str) -> None:
    await sign_in(browser, "ada")
    answer = await browser.post("/account/tokens", data={"name": name})
    assert answer.status_code == 422
    assert "say what it is for" in answer.text
    assert await read(db, TOKENS) == []


async def test_a17_somebody_elses_token_is_not_found(db: Database, open_browser: OpenBrowser, sign_in: SignIn) -> None:
    mine, theirs = await open_browser(), await open_browser()
    await sign_in(mine, "ada")
    await sign_in(theirs, "bob")
    await mine.post("/account/tokens", data={"name": "mine", "read": "yes"})
    [token_id] = await read(db, TOKENS)
    assert (await theirs.post(f"/account/tokens/{token_id}/revoke")).status_code == 404
    assert await read(db, TOKENS) == [token_id]
