"""Answers searches from the mirror in Qdrant: for galleries whose vectors no web process can hold."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qdrant_client import models

from app.core.errors import Unavailable
from app.core.metrics import SEARCH_SECONDS
from app.search.draw import SAMPLE
from app.search.finders import Sample
from app.search.index.bitmaps import Bitmap
from app.search.index.planner import Neighbours
from app.search.index.vectors import Ids, Vectors
from app.search.qdrant import Qdrant, has_id, holds_any, holds_word
from app.search.scope import Scope
from app.search.searcher import Searcher

TIMEOUT_S = 5
RETRY_AFTER_S = (0.05,)
"""One more try, at once: a connection that was kept open may have been closed by the other side."""
MAX_NAMED = 10_000
"""Ids sent with a search, 90 KB of JSON; of more, those found are kept that are among them."""

Found = tuple[Ids, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class QdrantFinder:
    """Asks the collection that the mirror's alias names. What it holds is checked again in SQL, as ever."""

    qdrant: Qdrant

    async def nearest(self, searcher: Searcher, vector: Vectors, k: int, scope: Scope) -> Neighbours:
        if not scope.collections or (scope.only is not None and not scope.only.count()):
            return Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))
        named = scope.only is not None and scope.only.count() <= MAX_NAMED
        started = time.perf_counter()
        found = await self._widening(
            _alias(searcher), vector, k, _filter(scope, scope.only if named else None), None if named else scope.only
        )
        SEARCH_SECONDS.observe(time.perf_counter() - started)
        ids, scores = found
        order = np.lexsort((ids, -scores))[:k]
        return Neighbours(ids[order], scores[order])

    async def background(self, searcher: Searcher, vector: Vectors, scope: Scope) -> Sample:
        alias = _alias(searcher)
        allowed = _filter(Scope(scope.collections), None)
        drawn = await self.qdrant.drawn(alias, SAMPLE, allowed) if scope.collections else []
        counted = [one for one in drawn if one not in scope.without]
        if not counted:
            return Sample(np.empty(0, np.int64), np.empty(0, np.float32))
        allowed = models.Filter(must=[*_conditions(scope.collections), has_id(counted)])
        return Sample(*await self.qdrant.nearest(alias, vector, len(counted), allowed, exact=True))

    async def _widening(
        self, alias: str, vector: Vectors, k: int, allowed: models.Filter, only: Bitmap | None
    ) -> Found:
        """At least the best `k`, and all that score as the last of them does: among those the ids decide.

        An HNSW graph may fail to reach some points: what looks like the end is asked for once more, exactly.
        """
        wanted, exact = k + 1, False
        while True:
            ids, scores = await self.qdrant.nearest(alias, vector, wanted, allowed, exact=exact)
            kept = np.ones(len(ids), np.bool_) if only is None else only.mask(ids)
            whole = len(ids) < wanted
            enough = kept.sum() >= k and scores[-1] < scores[kept][k - 1]
            if enough or (whole and exact):
                return ids[kept], scores[kept]
            if whole:
                exact = True
            else:
                wanted *= 2


def _alias(searcher: Searcher) -> str:
    if searcher.mirror is None:
        raise Unavailable("the mirror in Qdrant is not filled yet", retry_after_s=10)
    return searcher.mirror.alias


def _filter(scope: Scope, only: Bitmap | None) -> models.Filter:
    must = _conditions(scope.collections)
    if scope.label is not None:
        must.append(holds_word("labels", scope.label))
    if only is not None:
        must.append(has_id(only.ids().tolist()))
    return models.Filter(must=must, must_not=[has_id(scope.without)] if scope.without else None)


def _conditions(collections: Sequence[int]) -> list[models.Condition]:
    return [holds_any("collections", collections)]
