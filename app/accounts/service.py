"""The verbs of accounts: add, find, change the password, disable."""

import structlog

from app.accounts import service_attempts, service_events, store, store_sessions
from app.accounts.passwords import WrongPassword, check_password, make_hash, matches
from app.accounts.records import NOBODY, Account, Client, EventKind, Viewer
from app.accounts.secret import digest, new_secret
from app.accounts.service_events import LOCAL
from app.core.database import Connection, Database
from app.core.errors import Conflict, Invalid, NotFound, SignInNeeded, TooMany

NAME_LENGTH = 64

log = structlog.get_logger()


def require_account(viewer: Viewer) -> int:
    """The viewer's account. Raises SignInNeeded when it is nobody."""
    if viewer.account_id is None:
        raise SignInNeeded("this is for people who are signed in")
    return viewer.account_id


def check_name(name: str) -> str:
    """The name as it is stored. Raises Invalid: one of digits could be taken for an id."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Invalid(f"a name has 1 to {NAME_LENGTH} characters")
    if not name.isprintable():
        raise Invalid("a name is plain text")
    if name.isascii() and name.isdigit():
        raise Invalid("a name cannot be all digits: it would be taken for an id")
    return name


async def add_account(db: Database, name: str, password: str | None, *, is_admin: bool = False) -> Account:
    """A new account; without a password it waits for its claim link. Raises Invalid, Conflict."""
    name = check_name(name)
    password_hash = None
    if password is not None:
        check_password(password, name)
        password_hash = await make_hash(password)
    async with db.transaction() as conn:
        await store.lock_admins(conn)
        account = await store.insert_account(conn, name, password_hash, is_admin=is_admin)
        if account is not None:
            await service_events.record(conn, "account_added", account.id, LOCAL, "an admin" if is_admin else "")
    if account is None:
        raise Conflict(f"somebody here is called {name} already")
    log.info("account added", account=account.id, admin=is_admin)
    return account


async def list_accounts(db: Database) -> list[Account]:
    """Everybody, by name."""
    async with db.transaction() as conn:
        return await store.list_accounts(conn)


async def get_account(db: Database, name: str) -> Account:
    """The account of that name, letter case aside. Raises NotFound."""
    async with db.transaction() as conn:
        return await _get_named(conn, name)


async def get_by_id(db: Database, account_id: int) -> Account:
    """Raises NotFound."""
    async with db.transaction() as conn:
        return await store.get_account(conn, account_id)


async def get_own(db: Database, viewer: Viewer) -> Account:
    """The viewer's own account. Raises SignInNeeded."""
    account_id = require_account(viewer)
    async with db.transaction() as conn:
        return await store.get_account(conn, account_id)


async def first_admin(db: Database) -> Account:
    """The oldest admin that is not disabled: whose a command's imports are. Raises NotFound."""
    async with db.transaction() as conn:
        for account in await store.list_admins(conn):
            if account.disabled_at is None:
                return account
    raise NotFound("there is no admin yet", hint="make one with: likeness user add NAME --admin")


async def set_password(db: Database, name: str, password: str) -> None:
    """The operator's way to give somebody a new password; it ends all their sessions and their claim link."""
    account = await get_account(db, name)
    check_password(password, account.name)
    password_hash = await make_hash(password)
    async with db.transaction() as conn:
        await store.lock_admins(conn)
        await store.update_password(conn, account.id, password_hash)
        await store.delete_claim(conn, account.id)
        await store_sessions.delete_sessions(conn, account.id)
        await service_events.record(conn, "password_changed", account.id, LOCAL)
    log.info("password set by the operator", account=account.id)


async def change_password(db: Database, viewer: Viewer, client: Client, current: str, new: str) -> str:
    """Change one's own password: all sessions end, and the secret of a new one is returned.

    Raises WrongPassword when `current` is not the password, TooMany after ten of them, as signing in does, and Invalid
    when `new` cannot be one.
    """
    account = await get_own(db, viewer)
    try:
        attempts = await service_attempts.admit(db, f"account {account.id}", f"address {client.address}")
    except TooMany:
        await service_events.record_throttled(db, "password_change_throttled", client.address)
        raise
    if account.password_hash is None or not await matches(account.password_hash, current):
        await service_events.record_refusal(db, "password_change_refused", account.id, client.address)
        log.warning("password change refused", account=account.id, address=client.address)
        raise WrongPassword("this is not your current password")
    await service_attempts.forgive(db, attempts)
    check_password(new, account.name)
    new_hash = await make_hash(new)
    secret = new_secret()
    async with db.transaction() as conn:
        if not await store.replace_password(conn, account.id, account.password_hash, new_hash):
            raise Conflict("the password was changed elsewhere just now")
        await store_sessions.delete_sessions(conn, account.id)
        await store_sessions.insert_session(conn, account.id, new_hash, digest(secret), client)
        await service_events.record(conn, "password_changed", account.id, client.address)
    log.info("password changed", account=account.id, address=client.address)
    return secret


async def share_metadata(db: Database, viewer: Viewer, *, shares: bool) -> None:
    """Choose whether others who download one's originals get what they tell of place, time and camera."""
    account = await get_own(db, viewer)
    async with db.transaction() as conn:
        await store.set_shares_metadata(conn, account.id, shares=shares)


async def set_disabled(db: Database, name: str, *, disabled: bool, by: Viewer = NOBODY, address: str = LOCAL) -> None:
    """Switch an account off, which ends its sessions and tokens at once, or on again; `by` is the admin who does it.

    Raises NotFound, Conflict for the last admin who can sign in.
    """
    async with db.transaction() as conn:
        await store.lock_admins(conn)
        account = await _get_named(conn, name)
        if disabled and account.is_admin:
            await _check_other_admin(conn, account)
        await store.update_disabled(conn, account.id, disabled=disabled)
        if disabled:
            await store_sessions.delete_sessions(conn, account.id)
        kind: EventKind = "account_disabled" if disabled else "account_enabled"
        await service_events.record(conn, kind, account.id, address, f"by {by.name}" if by.name else "")
    log.info("account disabled" if disabled else "account enabled", account=account.id)


async def _check_other_admin(conn: Connection, account: Account) -> None:
    for other in await store.list_admins(conn):
        if other.id != account.id and other.disabled_at is None and other.password_hash is not None:
            return
    raise Conflict(f"{account.name} is the last admin who can sign in: add another one first")


async def _get_named(conn: Connection, name: str) -> Account:
    account = await store.find_named(conn, name) if name.isprintable() else None
    if account is None:
        raise NotFound(f"nobody here is called {name}")
    return account
