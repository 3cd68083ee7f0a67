"""Who asks: a middleware that turns the session cookie, or under /api/ the bearer token, into a viewer."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.types import ASGIApp, Receive, Scope, Send

from app.accounts import service_sessions, service_tokens
from app.accounts.guards import viewer_of
from app.accounts.records import NOBODY, Client, Viewer
from app.accounts.store_sessions import LIFETIME_DAYS
from app.core.database import Database
from app.core.errors import SignInNeeded

SESSION_COOKIE = "likeness_session"
DOCS_PATH = "/api/docs"  # a page for people, under the path of the API
ANONYMOUS_PATHS = ("/static", "/livez", "/readyz")
USER_AGENT_LENGTH = 200


class Identify:
    """ASGI middleware: puts a `Viewer` into `scope["state"]["viewer"]`; the database is the app's `state.db`.

    Routes under /api/ know bearer tokens only, all others cookies only, so that neither can stand in for the
    other. Raises SignInNeeded for an `Authorization` that is no live token: never silently nobody.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["state"]["viewer"] = await _identify(ASGIConnection(scope))
        await self.app(scope, receive, send)


async def provide_viewer(request: Request[Any, Any, Any]) -> Viewer:
    """The dependency `viewer` of handlers: whom `Identify` found."""
    return viewer_of(request)


def client_of(request: Request[Any, Any, Any]) -> Client:
    """Where the request comes from: the connection's own address, whatever X-Forwarded-For says."""
    address = request.client.host if request.client is not None else "unknown"
    text = "".join(one for one in request.headers.get("user-agent", "") if one.isprintable())
    return Client(address, text[:USER_AGENT_LENGTH])


def session_cookie(secret: str, *, secure: bool) -> Cookie:
    """The cookie of a new session; with `secure` its name lets no other host set it (`__Host-`)."""
    return _cookie(secret, LIFETIME_DAYS * 24 * 3600, secure=secure)


def expired_cookie(*, secure: bool) -> Cookie:
    """Removes the session cookie; the same attributes, or browsers refuse the `__Host-` name."""
    return _cookie("", 0, secure=secure)


def _cookie(value: str, max_age_s: int, *, secure: bool) -> Cookie:
    return Cookie(
        _cookie_name(secure=secure),
        value=value,
        path="/",
        max_age=max_age_s,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _cookie_name(*, secure: bool) -> str:
    return f"__Host-{SESSION_COOKIE}" if secure else SESSION_COOKIE


async def _identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Viewer:
    # The route that was found decides, not the path as it was typed.
    path = connection.scope["path_template"]
    if path.startswith(ANONYMOUS_PATHS):
        return NOBODY
    state = connection.app.state
    if path.startswith("/api/") and path != DOCS_PATH:
        authorization = connection.headers.get("authorization")
        return NOBODY if authorization is None else await _bearer(state.db, authorization)
    secret = connection.cookies.get(_cookie_name(secure=state.settings.secure_cookies))
    if not secret:
        return NOBODY
    return await service_sessions.find_viewer(state.db, secret) or NOBODY


async def _bearer(db: Database, authorization: str) -> Viewer:
    scheme, _, secret = authorization.partition(" ")
    viewer = None
    if scheme.lower() == "bearer":
        viewer = await service_tokens.find_viewer(db, secret.strip())
    if viewer is None:
        raise SignInNeeded(
            "this API token is not valid, has expired or was revoked",
            hint="send a live one as: Authorization: Bearer likeness_...",
        )
    return viewer
