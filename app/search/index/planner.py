"""The planner: the k nearest among what is allowed, by the cheapest way that finds them."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.search.index import tuning
from app.search.index.bitmaps import Bitmap
from app.search.index.delta import DeltaView
from app.search.index.main import MainIndex
from app.search.index.vectors import Ids, Vectors

_SPARE = 8  # results fetched beyond k, so that the first tie at the end seldom asks for a second search
_TIE = 1e-6  # FAISS sums in another order than we do: equal vectors may differ by so much in its scores


class Neighbours(NamedTuple):
    """What was found, best first: ids int64 [m] without repeats, scores (cosine, -1 to 1) float32 [m]."""

    ids: Ids
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class View:
    """All that a search looks at, as it stood at one moment: `alive` are the ids of `main` not taken out."""

    main: MainIndex | None
    alive: Bitmap
    alive_count: int
    delta: DeltaView

    @property
    def count(self) -> int:
        return self.alive_count + self.delta.count


@dataclass(frozen=True, slots=True)
class Plan:
    """How the main index is searched: `nprobe` cells, or none at all: each allowed vector by itself.

    With `max_codes` the scan ends after so many allowed vectors.
    """

    nprobe: int
    max_codes: int = 0


ONE_BY_ONE = Plan(nprobe=0)


def search(view: View, query: Vectors, k: int, allowed: Bitmap | None = None, *, exact: bool = False) -> Neighbours:
    """The `k` vectors nearest to `query` (float32 [dim], L2-normalised) among `allowed`.

    Ties stand in the order of their ids. All that exist are given when they are fewer than k.
    """
    ids, scores = _search_main(view, query, k, allowed, exact=exact)
    rows = view.delta.eligible(allowed)
    if len(rows):
        ids = np.concatenate([ids, view.delta.ids[rows]])
        scores = np.concatenate([scores, _clamp(view.delta.scores(rows, query))])
    return _rank(ids, scores, k)


def plan(main: MainIndex, eligible_count: int, k: int) -> Plan:
    """The cheapest way to `k` results at the calibrated recall among `eligible_count` vectors of `main`."""
    if main.is_exact:
        return Plan(nprobe=1)
    scan = tuning.scan_for(k, main.nprobe * main.count / main.nlist)
    if eligible_count <= scan:
        return ONE_BY_ONE
    share = eligible_count / main.count
    if share >= tuning.WIDE_SHARE:
        return Plan(nprobe=min(main.nlist, math.ceil(scan * main.nlist / main.count)))
    budget = max(tuning.scan_for(k, 0), scan * share**tuning.BUDGET_EXPONENT)
    return Plan(nprobe=main.nlist, max_codes=math.ceil(budget))


def _search_main(
    view: View, query: Vectors, k: int, allowed: Bitmap | None, *, exact: bool
) -> tuple[Ids, NDArray[np.float32]]:
    """At least the best `k` of the main index that are eligible, in any order, with their scores."""
    eligible = view.alive if allowed is None else view.alive.intersect(allowed)
    count = view.alive_count if eligible is view.alive else eligible.count()
    if view.main is None or count == 0:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    chosen = ONE_BY_ONE if exact else plan(view.main, count, k)
    if chosen is ONE_BY_ONE:
        ids = eligible.ids()
        return ids, _clamp(view.main.scores(ids, query))
    return _probe(view.main, query, min(k, count), eligible, count, chosen)


def _probe(
    main: MainIndex, query: Vectors, k: int, eligible: Bitmap, count: int, chosen: Plan
) -> tuple[Ids, NDArray[np.float32]]:
    """The best of the probed cells; of all cells, thus exact, when those hold fewer than `k`.

    FAISS keeps any of those that tie for the last place, so more are fetched until no tie is cut.
    """
    selector = None if count == main.count else eligible
    fetch = min(k + _SPARE, count)
    while True:
        ids = main.probe(query, fetch, selector, chosen.nprobe, chosen.max_codes)
        if len(ids) < k:
            chosen = Plan(nprobe=main.nlist)
            ids = main.probe(query, fetch, selector, chosen.nprobe)
        scores = _clamp(main.scores(ids, query))
        ends_in_tie = scores.min() >= np.partition(scores, -k)[-k] - _TIE
        if len(ids) < fetch or fetch == count or not ends_in_tie:
            return ids, scores
        fetch = min(4 * fetch, count)


def _rank(ids: Ids, scores: NDArray[np.float32], k: int) -> Neighbours:
    if len(ids) > k:
        best = scores >= np.partition(scores, -k)[-k]
        ids, scores = ids[best], scores[best]
    order = np.lexsort((ids, -scores))[:k]
    return Neighbours(ids[order], scores[order])


def _clamp(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(scores, -1, 1)  # a vector with itself can give 1.0000002
