"""The throttle of sign-ins."""

import asyncio

import httpx
import pytest

from app.accounts import service, service_attempts, service_events
from app.core.database import Database
from app.core.errors import TooMany

Browser = httpx.AsyncClient

PASSWORD = "green lamps at noon"
WRONG = "a wrong one"


@pytest.fixture(autouse=True)
async def accounts(db: Database) -> None:
    await service.add_account(db, "ada", PASSWORD)


async def try_it(browser: Browser, name: str, password: str = WRONG, **headers: str) -> httpx.Response:
    return await browser.post("/sign-in", data={"name": name, "password": password}, headers=headers)


async def let_pass(db: Database, seconds: int) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE attempt SET at = at - make_interval(secs => %s)", (seconds,))


async def count_attempts(db: Database) -> int:
    async with db.transaction() as conn:
        return len(await (await conn.execute("SELECT id FROM attempt")).fetchall())


async def test_a9_ten_wrong_ones_for_a_name_and_the_right_one_waits(db: Database, browser: Browser) -> None:
    for name in ("ada", "ADA", " ada "):
        for _ in range(3):
            assert (await try_it(browser, name)).status_code == 401
    assert (await try_it(browser, "ada")).status_code == 401
    refused = await try_it(browser, "ada", PASSWORD)
    assert refused.status_code == 429
    assert 290 <= int(refused.headers["retry-after"]) <= 300
    assert refused.headers["ratelimit-policy"] == '"wrong-passwords";q=10;w=300'
    assert refused.headers["ratelimit"] == f'"wrong-passwords";r=0;t={refused.headers["retry-after"]}'
    assert "Try again in 5 minutes." in refused.text
    await let_pass(db, service_attempts.WINDOW_S + 1)
    assert (await try_it(browser, "ada", PASSWORD)).status_code == 303
    assert await count_attempts(db) == 0, "old ones are forgotten, and the right one does not count"


async def test_a9_ten_names_from_one_address_and_it_waits_whatever_it_says_of_itself(
    db: Database, browser: Browser
) -> None:
    for number in range(10):
        forged = {"X-Forwarded-For": f"198.51.100.{number}"}
        assert (await try_it(browser, f"name {number}", **forged)).status_code == 401
    refused = await try_it(browser, "ada", PASSWORD, **{"X-Forwarded-For": "203.0.113.9"})
    assert refused.status_code == 429
    await try_it(browser, "ada", PASSWORD)
    throttled = (await service_events.list_events(db, "sign_in_throttled")).events
    assert len(throttled) == 1, "a flood of tries is no flood of events"


async def test_a9_right_ones_do_not_count_and_pardon_nothing(db: Database, browser: Browser) -> None:
    for _ in range(12):
        assert (await try_it(browser, "ada", PASSWORD)).status_code == 303
        browser.cookies.clear()
    for _ in range(9):
        await try_it(browser, "ada")
    assert (await try_it(browser, "ada", PASSWORD)).status_code == 303
    await try_it(browser, "ada")
    assert (await try_it(browser, "ada")).status_code == 429


async def test_a9_many_at_once_are_no_more_guesses(db: Database) -> None:
    answers = await asyncio.gather(
        *(service_attempts.admit(db, "name ada", f"address {n % 3}") for n in range(25)), return_exceptions=True
    )
    assert sum(isinstance(one, list) for one in answers) == service_attempts.MOST
    assert all(isinstance(one, list | TooMany) for one in answers)


async def test_a9_what_was_typed_as_a_name_is_not_kept(db: Database, browser: Browser) -> None:
    await try_it(browser, "my secret password")
    async with db.transaction() as conn:
        rows = await (await conn.execute("SELECT attempt::text FROM attempt")).fetchall()
        events = await (await conn.execute("SELECT security_event::text FROM security_event")).fetchall()
    assert len(rows) == 2
    assert not any("secret" in row[0] for row in [*rows, *events])


async def test_a9_a_held_session_guesses_the_password_no_more_often(db: Database, browser: Browser) -> None:
    assert (await try_it(browser, "ada", PASSWORD)).status_code == 303

    async def change(current: str) -> httpx.Response:
        return await browser.post("/account/password", data={"current": current, "new": "purple lamps at noon"})

    for _ in range(service_attempts.MOST):
        assert (await change(WRONG)).status_code == 422
    refused = await change(PASSWORD)
    assert refused.status_code == 429
    assert 290 <= int(refused.headers["retry-after"]) <= 300
    assert refused.headers["ratelimit"].startswith('"wrong-passwords";r=0;t=')
    assert "try again in 5 minutes" in refused.text
    await let_pass(db, service_attempts.WINDOW_S + 1)
    assert (await change(PASSWORD)).status_code == 303
    assert await count_attempts(db) == 0
