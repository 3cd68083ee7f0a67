"""Finders: the engines that answer a search, all with the same words. FAISS in this process is the primary one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.core.errors import RateLimit, Unavailable
from app.core.metrics import SEARCH_SECONDS
from app.core.settings import Settings
from app.search.draw import Draw
from app.search.index.bitmaps import Bitmap
from app.search.index.planner import Neighbours
from app.search.index.vectors import Ids, Vectors
from app.search.live import Live
from app.search.meter import RecallMeter
from app.search.scope import Scope
from app.search.searcher import Searcher

T = TypeVar("T")

MAX_WAITING = 256
"""Steps of searches that are under way or wait. At a few milliseconds each the last is done within a second."""
MAX_INTERSECTIONS = 64
"""Of what a viewer may see with a label: 125 KB each at a million pictures."""


class _Intersections:
    """What stands in both of two bitmaps, kept for the last few pairs while neither changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, int, int], tuple[Bitmap, Bitmap, Bitmap]] = OrderedDict()

    def of(self, one: Bitmap, other: Bitmap) -> Bitmap:
        """Their intersection; not to be changed."""
        key = (id(one), one.version, id(other), other.version)  # both are kept, so that no id is given out again
        if key not in self._kept:
            self._kept[key] = (one, other, one.intersect(other))
            if len(self._kept) > MAX_INTERSECTIONS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key][2]


class _Line:
    """Searches that wait for a thread: so many, and no more."""

    def __init__(self) -> None:
        self._waiting = 0

    async def run(self, threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        """What `work` returns. Raises Unavailable, at once, when too many wait already."""
        if self._waiting >= MAX_WAITING:
            limit = RateLimit("searches", MAX_WAITING, unit="concurrent-requests")
            raise Unavailable("too many searches wait already", retry_after_s=1, limit=limit)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
        finally:
            self._waiting -= 1


class Sample(NamedTuple):
    """Scores of pictures that were drawn, not found: ids int64 [m], scores (cosine) float32 [m]."""

    ids: Ids
    scores: NDArray[np.float32]


class Finder(Protocol):
    """Finds the nearest vectors within a scope, and tells what any vector there scores."""

    async def nearest(self, searcher: Searcher, vector: Vectors, k: int, scope: Scope) -> Neighbours:
        """The `k` nearest to `vector` (float32 [dim], L2-normalised), best first; fewer only when no more exist.

        Raises Unavailable when the engine cannot answer.
        """
        ...

    async def background(self, searcher: Searcher, vector: Vectors, scope: Scope) -> Sample:
        """What the SAMPLE pictures of least `spread` in a scope score, those left out that it leaves out.

        The scope has no filters. Raises Unavailable when the engine cannot answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class FaissFinder:
    """Answers from the index that this process follows the log with; with a `meter` some answers are measured."""

    live: Live
    threads: ThreadPoolExecutor
    meter: RecallMeter | None = None
    _line: _Line = field(default_factory=_Line, init=False)
    _draw: Draw = field(default_factory=Draw, init=False)
    _narrowed: _Intersections = field(default_factory=_Intersections, init=False)

    async def nearest(self, searcher: Searcher, vector: Vectors, k: int, scope: Scope) -> Neighbours:
        labelled = None if scope.label is None else await self.live.labelled(scope.label)
        _, memberships = self.live.current()
        allowed = memberships.allowed(scope.collections)
        if labelled is not None:
            allowed = self._narrowed.of(allowed, labelled)
        if scope.only is not None:
            allowed = allowed.intersect(scope.only)
        # What is left out is dropped from the answer and not from the filter, which is the same for all queries then:
        # the index remembers where its ids lie.
        wanted = k + len(scope.without)
        started = time.perf_counter()
        found = await self._line.run(self.threads, searcher.index.search, vector, wanted, allowed)
        took_s = time.perf_counter() - started
        SEARCH_SECONDS.observe(took_s)
        if self.meter is not None:
            self.meter.offer(searcher, vector, wanted, allowed, took_s * 1000)
        kept = np.flatnonzero(~np.isin(found.ids, scope.without))[:k]
        return Neighbours(found.ids[kept], found.scores[kept])

    async def background(self, searcher: Searcher, vector: Vectors, scope: Scope) -> Sample:
        _, memberships = self.live.current()
        allowed = memberships.allowed(scope.collections)
        as_of = (searcher.position, memberships.position)

        def measure() -> Sample:
            drawn = self._draw.draw(searcher.index, as_of, frozenset(scope.collections), allowed)
            counted = ~np.isin(drawn.ids, scope.without)
            return Sample(drawn.ids[counted], np.clip(drawn.vectors @ vector, -1, 1)[counted])

        return await self._line.run(self.threads, measure)


@asynccontextmanager
async def opened_finder(
    settings: Settings, live: Live, threads: ThreadPoolExecutor, meter: RecallMeter | None = None
) -> AsyncGenerator[Finder]:
    """The finder that the setting `search_engine` names."""
    if settings.search_engine == "faiss":
        yield FaissFinder(live, threads, meter)
        return
    # Imported where it is used: the client of Qdrant takes 46 MiB in every process that loads it.
    from app.search.qdrant import connected
    from app.search.qdrant_finder import RETRY_AFTER_S, TIMEOUT_S, QdrantFinder

    async with connected(settings, timeout_s=TIMEOUT_S, backoff_s=RETRY_AFTER_S) as qdrant:
        yield QdrantFinder(qdrant)
