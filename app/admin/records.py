"""How the gallery is, in numbers."""

from dataclasses import dataclass
from datetime import datetime


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
class UserRow:
    """One account, as the admin sees it: counts, never pictures."""

    name: str
    is_admin: bool
    disabled: bool
    pictures: int


@dataclass(frozen=True, slots=True)
class Check:
    """One part's health."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class IndexState:
    """The index in force in this process."""

    state: str
    model: str
    identity_short: str
    count: int
    main_count: int
    delta_count: int
    tombstones: int
    kind: str
    nlist: int | None
    nprobe: int | None
    recall: float | None
    built_at: datetime | None
    lag: int
    size_bytes: int
    version: str
