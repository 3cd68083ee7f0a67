"""Scope: what one search may answer with, in terms that every engine understands."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.search.index.bitmaps import Bitmap


@dataclass(frozen=True, slots=True)
class Scope:
    """The pictures that stand in any of `collections`, only those of `only` (None: all of them), without `without`."""

    collections: Sequence[int]
    only: Bitmap | None = None
    without: Sequence[int] = ()
