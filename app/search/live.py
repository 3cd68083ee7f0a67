"""Follows the log: each process's searcher and memberships stay within a second of every commit."""

import asyncio
from contextlib import suppress

import psycopg
import structlog

from app.core import changes
from app.core.database import Connection, Database
from app.core.errors import AppError, Unavailable
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding.models import Embedders, find_reason
from app.embedding.records import ModelRow
from app.search import store, store_mirror
from app.search.index.bitmaps import Bitmap
from app.search.labels import Labels
from app.search.memberships import Memberships
from app.search.records import IndexVersion
from app.search.records_mirror import MirrorState
from app.search.searcher import Searcher, apply_entries, open_searcher
from ml.embedder import Embedder
from ml.models.model import ModelError

log = structlog.get_logger()

POLL_S = 0.5
RETRY_S = 2.0


class NoModelYet(Unavailable):
    """The first moments of a gallery: its worker has not chosen a model, or not filled the mirror with its vectors."""


class Live:
    """The searcher in force in this process. `run()` keeps it current; `refresh()` does one round."""

    def __init__(self, db: Database, settings: Settings, embedders: Embedders) -> None:
        self._db = db
        self._settings = settings
        self._embedders = embedders
        self._searcher: Searcher | None = None
        self._memberships: Memberships | None = None
        self._labels = Labels(0)
        self.reason = ""
        self._problem = "the search index is being opened"
        # (model, active version) that the searcher was opened for: a version that was refused is not tried again.
        self._opened_for: tuple[int, int | None] | None = None

    @property
    def ready(self) -> bool:
        return self._searcher is not None and self._memberships is not None

    def current(self) -> tuple[Searcher, Memberships]:
        """What answers searches now. Raises Unavailable until the first round has ended."""
        if self._searcher is None or self._memberships is None:
            raise Unavailable(self._problem, retry_after_s=2)
        return self._searcher, self._memberships

    async def labelled(self, label: str) -> Bitmap:
        """The pictures that carry a label; not to be changed."""
        return await self._labels.get(self._db, label)

    async def run(self) -> None:
        """Follow until cancelled; a database that goes away is waited for."""
        while True:
            try:
                async with self._db.session() as conn:
                    await changes.listen(conn)
                    while True:
                        await self.refresh()
                        # Woken by a commit; the poll is for what a notification may have missed.
                        async for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                            pass
            except NoModelYet as error:
                self._problem = str(error)
                await asyncio.sleep(POLL_S)
            except (AppError, psycopg.OperationalError, ModelError) as error:
                self._problem = str(error)
                log.warning("search cannot follow the log", reason=str(error))
                await asyncio.sleep(RETRY_S)

    async def refresh(self) -> None:
        """One round: open another model or version if it is in force now, then catch up with the log."""
        if self._settings.search_engine == "qdrant":
            await self._refresh_from_mirror()
            return
        model = await embedding.active_model(self._db)
        if model is None:
            raise NoModelYet("no model is active yet: the worker chooses one when it starts", retry_after_s=2)
        async with self._db.transaction() as conn:
            pruned_to = await changes.pruned_to(conn)
            active = await _active_version(conn, model)
        if self._memberships is None or self._memberships.position < pruned_to:
            self._memberships = await self._load_memberships()
            self._labels = Labels(self._memberships.position)
        searcher = self._searcher
        wanted = (model.id, active.id if active else None)
        if searcher is None or wanted != self._opened_for or searcher.position < pruned_to:
            searcher = await self._open(model, pruned_to)
            if active is not None and (searcher.version is None or searcher.version.id != active.id):
                # The active version was refused: search goes on without it, and a new one is built.
                async with self._db.transaction() as conn:
                    await embedding.queue_build(conn, model.id, activate=False)
        await self._catch_up(searcher, self._memberships)
        if self._searcher is not searcher:
            log.info("search index opened", model=model.name, index=searcher.label, count=searcher.index.count)
            self._searcher, self._opened_for = searcher, wanted

    async def _refresh_from_mirror(self) -> None:
        """Only what the mirror's follower tells: its model and how far it is. No vector and no bitmap is held."""
        async with self._db.transaction() as conn:
            state = await store_mirror.read_state(conn)
            model = await store_mirror.find_model(conn, state.identity)
        searcher = self._searcher
        if model is None or not state.collection:
            if searcher is None:
                raise NoModelYet(_why_unfilled(state), retry_after_s=10)
            return
        if searcher is None or searcher.model.id != model.id:
            searcher = Searcher(model, await self._embedder(model), None, None, state.position)
            log.info("searches are answered from the mirror", model=model.name, collection=state.collection)
        searcher.mirror, searcher.position = state, state.position
        self._searcher, self._memberships = searcher, Memberships([], state.position)

    async def _catch_up(self, searcher: Searcher, memberships: Memberships) -> None:
        while True:
            async with self._db.transaction() as conn:
                entries = await changes.list_after(conn, min(searcher.position, memberships.position))
                await apply_entries(conn, searcher, entries)
                await self._labels.apply(conn, entries)
            memberships.apply(entries)
            if not entries:
                return

    async def _open(self, model: ModelRow, pruned_to: int) -> Searcher:
        embedder = await self._embedder(model)
        return await open_searcher(self._db, self._settings.indexes_dir, model, embedder, pruned_to)

    async def _embedder(self, model: ModelRow) -> Embedder:
        embedder = await self._embedders.get(model.name)
        if embedder.model.identity != model.identity:
            raise Unavailable(f"the files of the model {model.name} have changed since its index was built")
        self.reason = await find_reason(self._db, self._settings)
        return embedder

    async def _load_memberships(self) -> Memberships:
        async with self._db.snapshot() as conn:
            position = await changes.position(conn)
            return Memberships(await store.list_memberships(conn), position)


def _why_unfilled(state: MirrorState) -> str:
    if state.error:
        return f"the mirror in Qdrant is not filled yet: {state.error}"
    if state.seen_at is None:
        return "the mirror in Qdrant is not filled yet: no worker follows it (it needs LIKENESS_QDRANT_URL, too)"
    return "the mirror in Qdrant is not filled yet: the worker is at it"


async def _active_version(conn: Connection, model: ModelRow) -> IndexVersion | None:
    return next((one for one in await store.list_versions(conn, model.id) if one.is_active), None)


async def stop(task: asyncio.Task[None]) -> None:
    """End a follower and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
