"""The verbs of API tokens: make, list, revoke."""

from collections.abc import Sequence

import structlog

from app.accounts import service_events, store_tokens
from app.accounts.records import SCOPES, ApiToken, NewToken, Scope, Viewer
from app.accounts.secret import SHOWN_LENGTH, digest, new_token
from app.accounts.service import require_account
from app.accounts.service_events import LOCAL
from app.core.database import Database
from app.core.errors import Invalid, NotAllowed, NotFound

DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "write")
DEFAULT_DAYS = 365
MAX_DAYS = 3650
NAME_LENGTH = 64

log = structlog.get_logger()


async def make_token(
    db: Database,
    viewer: Viewer,
    name: str,
    *,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
    days: int = DEFAULT_DAYS,
    address: str = LOCAL,
) -> NewToken:
    """A new token for the viewer's account; its secret is in the answer and nowhere else.

    Raises Invalid, and NotAllowed for a viewer that is a token itself.
    """
    account_id = require_account(viewer)
    if viewer.scopes is not None:
        raise NotAllowed("a token makes no tokens")
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise Invalid(f"a token's name is plain text of 1 to {NAME_LENGTH} characters: say what it is for")
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(f"a token lasts 1 to {MAX_DAYS} days")
    if not scopes:
        raise Invalid(f"a token is for one or more of {', '.join(SCOPES)}: choose what")
    if "admin" in scopes and not viewer.is_admin:
        raise Invalid("only an admin's token can have the scope admin")
    secret = new_token()
    async with db.transaction() as conn:
        token = await store_tokens.insert_token(
            conn,
            account_id,
            name,
            prefix=secret[:SHOWN_LENGTH],
            token_hash=digest(secret),
            scopes=[one for one in SCOPES if one in scopes],
            days=days,
        )
        about = f"{name}: {', '.join(token.scopes)}"
        await service_events.record(conn, "token_made", account_id, address, about)
    log.info("token made", account=account_id, token=token.id, address=address)
    return NewToken(token, secret)


async def list_tokens(db: Database, viewer: Viewer) -> list[ApiToken]:
    """The viewer's own tokens, newest first."""
    account_id = require_account(viewer)
    async with db.transaction() as conn:
        return await store_tokens.list_tokens(conn, account_id)


async def revoke_token(db: Database, viewer: Viewer, token_id: int, *, address: str = LOCAL) -> None:
    """Make one of the viewer's own tokens worthless at once. Raises NotFound for anybody else's."""
    account_id = require_account(viewer)
    async with db.transaction() as conn:
        if not await store_tokens.delete_token(conn, account_id, token_id):
            raise NotFound("no such token")
        await service_events.record(conn, "token_revoked", account_id, address)
    log.info("token revoked", account=account_id, token=token_id, address=address)


async def find_viewer(db: Database, secret: str) -> Viewer | None:
    """Whom a bearer token speaks for; None unless it is live and its account is not disabled."""
    async with db.transaction() as conn:
        return await store_tokens.find_viewer(conn, digest(secret))
