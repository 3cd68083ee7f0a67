"""API tokens as JSON: look and revoke. None can be made by a token: that is for people, on their account page."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Router, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.accounts import service_tokens
from app.accounts.guards import require_signed_in
from app.accounts.identity import client_of
from app.accounts.records import ApiToken, Scope, Viewer
from app.core.database import Database


class TokenOut(msgspec.Struct):
    """A token without its secret. `prefix` is how the secret begins; `used_at` is null while it was never used."""

    token_id: int
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class TokenList(msgspec.Struct):
    """The caller's tokens, newest first."""

    tokens: list[TokenOut]


@get("/", operation_id="listTokens", summary="List tokens")
async def list_tokens(db: NamedDependency[Database], viewer: NamedDependency[Viewer]) -> TokenList:
    """The tokens of the account that the token speaks for."""
    found = await service_tokens.list_tokens(db, viewer)
    return TokenList([_token_out(one) for one in found])


@delete("/{token_id:int}", operation_id="revokeToken", summary="Revoke a token")
async def revoke(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    token_id: FromPath[int],
) -> None:
    """Make one of the account's tokens worthless at once: another one, or the one that asks."""
    await service_tokens.revoke_token(db, viewer, token_id, address=client_of(request).address)


def _token_out(one: ApiToken) -> TokenOut:
    return TokenOut(one.id, one.name, one.prefix, list(one.scopes), one.created_at, one.expires_at, one.used_at)


router = Router("/api/v1/tokens", route_handlers=[list_tokens, revoke], guards=[require_signed_in], tags=["accounts"])
