"""The verbs of sessions: sign in, sign out, list, revoke."""

import structlog

from app.accounts import service_attempts, service_events, store, store_sessions
from app.accounts.passwords import WrongPassword, make_hash, matches, needs_rehash
from app.accounts.records import Account, Client, Session, Viewer
from app.accounts.secret import digest, new_secret
from app.accounts.service import require_account
from app.core.database import Database
from app.core.errors import NotFound, TooMany

log = structlog.get_logger()


async def sign_in(db: Database, viewer: Viewer, client: Client, name: str, password: str) -> str:
    """Begin a session and return its secret; the one the browser held before ends.

    Raises WrongPassword, alike and after the same time for an unknown name, a wrong password, a disabled
    account and one without a password; TooMany after ten of them. The name is not logged: people type passwords there.
    """
    name = " ".join(name.split())
    try:
        attempts = await service_attempts.admit(db, f"name {name.lower()}", f"address {client.address}")
    except TooMany:
        await service_events.record_throttled(db, "sign_in_throttled", client.address)
        raise
    async with db.transaction() as conn:
        account = await store.find_named(conn, name) if name.isprintable() else None
    password_hash = account.password_hash if account is not None else None
    correct = await matches(password_hash, password)
    if account is None or password_hash is None or not correct:
        raise await _refused(db, account, client)
    secret = new_secret()
    async with db.transaction() as conn:
        session_id = await store_sessions.insert_session(conn, account.id, password_hash, digest(secret), client)
        if session_id is not None:
            await store_sessions.delete_expired(conn, account.id)
            if viewer.account_id is not None and viewer.session_id is not None:
                await store_sessions.delete_session(conn, viewer.account_id, viewer.session_id)
            await service_events.record(conn, "signed_in", account.id, client.address)
    if session_id is None:
        raise await _refused(db, account, client)
    await service_attempts.forgive(db, attempts)
    log.info("signed in", account=account.id, address=client.address)
    if needs_rehash(password_hash):
        fresh = await make_hash(password)
        async with db.transaction() as conn:
            await store.replace_password(conn, account.id, password_hash, fresh)
    return secret


async def _refused(db: Database, account: Account | None, client: Client) -> WrongPassword:
    account_id = account.id if account is not None else None
    await service_events.record_refusal(db, "sign_in_refused", account_id, client.address)
    log.warning("sign-in refused", account=account_id, address=client.address)
    return WrongPassword("the name or the password is wrong")


async def sign_out(db: Database, viewer: Viewer, client: Client) -> None:
    """End the viewer's session; nothing to do for nobody."""
    if viewer.account_id is None or viewer.session_id is None:
        return
    async with db.transaction() as conn:
        await store_sessions.delete_session(conn, viewer.account_id, viewer.session_id)
        await service_events.record(conn, "signed_out", viewer.account_id, client.address)
    log.info("signed out", account=viewer.account_id, address=client.address)


async def find_viewer(db: Database, secret: str) -> Viewer | None:
    """Whose session a cookie's secret is; None unless it is live and its account is not disabled."""
    async with db.transaction() as conn:
        return await store_sessions.find_viewer(conn, digest(secret))


async def list_sessions(db: Database, viewer: Viewer) -> list[Session]:
    """The viewer's own sessions, the last used first."""
    account_id = require_account(viewer)
    async with db.transaction() as conn:
        return await store_sessions.list_sessions(conn, account_id)


async def revoke_session(db: Database, viewer: Viewer, client: Client, session_id: int) -> None:
    """End one of the viewer's own sessions. Raises NotFound for anybody else's."""
    account_id = require_account(viewer)
    async with db.transaction() as conn:
        if not await store_sessions.delete_session(conn, account_id, session_id):
            raise NotFound("no such session")
        await service_events.record(conn, "session_revoked", account_id, client.address)
    log.info("session revoked", account=account_id, address=client.address)
