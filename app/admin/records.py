"""How the gallery is, in numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.search.records import IndexVersion, Recall
from app.search.upkeep import Proposal


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is. `searchable`, `waiting` and `failed` are by the active model."""

    images: int
    trashed: int
    collections: int
    users: int
    searchable: int = 0
    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """One account, as the admin sees it: counts, never pictures. `files` and `bytes` are all that it keeps, its trash
    included; the limits are its own, None for the gallery's. `invited`: a link that takes it is good still.
    """

    id: int
    name: str
    is_admin: bool
    disabled: bool
    unclaimed: bool
    invited: bool
    seen_at: datetime | None
    files: int
    bytes: int
    max_files: int | None
    max_bytes: int | None


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes of what is kept: originals (each once for each owner), indexes, the database; and of the disk."""

    originals: int
    indexes: int
    database: int
    free: int
    total: int

    @property
    def used_share(self) -> float:
        """How full the disk is, from 0 to 1, whatever is on it."""
        return 1 - self.free / self.total


@dataclass(frozen=True, slots=True)
class Check:
    """One part's health."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class IndexState:
    """The index in force in this process. `lag` is in entries of the log; `published` is None for one without files.

    `is_locked`: its main part is kept in memory. With `engine` "qdrant" the mirror answers, and nothing is held here.
    """

    state: str
    engine: Literal["faiss", "qdrant"] = "faiss"
    model: str = ""
    model_id: int | None = None
    identity_short: str = ""
    count: int = 0
    main_count: int = 0
    delta_count: int = 0
    tombstones: int = 0
    size_bytes: int = 0
    is_locked: bool = False
    lag: int = 0
    version: str = ""
    published: IndexVersion | None = None


@dataclass(frozen=True, slots=True)
class IndexLife:
    """How an index has come to be and how it does: all versions, measured recall, the build that is due."""

    versions: list[IndexVersion]
    today: list[Recall]
    reviewed: list[Recall]
    due: Proposal | None

    def todays(self, version: IndexVersion | None) -> Recall | None:
        """Today's recall of a version's searches; None when none was measured."""
        return next((one for one in self.today if version is not None and one.version_id == version.id), None)


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """What waits and runs in one queue, and for how long the oldest of it has waited."""

    queue: str
    waiting: int
    running: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs of a kind are in a state."""

    kind: str
    state: str
    count: int
