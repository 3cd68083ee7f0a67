"""What a request narrows a list to: checked once, for every page, call and command."""

from datetime import date
from typing import TypeVar, get_args

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.database import Database
from app.core.errors import Invalid
from app.images.records import Filters, Narrowing, Shape, Size
from ml.images import FORMATS

Chosen = TypeVar("Chosen", bound=str)

MAX_WORDS = 20
WORD_LENGTH = 100


async def resolve_filters(db: Database, viewer: Viewer, asked: Narrowing) -> tuple[Filters, Collection | None]:
    """Filters from what a request names. Raises Invalid, and NotFound for a collection that the viewer may not see."""
    after, before = _day("after", asked.after), _day("before", asked.before)
    if after and before and after > before:
        raise Invalid(f"no day is after {after} and before {before}: change the two")
    words = _words(asked.text or "")
    if len(words) > MAX_WORDS or any(len(word) > WORD_LENGTH for word in words):
        raise Invalid(f"text has at most {MAX_WORDS} words of at most {WORD_LENGTH} characters")
    found = None
    if asked.collection:
        async with db.transaction() as conn:
            found = await collections.resolve(conn, viewer, asked.collection)
    filters = Filters(
        collection_id=found.id if found else None,
        label=asked.label or None,
        words=words,
        after=after,
        before=before,
        shape=_choice("shape", asked.shape, get_args(Shape)),
        size=_choice("size", asked.size, get_args(Size)),
        format=_choice("format", (asked.format or "").upper(), FORMATS),
        has_copies=asked.has_copies,
    )
    return filters, found


def _words(text: str) -> tuple[str, ...]:
    """What stands between spaces; characters that Postgres cannot hold count as such."""
    return tuple(text.encode("utf-8", "replace").decode().replace("\0", " ").split())


def _choice(name: str, text: str | None, choices: tuple[Chosen, ...]) -> Chosen | None:
    if not text:
        return None
    for choice in choices:
        if text == choice:
            return choice
    raise Invalid(f"{name} is one of {', '.join(choices)}")


def _day(name: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # `fromisoformat` takes weeks, too
        raise Invalid(f"{name} is a day written as 2026-03-31, not {text[:40]!r}")
    return day
