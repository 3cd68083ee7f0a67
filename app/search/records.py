"""Queries, results, and the versions of an index."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.images.records import NO_FILTERS, Filters, Image


@dataclass(frozen=True, slots=True)
class Query:
    """A picture that was searched with: private to its owner, or to its holder if nobody was signed in."""

    id: UUID
    owner_id: int | None
    model_id: int
    vector: bytes
    width: int
    height: int
    filename: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is wanted of a search: `k` results, within the filters, none below `min_score` (a cosine).

    With `collapse` copies of one picture are one result, the best of them.
    """

    k: int
    filters: Filters = NO_FILTERS
    min_score: float | None = None
    collapse: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `score` is the cosine, higher is better; `collection` one that the viewer sees it in.

    `copies` are the further results that were copies of it, and that it stands for.
    """

    image: Image
    score: float
    collection: str
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found, by which model and which version of its index."""

    model: str
    index: str
    hits: list[Hit]
    took_ms: float


@dataclass(frozen=True, slots=True)
class IndexVersion:
    """One published build of an index."""

    id: int
    model_id: int
    model: str
    seq: int
    is_active: bool
    manifest: dict[str, Any]
    created_at: datetime
