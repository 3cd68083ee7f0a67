"""Route guards: they run before a request's body is read. Coroutines, or each would take a thread."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from app.accounts.records import NOBODY, Scope, Viewer
from app.core.errors import NotAllowed, NotFound, SignInNeeded

READING_METHODS = ("GET", "HEAD", "OPTIONS")
READS = {"scope": "read"}
"""The `opt` of a route that changes nothing though its method could: a search that is sent as a body."""


def viewer_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Viewer:
    """Who asks, as the identity middleware found it."""
    viewer = connection.scope.get("state", {}).get("viewer")
    return viewer if isinstance(viewer, Viewer) else NOBODY


async def require_signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raises SignInNeeded for nobody."""
    if not viewer_of(connection).signed_in:
        raise SignInNeeded("sign in to do this")


async def require_admin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raises SignInNeeded for nobody, NotFound for anybody but an admin: others need not know of the page."""
    await require_signed_in(connection, _)
    viewer = viewer_of(connection)
    if not viewer.is_admin:
        raise NotFound("there is nothing at this address")
    _check_scope(viewer, "admin")


async def require_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises NotAllowed for a token that is not for what the route does; every route of the app has this guard."""
    scope = scope_of(handler, connection.scope.get("method", ""))
    if scope != "admin":  # `require_admin` asks for that one, once it is an admin who asks
        _check_scope(viewer_of(connection), scope)


def scope_of(handler: BaseRouteHandler, method: str) -> Scope:
    """What a token has to be for: admin where only admins may, else to read or to write as the route's method does,
    unless its `opt` says READS.
    """
    if require_admin in handler.resolve_guards():
        return "admin"
    return "read" if method in READING_METHODS or handler.opt.get("scope") == "read" else "write"


def _check_scope(viewer: Viewer, scope: Scope) -> None:
    if viewer.scopes is not None and scope not in viewer.scopes:
        raise NotAllowed(f"this token has not the scope {scope}", hint="Make one that has it on your account page.")
