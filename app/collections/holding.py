"""Which share links a request holds: a middleware that adds them to the viewer, and the cookie that remembers them."""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.types import ASGIApp, Receive, Scope, Send

from app.accounts.guards import viewer_of
from app.accounts.identity import ANONYMOUS_PATHS, DOCS_PATH
from app.accounts.secret import digest
from app.collections import service_links

COOKIE = "likeness_links"
HEADER = "likeness-share"
MAX_HELD = 20
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_SEPARATOR = "."


class HoldLinks:
    """ASGI middleware behind `Identify`: gives the viewer the links that the cookie or, under /api/, the header holds.

    A dead link is no error: whoever sends it sees what they see without it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            connection = ASGIConnection[Any, Any, Any, Any](scope)
            keys = _sent_keys(connection)
            if keys:
                links = await service_links.hold(connection.app.state.db, keys)
                scope["state"]["viewer"] = replace(viewer_of(connection), links=links)
        await self.app(scope, receive, send)


def holding_cookie(request: Request[Any, Any, Any], key: str, *, secure: bool) -> Cookie:
    """The browser's cookie with one more link, which is the first of the 20 that it keeps."""
    return _cookie([key, *(one for one in _cookie_keys(request) if one != key)][:MAX_HELD], secure=secure)


def forgetting_cookie(request: Request[Any, Any, Any], key_hashes: Collection[bytes], *, secure: bool) -> Cookie:
    """The browser's cookie without these links."""
    return _cookie([one for one in _cookie_keys(request) if digest(one) not in key_hashes], secure=secure)


def _cookie(held: list[str], *, secure: bool) -> Cookie:
    return Cookie(
        _cookie_name(secure=secure),
        value=_SEPARATOR.join(held),
        path="/",
        max_age=service_links.MAX_DAYS * 24 * 3600 if held else 0,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _sent_keys(connection: ASGIConnection[Any, Any, Any, Any]) -> list[str]:
    path = connection.scope["path_template"]
    if path.startswith(ANONYMOUS_PATHS):
        return []
    if path.startswith("/api/") and path != DOCS_PATH:
        sent = connection.headers.get(HEADER, "").strip()
        return [sent] if _KEY.fullmatch(sent) else []
    return _cookie_keys(connection)


def _cookie_keys(connection: ASGIConnection[Any, Any, Any, Any]) -> list[str]:
    name = _cookie_name(secure=connection.app.state.settings.secure_cookies)
    sent = connection.cookies.get(name, "").split(_SEPARATOR, MAX_HELD)[:MAX_HELD]
    return [one for one in sent if _KEY.fullmatch(one)]


def _cookie_name(*, secure: bool) -> str:
    return f"__Host-{COOKIE}" if secure else COOKIE
