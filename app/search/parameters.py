"""Options of a search that come as text. Each raises Invalid for what it is not."""

from app.core.errors import Invalid
from app.search import service

DEFAULT_K = 10


def read_k(text: str | None) -> int:
    """How many; DEFAULT_K where nothing is said."""
    if text is None or text == "":
        return DEFAULT_K
    try:
        return int(text)
    except ValueError as error:
        raise Invalid(f"k is a whole number from 1 to {service.MAX_K}") from error


def read_score(name: str, text: str | None) -> float | None:
    """A least score or likeness."""
    if text is None or text == "":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise Invalid(f"{name} is a number, not {text[:40]!r}") from error


def read_flag(text: str | None) -> bool:
    """Whether copies are one result."""
    if text not in (None, "", "true", "false", "1", "0"):
        raise Invalid("collapse is true or false")
    return text in ("true", "1")
