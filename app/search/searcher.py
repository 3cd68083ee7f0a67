"""Searcher: one model and one index that belong together, and how it is opened and kept current."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from app.core.changes import Entry
from app.core.database import Connection, Database
from app.core.errors import Unavailable
from app.embedding import store as embedding_store
from app.embedding.records import ModelRow
from app.embedding.store_export import export
from app.search import store
from app.search.index.engine import Index
from app.search.index.files import IndexDamaged
from app.search.records import IndexVersion
from app.search.records_mirror import MirrorState
from ml.embedder import Embedder

log = structlog.get_logger()


@dataclass(slots=True)
class Searcher:
    """A model with its index: swapped as a whole, so a query and an index never disagree about the model.

    `version` is None while the index was loaded from the database and not from a published build. `position`
    is how far in the log the index is. Where searches are answered from the mirror in Qdrant, `held` is None.
    """

    model: ModelRow
    embedder: Embedder
    held: Index | None
    version: IndexVersion | None
    position: int
    mirror: MirrorState | None = None

    @property
    def index(self) -> Index:
        """The index in this process. Raises Unavailable where there is none."""
        if self.held is None:
            raise Unavailable("this process holds no index: searches are answered from the mirror in Qdrant")
        return self.held

    @property
    def label(self) -> str:
        """The index's version as results name it."""
        if self.mirror is not None:
            return f"qdrant:{self.mirror.collection}"
        return f"v{self.version.id}" if self.version else "live"


def version_dir(indexes_dir: Path, version_id: int) -> Path:
    """Where a version's files lie."""
    return indexes_dir / str(version_id)


async def open_searcher(
    db: Database, indexes_dir: Path, model: ModelRow, embedder: Embedder, pruned_to: int
) -> Searcher:
    """The newest version that can be trusted, the active one first; else all embeddings from the database.

    One below its target that was not put in force, or that the log no longer reaches back to, is passed over. Its
    caller brings it up to date from the log.
    """
    async with db.transaction() as conn:
        versions = await store.list_versions(conn, model.id)
    for version in sorted(versions, key=lambda one: not one.is_active):
        if version.seq < pruned_to or (version.below_target and not version.is_active):
            continue
        try:
            index = await asyncio.to_thread(Index.open, version_dir(indexes_dir, version.id))
        except IndexDamaged as damaged:
            log.error("index version refused", version=version.id, reason=str(damaged))
            continue
        return Searcher(model, embedder, index, version, version.seq)
    index, position = await asyncio.to_thread(_load_all, db.conninfo, model)
    return Searcher(model, embedder, index, None, position)


def _load_all(conninfo: str, model: ModelRow) -> tuple[Index, int]:
    index = Index.empty(model.dim)
    with export(conninfo, model.id, model.dim) as snapshot:
        for ids, vectors in snapshot.chunks():
            index.add(ids, vectors)
        return index, snapshot.seq


async def apply_entries(conn: Connection, searcher: Searcher, entries: Sequence[Entry]) -> None:
    """Bring the index up to the last of these entries."""
    await follow(conn, searcher.index, searcher.model, [entry for entry in entries if entry.seq > searcher.position])
    if entries:
        searcher.position = max(searcher.position, entries[-1].seq)


async def follow(conn: Connection, index: Index, model: ModelRow, entries: Sequence[Entry]) -> None:
    """Let an index of this model have what these entries tell of.

    What a picture's state is now decides, not each step on the way: entries may be older than what is read.
    """
    touched = {
        entry.image_id
        for entry in entries
        if entry.kind in ("retracted", "restored") or (entry.kind == "embedded" and entry.model_id == model.id)
    }
    if touched:
        living = await store.list_living(conn, sorted(touched))
        ids, vectors = await embedding_store.list_embeddings(conn, model.id, model.dim, living)
        await asyncio.to_thread(_change, index, touched, ids, vectors)


def _change(index: Index, touched: set[int], ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    gone = touched - set(ids.tolist())
    if gone:
        index.remove(sorted(gone))
    if len(ids):
        index.add(ids, vectors)
