"""Imports, uploads, and what comes of each file."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Kind = Literal["archive", "folder", "cifar10", "cifar100", "coco", "stl10", "sample"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file's end: added, there already, or refused with a reason."""

    file: str
    image_id: int | None = None
    is_new: bool = False
    reason: str | None = None
    over_quota: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken in, and why."""

    file: str
    reason: str


@dataclass(slots=True)
class Tally:
    """What came of the files of one upload."""

    added: list[int] = field(default_factory=list[int])
    existing: list[int] = field(default_factory=list[int])
    refused: list[Refusal] = field(default_factory=list[Refusal])
    over_quota: bool = False

    def count(self, outcome: Outcome) -> None:
        """Take one more outcome in."""
        self.over_quota |= outcome.over_quota
        if outcome.image_id is None:
            self.refused.append(Refusal(outcome.file, outcome.reason or "refused"))
        elif outcome.is_new:
            self.added.append(outcome.image_id)
        else:
            self.existing.append(outcome.image_id)


@dataclass(frozen=True, slots=True)
class Import:
    """One import, as far as it has come: `position` entries of its source were dealt with.

    `options` tell how to open the source again: its `path`, or the `upload` that brought it, and the reader's own.
    """

    id: int
    job_id: int
    owner_id: int
    owner_name: str
    collection_id: int | None
    collection_name: str | None
    kind: Kind
    name: str
    options: dict[str, Any]
    position: int
    added: int
    existing: int
    refused: int
    checks: list[str]
    trying: int | None
    deaths: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewImport:
    """An import that somebody asks for."""

    owner_id: int
    collection_id: int
    collection_name: str
    kind: Kind
    name: str
    options: dict[str, Any]
    fingerprint: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """An archive that comes in by pieces."""

    id: UUID
    owner_id: int
    collection_id: int
    filename: str
    size_bytes: int
    labels_from_folders: bool
    import_id: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that an import refused, by its position there; `can_retry`: the import has come to its end."""

    import_id: int
    import_name: str
    owner: str
    position: int
    file: str
    reason: str
    can_retry: bool
