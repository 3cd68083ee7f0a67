"""The mirror in Qdrant: its points, how far it follows, and what comparing it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Point:
    """A living picture as the mirror holds it. `vector` is the stored one: float16 bytes, L2-normalised."""

    image_id: int
    vector: bytes
    collections: Sequence[int]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Print:
    """What comparing looks at: a point with the digest of its vector instead of the vector."""

    image_id: int
    digest: str
    collections: Sequence[int]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Filling:
    """A collection on its way: all pictures up to `last_id` are in it, as of `position` in the log or later."""

    identity: str
    collection: str
    position: int
    last_id: int = 0


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a comparison found: `differing` buckets, and the points in them; `repaired` unless it only looked."""

    at: datetime
    points: int
    differing: int
    missing: int
    surplus: int
    changed: int
    repaired: bool

    @property
    def clean(self) -> bool:
        return not (self.missing or self.surplus or self.changed)


@dataclass(frozen=True, slots=True)
class MirrorState:
    """What the follower remembers. `collection` is empty until the first one is complete.

    `points` are in Qdrant and `expected` in Postgres, both as of `counted_at` and `counted_position`.
    """

    identity: str = ""
    alias: str = ""
    collection: str = ""
    position: int = 0
    filled_at: datetime | None = None
    filling: Filling | None = None
    seen_at: datetime | None = None
    error: str = ""
    points: int = 0
    expected: int = 0
    counted_at: datetime | None = None
    counted_position: int = 0
    reconciled: Reconciled | None = None


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """How the mirror is, as its follower left it. `lag` is in entries of the log.

    `filling` is the collection on its way, if there is one, and `filled_share` how far it is, from 0 to 1.
    """

    url: str
    answers_searches: bool
    reachable: bool
    model: str
    collection: str
    filling: str
    filled_share: float
    position: int
    lag: int
    points: int
    expected: int
    counted_at: datetime | None
    seen_at: datetime | None
    error: str
    reconciled: Reconciled | None
