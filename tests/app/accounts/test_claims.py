"""Claim links, and how the first admin comes to be."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from app.accounts import service, service_claims
from app.accounts.passwords import make_hash
from app.accounts.records import Client
from app.accounts.service_claims import add_claimable, claim, claim_url, ensure_first_admin, get_claimed
from app.core.database import Database
from app.core.errors import NotFound
from app.core.settings import Settings

Browser = httpx.AsyncClient
OpenBrowser = Callable[..., Awaitable[Browser]]
SignIn = Callable[..., Awaitable[None]]

PASSWORD = "green lamps at noon"
FORM = {"name": "Ada", "password": PASSWORD}


async def first_token(db: Database) -> str:
    token = await ensure_first_admin(db)
    assert token is not None
    return token


async def test_a11_an_empty_gallery_gets_an_admin_without_a_password(db: Database) -> None:
    token = await first_token(db)
    assert len(token) == 43
    admin = await service.first_admin(db)
    assert (admin.name, admin.is_admin, admin.password_hash) == ("admin", True, None)
    async with db.transaction() as conn:
        stored = await (await conn.execute("SELECT claim::text FROM claim")).fetchall()
    assert len(stored) == 1
    assert token not in str(stored)


async def test_a11_the_first_admin_claims_the_gallery_and_the_link_is_gone(
    db: Database, browser: Browser, open_browser: OpenBrowser
) -> None:
    token = await first_token(db)
    form = await browser.get(f"/claim/{token}")
    assert form.status_code == 200
    assert 'value="admin"' in form.text
    with capture_logs() as entries:
        answer = await browser.post(f"/claim/{token}", data=FORM)
    assert answer.status_code == 303
    assert [one["event"] for one in entries] == ["account claimed"]
    assert token not in str(entries)
    assert (await browser.get("/account")).status_code == 200
    admin = await service.first_admin(db)
    assert (admin.name, admin.is_admin) == ("Ada", True)

    other = await open_browser()
    assert (await other.get(f"/claim/{token}")).status_code == 404
    assert (await other.post(f"/claim/{token}", data={"name": "Eve", "password": PASSWORD})).status_code == 404
    assert await ensure_first_admin(db) is None
    assert [one.name for one in await service.list_accounts(db)] == ["Ada"]


async def test_a11_claims_at_once_make_one_admin(
    db: Database, open_browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await first_token(db)
    browsers = [await open_browser() for _ in range(4)]
    password_hash = await make_hash(PASSWORD)
    all_have_seen_the_link = asyncio.Barrier(len(browsers))

    async def wait_for_all(_: str) -> str:
        async with db.transaction():
            await asyncio.wait_for(all_have_seen_the_link.wait(), timeout=20)
        return password_hash

    monkeypatch.setattr(service_claims, "make_hash", wait_for_all)
    answers = await asyncio.gather(
        *(
            one.post(f"/claim/{token}", data={"name": f"person {number}", "password": PASSWORD})
            for number, one in enumerate(browsers)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303, 404, 404, 404]
    winner = [answer.status_code for answer in answers].index(303)
    assert [one.name for one in await service.list_accounts(db)] == [f"person {winner}"]
    signed_in = [(await one.get("/account")).status_code for one in browsers]
    assert signed_in.count(200) == 1


async def test_a11_two_starts_at_once_make_one_admin(db: Database) -> None:
    all_hold_a_connection = asyncio.Barrier(3)

    async def start() -> str | None:
        async with db.transaction():
            await asyncio.wait_for(all_hold_a_connection.wait(), timeout=20)
        return await ensure_first_admin(db)

    tokens = await asyncio.gather(*(start() for _ in range(3)))
    assert len(await service.list_accounts(db)) == 1
    live = 0
    for token in tokens:
        assert token is not None
        try:
            await get_claimed(db, token)
            live += 1
        except NotFound:
            pass
    assert live == 1


async def test_a_new_start_replaces_the_link(db: Database, browser: Browser) -> None:
    old, new = await first_token(db), await first_token(db)
    assert (await browser.get(f"/claim/{old}")).status_code == 404
    assert (await browser.get(f"/claim/{new}")).status_code == 200


async def test_a11_the_link_dies_once_any_admin_has_a_password(db: Database, browser: Browser) -> None:
    token = await first_token(db)
    await service.add_account(db, "root", PASSWORD, is_admin=True)
    assert (await browser.get(f"/claim/{token}")).status_code == 404
    assert (await browser.post(f"/claim/{token}", data=FORM)).status_code == 404
    assert await ensure_first_admin(db) is None


async def test_the_operator_can_set_the_first_admins_password_instead(db: Database, browser: Browser) -> None:
    token = await first_token(db)
    await service.set_password(db, "admin", PASSWORD)
    assert (await browser.get(f"/claim/{token}")).status_code == 404
    assert await ensure_first_admin(db) is None


async def test_ordinary_accounts_do_not_stand_in_for_an_admin(db: Database) -> None:
    await service.add_account(db, "admin", PASSWORD)
    token = await first_token(db)
    claimed = await get_claimed(db, token)
    assert claimed.is_admin
    assert claimed.name != "admin"


async def test_a_link_expires(db: Database, browser: Browser) -> None:
    token = await first_token(db)
    async with db.transaction() as conn:
        await conn.execute("UPDATE claim SET created_at = now() - interval '8 days'")
    assert (await browser.get(f"/claim/{token}")).status_code == 404


async def test_an_invented_link_is_not_found(db: Database, browser: Browser) -> None:
    await first_token(db)
    assert (await browser.get("/claim/" + "A" * 43)).status_code == 404
    assert (await browser.get("/claim/a%00b")).status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "Ada", "password": "short"}, "8 to 256"),
        ({"name": "Ada", "password": "password1"}, "first that anybody would try"),
        ({"name": "", "password": PASSWORD}, "1 to 64"),
        ({"name": "1815", "password": PASSWORD}, "all digits"),
        ({"name": "a\x00b", "password": PASSWORD}, "plain text"),
        ({"name": "BOB", "password": PASSWORD}, "called BOB already"),
        ({}, "1 to 64"),
    ],
)
async def test_a_claim_that_cannot_be_says_why_and_the_link_stays(
    db: Database, browser: Browser, form: dict[str, str], words: str
) -> None:
    await service.add_account(db, "bob", PASSWORD)
    token = await first_token(db)
    answer = await browser.post(f"/claim/{token}", data=form)
    assert answer.status_code == 422
    assert words in answer.text
    assert f"/claim/{token}" in answer.text
    assert (await browser.post(f"/claim/{token}", data=FORM)).status_code == 303


async def test_an_invited_person_claims_an_ordinary_account(db: Database, browser: Browser) -> None:
    await service.add_account(db, "root", PASSWORD, is_admin=True)
    _, token = await add_claimable(db, "bob")
    assert (await browser.post(f"/claim/{token}", data={"name": "bob", "password": PASSWORD})).status_code == 303
    assert not (await service.get_account(db, "bob")).is_admin


async def test_a_disabled_account_is_not_claimed(db: Database) -> None:
    await service.add_account(db, "root", PASSWORD, is_admin=True)
    _, token = await add_claimable(db, "bob")
    await service.set_disabled(db, "bob", disabled=True)
    with pytest.raises(NotFound):
        await claim(db, token, "bob", PASSWORD, Client("127.0.0.1"))


def test_the_link_uses_the_address_that_people_type(tmp_path: Path) -> None:
    assert claim_url(Settings(tmp_path, port=9000), "t") == "http://127.0.0.1:9000/claim/t"
    assert claim_url(Settings(tmp_path, public_url="https://p.example/"), "t") == "https://p.example/claim/t"
