"""The error tree: services raise these, `problems` answers with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often, or how many at once, something may be asked for. Without `window_s` the quota is of what is open."""

    name: str
    quota: int
    window_s: int | None = None
    unit: Literal["requests", "concurrent-requests"] = "requests"


class AppError(Exception):
    """A refusal that people are told of. `status` and `title` are HTTP's; the message is a plain sentence.

    `extra` are further members of the problem+json answer; `limit` is what was used up.
    """

    status = 500
    title = "Something went wrong"

    def __init__(
        self,
        detail: str,
        *,
        title: str | None = None,
        hint: str | None = None,
        retry_after_s: int | None = None,
        limit: RateLimit | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.title = title or self.title
        self.hint = hint
        self.retry_after_s = retry_after_s
        self.limit = limit
        self.extra = dict(extra or {})


class NotFound(AppError):
    """Missing, or not yours to see: both answer the same."""

    status = 404
    title = "Not found"


class NotAllowed(AppError):
    """You may see it, but not do this to it."""

    status = 403
    title = "Not allowed"


class SignInNeeded(AppError):
    """Nobody is signed in, and this needs somebody."""

    status = 401
    title = "Sign in first"


class Invalid(AppError):
    """A value cannot be used; the message names it."""

    status = 422
    title = "That cannot be used"


class Conflict(AppError):
    """It contradicts what is there already."""

    status = 409
    title = "Not as things stand"


class TooLarge(AppError):
    """More bytes or files than this gallery takes at once."""

    status = 413
    title = "Too large"


class TooMany(AppError):
    """More often than is allowed; `retry_after_s` says when it is allowed again."""

    status = 429
    title = "Too often"


class Gone(AppError):
    """It was here, and has expired."""

    status = 410
    title = "No longer here"


class Unavailable(AppError):
    """Not now: still starting, or a part is down."""

    status = 503
    title = "Not available right now"


class DiskFull(AppError):
    """No room for more pictures."""

    status = 507
    title = "The disk is full"
