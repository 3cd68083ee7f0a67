"""Page or fragment: the one place that decides, and that fills what every template expects."""

import json
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal
from urllib.parse import quote, unquote

from litestar import Request
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template

NOTICE_COOKIE = "likeness_notice"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line at the top of the next page: what has just been done, and the form that undoes it, if any."""

    kind: Literal["info", "success", "error"]
    text: str
    undo_url: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What the frame around a page needs."""

    title: str


def wants_fragment(request: Request[Any, Any, Any]) -> bool:
    """True for an htmx request that swaps a part (neither boosted nor restoring its history)."""
    return (
        request.headers.get("hx-request") == "true"
        and request.headers.get("hx-boosted") != "true"
        and request.headers.get("hx-history-restore-request") != "true"
    )


def render(
    request: Request[Any, Any, Any],
    template: str,
    context: Any,
    *,
    title: str,
    fragment: str | None = None,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
) -> Template:
    """Answer with the page, or with its `fragment` template where htmx asks for a part.

    `context` is a dataclass instance; its fields are the template's names.
    """
    part = fragment if fragment is not None and wants_fragment(request) else None
    notice = None if part else _read_notice(request)
    names: dict[str, Any] = {
        **_names(context),
        "page": Page(title),
        "viewer": _signed_in(request),
        "request_path": request.url.path,
        "notice": notice,
        "app_info": request.app.state.app_info(),
    }
    response = Template(
        part or template,
        context=names,
        status_code=status_code,
        headers={"Vary": "HX-Request, Cookie", "Cache-Control": "private, no-cache", **(headers or {})},
        media_type="text/html",
    )
    if notice is not None:
        response.delete_cookie(NOTICE_COOKIE)
    return response


def redirect(path: str, notice: Notice | None = None, *, cookies: list[Cookie] | None = None) -> Redirect:
    """303 to another page, carrying a notice that the next page shows once."""
    response = Redirect(path, status_code=303, cookies=cookies or [])
    if notice is not None:
        value = quote(json.dumps([notice.kind, notice.text, notice.undo_url]))
        response.set_cookie(NOTICE_COOKIE, value, max_age=60, httponly=True, samesite="lax")
    return response


def _names(context: Any) -> dict[str, Any]:
    if not is_dataclass(context):
        raise TypeError(f"a page's context is a dataclass, not {type(context).__name__}")
    return {field.name: getattr(context, field.name) for field in fields(context)}


def _signed_in(request: Request[Any, Any, Any]) -> Any:
    viewer = request.scope.get("state", {}).get("viewer")
    return viewer if viewer is not None and viewer.account_id is not None else None


def _read_notice(request: Request[Any, Any, Any]) -> Notice | None:
    value = request.cookies.get(NOTICE_COOKIE)
    if not value:
        return None
    try:
        kind, text, undo_url = json.loads(unquote(value))
    except ValueError:
        return None
    undo_url = undo_url if isinstance(undo_url, str) and undo_url.startswith("/undo/") else None
    return Notice(kind if kind in ("info", "success", "error") else "info", str(text), undo_url)
