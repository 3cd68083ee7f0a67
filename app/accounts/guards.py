"""Route guards: they run before a request's body is read."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from app.accounts.records import NOBODY, Viewer
from app.core.errors import NotFound, SignInNeeded


def viewer_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Viewer:
    """Who asks, as the identity middleware found it."""
    viewer = connection.scope.get("state", {}).get("viewer")
    return viewer if isinstance(viewer, Viewer) else NOBODY


def require_signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raises SignInNeeded for nobody."""
    if not viewer_of(connection).signed_in:
        raise SignInNeeded("sign in to do this")


def require_admin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raises SignInNeeded for nobody, NotFound for anybody but an admin: others need not know of the page."""
    require_signed_in(connection, _)
    if not viewer_of(connection).is_admin:
        raise NotFound("there is nothing at this address")
