"""Queries, results, the versions of an index, and how well it finds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.images.records import NO_FILTERS, Filters, Image


@dataclass(frozen=True, slots=True)
class Query:
    """A picture that was searched with: private to its owner, or to its holder if nobody was signed in.

    With `crop` (left, top, width, height as shares of the picture) a part of it; `image_id` is the stored picture that
    it is of, None for one that was uploaded. `width` and `height` are the whole picture's.
    """

    id: UUID
    owner_id: int | None
    model_id: int
    vector: bytes
    width: int
    height: int
    filename: str
    image_id: int | None
    crop: list[float] | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewQuery:
    """A query to be kept; `thumbnail` is the WebP of an uploaded picture, None for a part of a stored one."""

    vector: bytes
    thumbnail: bytes | None
    width: int
    height: int
    filename: str
    image_id: int | None = None
    crop: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The last result of a page: how many were shown up to it, which picture it is, and its cosine."""

    rank: int
    image_id: int
    score: float


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is wanted of a search: `k` results behind a place, within the filters, none below `min_score` (a cosine).

    None below `min_likeness` (0 to 1) either, where there is a reading. With `collapse` copies of one picture are one
    result, the best of them.
    """

    k: int
    filters: Filters = NO_FILTERS
    min_score: float | None = None
    min_likeness: float | None = None
    collapse: bool = False
    behind: Place | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `score` is the cosine, higher is better; `collection` one that the viewer sees it in.

    `likeness` (0 to 1) and `words` are what the score means in this gallery, None where that cannot be told. `copies`
    are the further results that were copies of it, and that it stands for.
    """

    image: Image
    score: float
    collection: str
    likeness: float | None
    words: str | None
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Background:
    """How a query scores with pictures drawn from all that its viewer may see: with any picture, whatever it shows.

    Of `total` pictures, about, `size` were drawn; `mean` and `std` are those of their scores. `centre` and `scale` are
    of the scores' Fisher z-transforms (artanh).
    """

    size: int
    total: int
    mean: float
    std: float
    centre: float
    scale: float


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found, by which model and which version of its index.

    `background` is what the scores are measured by; None in a gallery too small for that. `end` is where the next page
    begins, if there may be one.
    """

    model: str
    index: str
    hits: list[Hit]
    took_ms: float
    background: Background | None
    end: Place | None = None


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

    @property
    def label(self) -> str:
        """The version as people are told of it."""
        return f"v{self.id}"

    @property
    def below_target(self) -> bool:
        """Whether it found less of the exact answers, when it was built, than it had to."""
        return self.manifest["recall"] < self.manifest["target_recall"]

    @property
    def facts(self) -> dict[str, Any]:
        """All that is known of it, as JSON tells it."""
        named = {"version": self.id, "model": self.model, "active": self.is_active, "below_target": self.below_target}
        return {**named, **self.manifest}


Subject = Literal["query", "all", "newest", "collection"]


@dataclass(frozen=True, slots=True)
class RecallSample:
    """How much of the exact answer was found: by one search of somebody's, or by `queries` of a review.

    `recall` is ann_recall_at_k, from 0 to 1; `eligible` how many pictures the answer could come from, of `total`.
    """

    model_id: int
    version_id: int | None
    subject: Subject
    collection_id: int | None
    queries: int
    k: int
    eligible: int
    total: int
    recall: float
    took_ms: float
    exact_ms: float


@dataclass(frozen=True, slots=True)
class Recall:
    """A recall as it was measured: the mean over `queries`. `collection` names the one that they are of."""

    version_id: int | None
    subject: Subject
    collection: str | None
    queries: int
    recall: float
    took_ms: float
    exact_ms: float

    @property
    def words(self) -> str:
        """What was measured, in words."""
        return {
            "query": "searches",
            "all": "all pictures",
            "newest": "the newest pictures",
            "collection": f"the collection {self.collection}",
        }[self.subject]


@dataclass(frozen=True, slots=True)
class Drift:
    """How a gallery has moved on from a position of the log, by one model.

    `living` are all embeddings to be found, `fresh` those of them that an index built there holds beside its main part.
    """

    living: int
    fresh: int


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """What is wrong with one version's files and row: nothing, if all is well."""

    version: int
    model: str
    active: bool
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The index in force against the database: recall subject by subject, latency, and the pictures that differ.

    `missing` are ids that stand in the database and not in the index, `surplus` the other way round; `samples` are
    the recalls as they are kept.
    """

    indexed: int
    living: int
    missing: list[int]
    surplus: list[int]
    recalls: list[Recall]
    samples: list[RecallSample]
    p50_ms: float
    p99_ms: float
    exact_ms: float


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """What a check found: version by version, of the one in force, and all that is wrong, in words."""

    versions: list[VersionCheck]
    active: IndexVersion | None
    measured: Measurement | None
    problems: list[str]
