"""One handler answers every error in three forms: problem+json (RFC 9457), htmx fragment, page."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from app.core.errors import AppError, TooLarge
from app.core.metrics import count_rejection
from app.core.pages import render

PROBLEM_JSON = "application/problem+json"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What `errors/error.html` shows."""

    status: int
    title: str
    detail: str
    hint: str | None = None
    action_url: str | None = None
    action_text: str | None = None


def exception_handlers() -> ExceptionHandlersMap:
    """The map for Litestar: every exception goes through `answer`."""
    return {Exception: answer}


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The error in the form that its request asks for. Unexpected ones are logged and tell nothing."""
    page, headers = _describe(error)
    count_rejection(page.status, error)
    if page.status >= 500 and not isinstance(error, AppError):
        # The route, not the address: that of a link is a secret.
        route = request.scope.get("path_template", "")
        log.error("unexpected error", route=route, method=request.method, exc_info=error)
    if page.status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        page = replace(page, action_url=f"{request.url.path}{query}", action_text="Try again")
    if _wants_problem(request):
        return _problem(request, page, headers, error.extra if isinstance(error, AppError) else {})
    return render(
        request,
        "errors/error.html",
        page,
        fragment="errors/_error.html",
        title=page.title,
        status_code=page.status,
        headers=headers,
    )


def waiting_headers(error: AppError) -> dict[str, str]:
    """When to come again, and the limit that was reached (draft-ietf-httpapi-ratelimit-headers-10)."""
    if error.retry_after_s is None:
        return {}
    headers = {"Retry-After": str(error.retry_after_s)}
    limit = error.limit
    if limit is not None:
        window = "" if limit.window_s is None else f";w={limit.window_s}"
        unit = "" if limit.unit == "requests" else f';qu="{limit.unit}"'
        headers["RateLimit-Policy"] = f'"{limit.name}";q={limit.quota}{window}{unit}'
        headers["RateLimit"] = f'"{limit.name}";r=0;t={error.retry_after_s}'
    return headers


def _describe(error: Exception) -> tuple[ErrorPage, dict[str, str]]:
    if isinstance(error, AppError):
        headers = waiting_headers(error)
        page = ErrorPage(error.status, error.title, error.detail, error.hint)
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
            page = ErrorPage(error.status, error.title, error.detail, error.hint, "/sign-in", "Sign in")
        return page, headers
    if isinstance(error, ValidationException):
        return ErrorPage(422, "That cannot be used", _validation_words(error)), {}
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        # Litestar answers 400 to a form of too many parts, with these words.
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or error.detail == "Request Entity Too Large":
            return ErrorPage(413, TooLarge.title, "these are more or larger files than this gallery takes at once"), {}
        headers = {str(name): str(value) for name, value in (error.headers or {}).items()}
        detail = "there is nothing at this address" if status == HTTPStatus.NOT_FOUND else error.detail
        return ErrorPage(status.value, status.phrase, detail), headers
    return ErrorPage(500, AppError.title, "this is our mistake, and it has been written to the log"), {}


def _validation_words(error: ValidationException) -> str:
    extra: Any = error.extra
    if isinstance(extra, list):
        words = [_item_words(item) for item in extra if isinstance(item, dict)]
        if words:
            return "; ".join(words)
    return error.detail


def _item_words(item: dict[str, Any]) -> str:
    key, message = str(item.get("key", "value")), str(item.get("message", ""))
    # A file field of a form that nobody chose a file for comes as an empty text.
    if message.startswith("Unsupported type"):
        return f"{key.split('[')[0]}: choose a file"
    return f"{key}: {message}"


def _wants_problem(request: Request[Any, Any, Any]) -> bool:
    path = request.url.path
    if path.startswith("/api/") and path != "/api/docs":
        return True
    if request.headers.get("hx-request") == "true":
        return False
    return request.accept.best_match([PROBLEM_JSON, "application/json", "text/html"]) != "text/html"


def _problem(
    request: Request[Any, Any, Any], page: ErrorPage, headers: dict[str, str], extra: dict[str, Any]
) -> Response[bytes]:
    body: dict[str, Any] = {
        **extra,
        "type": "about:blank",
        "title": page.title,
        "status": page.status,
        "detail": page.detail,
        "instance": request.url.path,
    }
    if page.hint:
        body["hint"] = page.hint
    return Response(msgspec.json.encode(body), status_code=page.status, media_type=PROBLEM_JSON, headers=headers)
