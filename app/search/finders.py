"""Finders: the engines that answer a search, all with the same words. FAISS in this process is the primary one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from app.search.index.bitmaps import Bitmap
from app.search.index.planner import Neighbours
from app.search.index.vectors import Vectors
from app.search.live import Live
from app.search.memberships import Memberships
from app.search.scope import Scope
from app.search.searcher import Searcher


class Finder(Protocol):
    """Finds the nearest vectors within a scope."""

    async def nearest(self, searcher: Searcher, vector: Vectors, k: int, scope: Scope) -> Neighbours:
        """The `k` nearest to `vector` (float32 [dim], L2-normalised), best first; fewer only when no more exist.

        Raises Unavailable when the engine cannot answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class FaissFinder:
    """Answers from the index that this process follows the log with."""

    live: Live
    threads: ThreadPoolExecutor

    async def nearest(self, searcher: Searcher, vector: Vectors, k: int, scope: Scope) -> Neighbours:
        _, memberships = self.live.current()
        allowed = allowed_bitmap(memberships, scope)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, searcher.index.search, vector, k, allowed)


def allowed_bitmap(memberships: Memberships, scope: Scope) -> Bitmap:
    """The ids of a scope."""
    allowed = memberships.allowed(scope.collections)
    if scope.only is not None:
        allowed = allowed.intersect(scope.only)
    allowed.discard(scope.without)
    return allowed
