"""Refuses cross-site writes by what the browser says of itself, before any body is read."""

from urllib.parse import urlsplit

from litestar.datastructures import Headers
from litestar.types import ASGIApp, Receive, Scope, Send

from app.core.errors import NotAllowed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSiteGuard:
    """ASGI middleware. `Sec-Fetch-Site` decides, else `Origin` against `Host`.

    A client that sends neither header and no cookie (curl, scripts) has no ambient authority and passes; one
    that sends a cookie without either header is refused.
    """

    def __init__(self, app: ASGIApp, *, public_url: str | None) -> None:
        self.app = app
        self.public_host = urlsplit(public_url).netloc if public_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] not in SAFE_METHODS
            and not self._same_site(Headers.from_scope(scope))
        ):
            raise NotAllowed("this request came from another site, so nothing was done")
        await self.app(scope, receive, send)

    def _same_site(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        if origin is not None:
            return urlsplit(origin).netloc in (headers.get("host"), self.public_host)
        return "cookie" not in headers
