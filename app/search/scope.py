"""Scope: what one search may answer with, in terms that every engine understands."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.search.index.bitmaps import Bitmap


@dataclass(frozen=True, slots=True)
class Scope:
    """The pictures that stand in any of `collections`, without those of `without`.

    With `label` only those that carry it, with `only` only those of these ids.
    """

    collections: Sequence[int]
    label: str | None = None
    only: Bitmap | None = None
    without: Sequence[int] = ()
