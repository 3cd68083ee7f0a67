"""Bearer tokens under /api/, and nowhere else."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from structlog.testing import capture_logs

from app.accounts import service, service_tokens
from app.accounts.records import NewToken
from app.core.database import Database
from app.core.errors import Invalid

Browser = httpx.AsyncClient
SignIn = Callable[..., Awaitable[None]]

PASSWORD = "green lamps at noon"


@pytest.fixture
async def made(db: Database) -> NewToken:
    account = await service.add_account(db, "ada", PASSWORD)
    return await service_tokens.make_token(db, account.viewer, "a script")


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_a13_only_the_digest_and_the_prefix_are_stored(db: Database, made: NewToken) -> None:
    assert made.secret.startswith("likeness_")
    assert len(made.secret) == 52
    assert made.token.prefix == made.secret[:15]
    assert (made.token.expires_at - made.token.created_at).days == 365
    async with db.transaction() as conn:
        row = await (await conn.execute("SELECT api_token::text FROM api_token")).fetchone()
    assert made.secret[15:] not in str(row)


async def test_a13_a_token_speaks_for_its_account_and_use_is_noted(
    db: Database, browser: Browser, made: NewToken
) -> None:
    answer = await browser.get("/api/v1/me", headers={"authorization": f"bearer  {made.secret}"})
    account = await service.get_account(db, "ada")
    assert answer.json() == {
        "user_id": account.id,
        "name": "ada",
        "is_admin": False,
        "scopes": ["read", "write"],
        "usage": {"files": 0, "bytes": 0, "max_files": None, "max_bytes": None},
    }
    [token] = await service_tokens.list_tokens(db, account.viewer)
    assert token.used_at is not None
    await browser.get("/api/v1/me", headers=bearer(made.secret))
    [again] = await service_tokens.list_tokens(db, account.viewer)
    assert again.used_at == token.used_at, "noted once a minute"


@pytest.mark.parametrize(
    "authorization",
    ["Bearer likeness_" + "A" * 43, "Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "", "likeness_x"],
)
async def test_a13_a_bad_token_is_refused_and_never_anonymous(
    browser: Browser, made: NewToken, authorization: str
) -> None:
    answer = await browser.get("/api/v1/me", headers={"authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "token is not valid" in answer.json()["detail"]


async def test_a13_expired_revoked_and_disabled(db: Database, browser: Browser, made: NewToken) -> None:
    async def status() -> int:
        return (await browser.get("/api/v1/me", headers=bearer(made.secret))).status_code

    assert await status() == 200
    await service.set_disabled(db, "ada", disabled=True)
    assert await status() == 401
    await service.set_disabled(db, "ada", disabled=False)
    assert await status() == 200
    async with db.transaction() as conn:
        await conn.execute("UPDATE api_token SET expires_at = now()")
    assert await status() == 401


async def test_a13_a_token_in_the_address_is_ignored(browser: Browser, made: NewToken) -> None:
    answer = await browser.get("/api/v1/me", params={"token": made.secret, "access_token": made.secret})
    assert answer.status_code == 401


async def test_a14_the_api_ignores_cookies(browser: Browser, sign_in: SignIn, made: NewToken) -> None:
    await sign_in(browser, "ada")
    assert (await browser.get("/account")).status_code == 200
    assert (await browser.get("/api/v1/me")).status_code == 401


async def test_a14_pages_ignore_tokens_so_a_token_makes_no_token(
    db: Database, browser: Browser, made: NewToken
) -> None:
    assert (await browser.get("/account", headers=bearer(made.secret))).status_code == 401
    answer = await browser.post("/account/tokens", data={"name": "wider"}, headers=bearer(made.secret))
    assert answer.status_code == 401
    account = await service.get_account(db, "ada")
    assert len(await service_tokens.list_tokens(db, account.viewer)) == 1


async def test_a_bad_token_does_not_spoil_a_page(browser: Browser, made: NewToken) -> None:
    assert (await browser.get("/sign-in", headers=bearer("nonsense"))).status_code == 200


async def test_a40_making_and_revoking_is_logged_without_the_secret(db: Database) -> None:
    account = await service.add_account(db, "ada", PASSWORD)
    with capture_logs() as entries:
        made = await service_tokens.make_token(db, account.viewer, "a script", address="192.0.2.1")
        await service_tokens.revoke_token(db, account.viewer, made.token.id, address="192.0.2.1")
    assert [(one["event"], one["account"], one["address"]) for one in entries] == [
        ("token made", account.id, "192.0.2.1"),
        ("token revoked", account.id, "192.0.2.1"),
    ]
    assert made.secret not in str(entries)


@pytest.mark.parametrize("days", [0, -1, 3651])
async def test_a_token_lasts_a_sensible_time(db: Database, days: int) -> None:
    account = await service.add_account(db, "ada", PASSWORD)
    with pytest.raises(Invalid):
        await service_tokens.make_token(db, account.viewer, "a script", days=days)


async def test_a14_tokens_are_listed_and_revoked_by_api_and_none_is_made(
    db: Database, browser: Browser, made: NewToken
) -> None:
    ada = await service.get_account(db, "ada")
    other = await service_tokens.make_token(db, ada.viewer, "another")
    bob = await service.add_account(db, "bob", PASSWORD)
    theirs = await service_tokens.make_token(db, bob.viewer, "theirs")
    answer = await browser.get("/api/v1/tokens", headers=bearer(made.secret))
    assert [(one["token_id"], one["name"]) for one in answer.json()["tokens"]] == [
        (other.token.id, "another"),
        (made.token.id, "a script"),
    ]
    assert made.secret not in answer.text
    assert (await browser.post("/api/v1/tokens", headers=bearer(made.secret))).status_code == 405
    gone = await browser.delete(f"/api/v1/tokens/{other.token.id}", headers=bearer(made.secret))
    assert gone.status_code == 204
    assert (await browser.get("/api/v1/me", headers=bearer(other.secret))).status_code == 401
    foreign = await browser.delete(f"/api/v1/tokens/{theirs.token.id}", headers=bearer(made.secret))
    assert foreign.status_code == 404
    assert (await browser.get("/api/v1/me", headers=bearer(theirs.secret))).status_code == 200
