"""The verbs of sessions: sign in, sign out, list, revoke."""

import structlog

from app.accounts import store, store_sessions
from app.accounts.passwords import WrongPassword, make_hash, matches, needs_rehash
from app.accounts.records import Account, Client, Session, Viewer
from app.accounts.secret import digest, new_secret
from app.accounts.service import require_account
from app.core.database import Database
from app.core.errors import NotFound

log = structlog.get_logger()


async def sign_in(db: Database, viewer: Viewer, client: Client, name: str, password: str) -> str:
    """Begin a session and return its secret; the one the browser held before ends.

    Raises WrongPassword, alike and after the same time for an unknown name, a wrong password, a disabled
    account and one without a password. The name is not logged: people type passwords there.
    """
    async with db.transaction() as conn:
        account = await store.find_named(conn, " ".join(name.split())) if name.isprintable() else None
    password_hash = account.password_hash if account is not None else None
    correct = await matches(password_hash, password)
    if account is None or password_hash is None or not correct:
        raise _refused(account, client)
    secret = new_secret()
    async with db.transaction() as conn:
        session_id = await store_sessions.insert_session(conn, account.id, password_hash, digest(secret), client)
        if session_id is None:
            raise _refused(account, client)
        await store_sessions.delete_expired(conn, account.id)
        if viewer.account_id is not None and viewer.session_id is not None:
            await store_sessions.delete_session(conn, viewer.account_id, viewer.session_id)
    log.info("signed in", account=account.id, address=client.address)
    if needs_rehash(password_hash):
        fresh = await make_hash(password)
        async with db.transaction() as conn:
            await store.replace_password(conn, account.id, password_hash, fresh)
    return secret


def _refused(account: Account | None, client: Client) -> WrongPassword:
    log.warning("sign-in refused", account=account.id if account is not None else None, address=client.address)
    return WrongPassword("the name or the password is wrong")


async def sign_out(db: Database, viewer: Viewer, client: Client) -> None:
    """End the viewer's session; nothing to do for nobody."""
    if viewer.account_id is None or viewer.session_id is None:
        return
    async with db.transaction() as conn:
        await store_sessions.delete_session(conn, viewer.account_id, viewer.session_id)
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
    log.info("session revoked", account=account_id, address=client.address)
