"""RecallMeter: a few real searches a minute are answered once more, exactly, to see how much was found."""

import asyncio
import itertools
import os
import threading
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

import structlog

from app.core.database import Database
from app.core.errors import AppError
from app.search import store_recall
from app.search.index.bitmaps import Bitmap
from app.search.index.engine import Index
from app.search.index.vectors import Vectors
from app.search.records import RecallSample
from app.search.searcher import Searcher

SHARE = 50
PAUSE_S = 10.0
"""One search in 50, and no more than one in 10 s: at 1M vectors an exact one takes 0.1 to 0.2 s of one core."""

NICENESS = 19
TIE = 1e-6  # a score so near to the k-th of the exact answer is as good

log = structlog.get_logger()


class RecallMeter:
    """Samples searches after they were answered, and keeps how much of the exact answer each found.

    Of the search itself nothing is kept. One sample at a time, on a thread that yields to all others.
    """

    def __init__(
        self, db: Database, threads: ThreadPoolExecutor, *, share: int = SHARE, pause_s: float = PAUSE_S
    ) -> None:
        """`threads` are those of `meter_threads`; each `share`-th search is sampled, if `pause_s` have passed."""
        self._db = db
        self._threads = threads
        self._share = share
        self._pause_s = pause_s
        self._numbers = itertools.count()
        self._not_before = 0.0
        self._measuring: asyncio.Task[None] | None = None

    def offer(self, searcher: Searcher, query: Vectors, k: int, allowed: Bitmap, took_ms: float) -> None:
        """A search that was just answered in `took_ms`; returns at once."""
        now = time.monotonic()
        if next(self._numbers) % self._share or now < self._not_before:
            return
        if self._measuring is not None and not self._measuring.done():
            return
        self._not_before = now + self._pause_s
        self._measuring = asyncio.create_task(self._keep(searcher, query, k, allowed, took_ms))

    async def settle(self) -> None:
        """Wait for the sample under way, if any."""
        if self._measuring is not None:
            with suppress(asyncio.CancelledError):
                await self._measuring

    async def _keep(self, searcher: Searcher, query: Vectors, k: int, allowed: Bitmap, took_ms: float) -> None:
        loop = asyncio.get_running_loop()
        version_id = searcher.version.id if searcher.version else None
        compared = await loop.run_in_executor(self._threads, compare, searcher.index, query, k, allowed)
        if compared is None:
            return
        recall, exact_ms = compared
        eligible, total = allowed.count(), searcher.index.count
        sample = RecallSample(
            searcher.model.id, version_id, "query", None, 1, k, eligible, total, recall, took_ms, exact_ms
        )
        try:
            async with self._db.transaction() as conn:
                await store_recall.insert_samples(conn, [sample])
        except AppError as error:
            log.warning("a measured recall is lost", reason=str(error))


def compare(index: Index, query: Vectors, k: int, allowed: Bitmap) -> tuple[float, float] | None:
    """(ann_recall_at_k of a search, milliseconds that the exact one took).

    None when nothing could be found, or the index changed between the two.
    """
    before = index.stats
    found = index.search(query, k, allowed)
    started = time.perf_counter()
    exact = index.search(query, k, allowed, exact=True)
    exact_ms = (time.perf_counter() - started) * 1000
    if not len(exact.ids) or index.stats != before:
        return None
    hits = int((found.scores >= exact.scores[-1] - TIE).sum())
    return min(1.0, hits / len(exact.ids)), exact_ms


@asynccontextmanager
async def recall_meter(db: Database) -> AsyncGenerator[RecallMeter]:
    """A meter with its own thread, for the life of a process."""
    with ThreadPoolExecutor(1, "meter", initializer=_yield_to_all) as threads:
        meter = RecallMeter(db, threads)
        try:
            yield meter
        finally:
            await meter.settle()


def _yield_to_all() -> None:
    """On Linux a thread has a niceness of its own; elsewhere it is left as it is."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
