"""Claim links: how a person takes over an account that has no password yet, the first admin's above all."""

import secrets

import psycopg
import structlog

from app.accounts import service_events, store, store_sessions
from app.accounts.passwords import check_password, make_hash
from app.accounts.records import NOBODY, Account, Client, Viewer
from app.accounts.secret import digest, new_secret
from app.accounts.service import check_name
from app.accounts.service_events import LOCAL
from app.core.database import Connection, Database
from app.core.errors import Conflict, NotFound
from app.core.settings import Settings

FIRST_ADMIN = "admin"
CLAIM_LIFETIME_S = 7 * 24 * 3600

log = structlog.get_logger()


def claim_url(settings: Settings, token: str) -> str:
    """The link to print for a token."""
    return f"{settings.address.rstrip('/')}/claim/{token}"


async def ensure_first_admin(db: Database) -> str | None:
    """A fresh claim token while no admin has a password, else None; the token before dies.

    In an empty gallery this makes the first admin, so that imports have an owner before anybody signs in.
    """
    async with db.transaction() as conn:
        await store.lock_admins(conn)
        admins = await store.list_admins(conn)
        if any(admin.password_hash is not None for admin in admins):
            return None
        admin = admins[0] if admins else await _insert_first_admin(conn)
        return await _put_claim(conn, admin)


async def add_claimable(db: Database, name: str, *, by: Viewer = NOBODY, address: str = LOCAL) -> tuple[Account, str]:
    """A new ordinary account without a password, and the token of the link that claims it; `by` is who invites.

    Raises Invalid, Conflict. Never an admin: their links die with the first admin's password.
    """
    name = check_name(name)
    async with db.transaction() as conn:
        account = await store.insert_account(conn, name, None, is_admin=False)
        if account is None:
            raise Conflict(f"somebody here is called {name} already")
        token = await _put_claim(conn, account)
        about = f"invited by {by.name}" if by.name else ""
        await service_events.record(conn, "account_added", account.id, address, about)
    log.info("account added", account=account.id, admin=False)
    return account, token


async def renew_claim(db: Database, account_id: int) -> str:
    """The token of a fresh link for an ordinary account that nobody has claimed yet; the link before dies.

    Raises NotFound, Conflict for one that has a password or is an admin's.
    """
    async with db.transaction() as conn:
        return await _put_claim(conn, await _lock_unclaimed(conn, account_id))


async def withdraw_claim(db: Database, account_id: int, *, by: Viewer, address: str) -> str:
    """Let the link of an ordinary account that nobody has claimed yet die; returns the account's name.

    The account stays, without a way in, for `renew_claim`. Raises NotFound, Conflict as that, or where no link is.
    """
    async with db.transaction() as conn:
        account = await _lock_unclaimed(conn, account_id)
        if not await store.delete_claim(conn, account_id):
            raise Conflict(f"{account.name} has no invitation to withdraw")
        await service_events.record(conn, "invitation_withdrawn", account_id, address, f"by {by.name}")
    log.info("invitation withdrawn", account=account_id)
    return account.name


async def get_claimed(db: Database, token: str) -> Account:
    """The account that a link claims. Raises NotFound for a used, replaced, expired or invented link."""
    async with db.transaction() as conn:
        return await _get_claimed(conn, token)


async def claim(db: Database, token: str, name: str, password: str, client: Client) -> str:
    """Take over an account: the first to come gives it a name and a password, and is signed in.

    Returns the new session's secret. Raises NotFound as `get_claimed`, Invalid, Conflict for a name in use.
    """
    await get_claimed(db, token)  # before any hashing, which costs
    name = check_name(name)
    check_password(password, name)
    password_hash = await make_hash(password)
    secret = new_secret()
    try:
        async with db.transaction() as conn:
            await store.lock_admins(conn)
            account = await _get_claimed(conn, token)
            await store.update_claimed(conn, account.id, name, password_hash)
            await store.delete_claim(conn, account.id)
            await store_sessions.insert_session(conn, account.id, password_hash, digest(secret), client)
            await service_events.record(conn, "account_claimed", account.id, client.address)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"somebody here is called {name} already") from error
    log.info("account claimed", account=account.id, address=client.address)
    return secret


async def _get_claimed(conn: Connection, token: str) -> Account:
    account = await store.find_claimed(conn, digest(token), CLAIM_LIFETIME_S)
    if account is None:
        raise NotFound("this link has been used, or has expired", hint="If you have a password already, sign in.")
    return account


async def _lock_unclaimed(conn: Connection, account_id: int) -> Account:
    """The ordinary account that waits to be claimed, which nobody does before the commit."""
    await store.lock_admins(conn)
    account = await store.get_account(conn, account_id)
    if account.password_hash is not None or account.is_admin:
        raise Conflict(f"{account.name} is no account that waits to be claimed")
    return account


async def _insert_first_admin(conn: Connection) -> Account:
    account = await store.insert_account(conn, FIRST_ADMIN, None, is_admin=True)
    if account is None:  # somebody who is no admin has that name
        name = f"{FIRST_ADMIN}-{secrets.token_hex(4)}"
        account = await store.insert_account(conn, name, None, is_admin=True)
    if account is None:
        raise Conflict(f"no name is left for the first admin: somebody is called {FIRST_ADMIN}")
    return account


async def _put_claim(conn: Connection, account: Account) -> str:
    token = new_secret()
    await store.put_claim(conn, account.id, digest(token))
    return token
