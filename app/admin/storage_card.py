"""Disk and queues as the admin's page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.admin.records import QueueDepth, Storage
from app.core.words import duration_text, size_text

QUEUES = {
    "ingest": "Imports",
    "embedding": "Embedding",
    "search": "Indexes",
    "training": "Training",
    "images": "Pictures",
    "accounts": "Accounts",
}


@dataclass(frozen=True, slots=True)
class StorageView:
    """How full the disk is, and with what."""

    used_pct: int
    free_text: str
    total_text: str
    originals_text: str
    indexes_text: str
    database_text: str


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue; `oldest_text` is how long the oldest of what waits has waited, empty when nothing does."""

    name: str
    waiting: int
    running: int
    oldest_text: str


def storage_view(storage: Storage) -> StorageView:
    """The disk in words."""
    return StorageView(
        used_pct=round(storage.used_share * 100),
        free_text=size_text(storage.free),
        total_text=size_text(storage.total),
        originals_text=size_text(storage.originals),
        indexes_text=size_text(storage.indexes),
        database_text=size_text(storage.database),
    )


def queue_views(queues: Sequence[QueueDepth]) -> list[QueueView]:
    """Every queue, those without work too, so that nothing moves when some comes."""
    depths = {one.queue: one for one in queues}
    views: list[QueueView] = []
    for queue in dict.fromkeys([*QUEUES, *depths]):
        depth = depths.get(queue, QueueDepth(queue, 0, 0, 0.0))
        oldest_text = duration_text(depth.oldest_s) if depth.waiting else ""
        views.append(QueueView(QUEUES.get(queue, queue), depth.waiting, depth.running, oldest_text))
    return views
