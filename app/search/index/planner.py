"""The planner: the k nearest among what is allowed, by the cheapest way that finds them."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.search.index import tuning
from app.search.index.bitmaps import Bitmap
from app.search.index.cells import Ranking
from app.search.index.delta import DeltaView
from app.search.index.main import MainIndex
from app.search.index.selection import NarrowSelection, Selection
from app.search.index.vectors import Ids, Vectors

_SPARE = 2  # results fetched beyond k, which tell whether the last place is tied for
_FEW = 16
_TIE = 1e-6  # FAISS sums in another order than we do: equal vectors may differ by so much in its scores

Scores = NDArray[np.float32]


class Neighbours(NamedTuple):
    """What was found, best first: ids int64 [m] without repeats, scores (cosine, -1 to 1) float32 [m]."""

    ids: Ids
    scores: Scores


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
class Found:
    """What the main index gave, and the cells that were compared: None when all were, or none has to be."""

    ids: Ids
    scores: Scores
    cells: NDArray[np.int64] | None = None


NOTHING = Found(np.empty(0, np.int64), np.empty(0, np.float32))


def search(view: View, query: Vectors, k: int, allowed: Bitmap | None = None, *, exact: bool = False) -> Neighbours:
    """The `k` vectors nearest to `query` (float32 [dim], L2-normalised) among `allowed`.

    Ties stand in the order of their ids. All that exist are given when they are fewer than k.
    """
    found = search_main(view, query, k, allowed, exact=exact)
    ids, scores = found.ids, found.scores
    if view.delta.count:
        fresh_ids, fresh_scores = view.delta.search(query, allowed, found.cells)
        if len(fresh_ids) < view.delta.count and len(ids) + len(fresh_ids) < k:
            fresh_ids, fresh_scores = view.delta.search(query, allowed, None)
        ids, scores = np.concatenate([ids, fresh_ids]), np.concatenate([scores, fresh_scores])
    return _rank(ids, np.minimum(np.maximum(scores, -1), 1), k)  # a vector with itself can give 1.0000002


def search_main(view: View, query: Vectors, k: int, allowed: Bitmap | None = None, *, exact: bool = False) -> Found:
    """At least the best `k` of the main index that are eligible, with their scores."""
    main = view.main
    eligible = view.alive if allowed is None else view.alive.intersect(allowed)
    count = view.alive_count if eligible is view.alive else eligible.count()
    if main is None or count == 0:
        return NOTHING
    k = min(k, count)
    if exact or count <= max(tuning.ONE_BY_ONE, k):
        ids = eligible.ids()
        return Found(ids, main.scores(ids, query))
    look = _Look(main, query, k, count, main.cells.scores(query), main.cell_sizes, main.rules.reach)
    if main.is_exact:
        return _scan(look, eligible, look.every_cell())
    if count < tuning.WIDE_SHARE * main.count:
        selection = main.select(view.alive if allowed is None else allowed)
        look = _narrowed(look, selection)
        if isinstance(selection, NarrowSelection):
            return _fetch(look, selection, view.alive)
    return _scan(look, eligible, look.first_cells())


@dataclass(frozen=True, slots=True)
class _Look:
    """A query before the cells: `scores` of their centroids and how many allowed vectors (`rows`) each holds."""

    main: MainIndex
    query: Vectors
    k: int
    count: int
    scores: Scores
    rows: NDArray[np.int64]
    reach: float

    def first_cells(self) -> Ranking:
        """The nearest few, or as many as hold several times k vectors."""
        wanted = tuning.FIRST_ROWS_PER_RESULT * self.k
        # Twice as many as should hold them: near a query a filter may be thinner than on the whole.
        n = max(tuning.FIRST_CELLS, 2 * wanted * int(np.count_nonzero(self.rows)) // self.count)
        while True:
            cells = self.nearest(n)
            gathered = self.rows[cells].cumsum()
            if gathered[-1] >= wanted or n >= self.main.nlist:
                if n > tuning.FIRST_CELLS:
                    cells = cells[: max(tuning.FIRST_CELLS, int(np.searchsorted(gathered, wanted)) + 1)]
                return Ranking(cells, self.scores[cells])
            n *= 4

    def cells_worth_it(self, kth: float, first: Ranking) -> Ranking:
        """All cells but `first` that may hold a vector better than `kth`.

        A vector x of a cell is its centroid c and a rest of about the cell's spread in length; of that rest the
        query q sees the part along its own direction off c, sqrt(1 - (q·c)²) long. So q·x is likely to be at most
        q·c + reach · spread · sqrt(1 - (q·c)²); `reach` is measured at the build. Against a fixed number of cells
        for all queries this compares a quarter of the vectors in the median, half on average, for the same recall (1M).
        """
        unseen = self.scores.copy()
        unseen[first.cells] = -np.inf
        # Most cells are out even with the widest spread; the others are looked at one by one.
        cells = np.flatnonzero(unseen >= kth - self.reach * self.main.widest_spread)
        near = unseen[cells]
        off_centre = np.sqrt(np.maximum(1 - near * near, 0))
        worth = near + self.reach * self.main.spreads[cells] * off_centre >= kth
        cells, near = cells[worth], near[worth]
        most = self.most_rows()
        if self.rows[cells].sum() > most:
            order = np.argsort(-near)
            order = order[: int(np.searchsorted(self.rows[cells[order]].cumsum(), most, side="right"))]
            cells, near = cells[order], near[order]
        return Ranking(cells, near)

    def most_rows(self) -> float:
        """How many vectors a search compares at most, after the first cells."""
        larger = max(1.0, self.k / tuning.CALIBRATION_K) ** tuning.K_EXPONENT
        return tuning.MOST_TIMES_MEAN * self.main.rules.rows * larger

    def nearest(self, n: int) -> NDArray[np.int64]:
        """The `n` nearest cells, nearest first."""
        if n <= _FEW:  # three times as quick as a partition
            scores, few = self.scores.copy(), np.empty(min(n, len(self.scores)), np.int64)
            for place in range(len(few)):
                few[place] = scores.argmax()
                scores[few[place]] = -np.inf
            return few
        cells = np.argpartition(-self.scores, n)[:n] if n < len(self.scores) else np.arange(len(self.scores))
        return cells[np.argsort(-self.scores[cells])]

    def every_cell(self) -> Ranking:
        cells = self.nearest(self.main.nlist)
        return Ranking(cells, self.scores[cells])


def _narrowed(look: _Look, selection: Selection) -> _Look:
    """The same query under a filter: cells without an allowed vector are out of the question."""
    scores = np.where(selection.counts > 0, look.scores, np.float32(-np.inf))
    filtered = replace(look, scores=scores, rows=selection.counts)
    near = filtered.nearest(max(tuning.LEAST_DENSITY_CELLS, look.main.nlist // tuning.DENSITY_SHARE))
    density = float(selection.counts[near].sum() / max(1, look.main.cell_sizes[near].sum()))
    return replace(filtered, reach=look.main.rules.filtered_reach(density))


def _scan(look: _Look, eligible: Bitmap, first: Ranking) -> Found:
    """The best `k` of `first`, and whatever is better in the other cells; exact when `first` holds fewer than `k`.

    The second look starts from what the first one found, so it compares most vectors by their first numbers only.
    FAISS keeps any of those that tie for the last of the places it fills: where a tie may have been cut, the first
    cells are looked at again for all that is as good.
    """
    main, query, k = look.main, look.query, look.k
    selector = _selector(look, eligible)
    ids, scores = main.probe(query, k + _SPARE, selector, first)
    if len(ids) < k:
        first = look.every_cell()
        ids, scores = main.probe(query, k + _SPARE, selector, first)
    least = _kth(scores, k) - _TIE
    rest = look.cells_worth_it(least, first)
    if len(ids) == k + _SPARE and scores[-1] >= least:
        ids, scores = main.probe_above(query, least, selector, first)
    if rest.size:
        more_ids, more_scores = main.probe_above(query, least, selector, rest)
        ids, scores = np.concatenate([ids, more_ids]), np.concatenate([scores, more_scores])
    order = np.argsort(-scores)
    ids, scores = ids[order], scores[order]
    if (scores[: k + 1][:-1] - scores[: k + 1][1:] <= _TIE).any():
        scores = main.scores(ids, query)  # summed as everywhere else: equal vectors have equal scores again
    return Found(ids, scores, _compared(main, first, rest))


def _fetch(look: _Look, selection: NarrowSelection, alive: Bitmap) -> Found:
    """The few allowed vectors of the cells that are worth it, one by one; all of them when those are fewer than k."""

    def fetch(cells: Ranking, least: float) -> tuple[Ids, Scores]:
        rows = selection.rows(cells.cells)
        if look.count < len(selection.ids):  # some were taken out since
            rows = rows[alive.mask(selection.ids[rows])]
        worth, scores = look.main.scores_from(selection.positions[rows], look.query, least)
        return selection.ids[rows[worth]], scores

    first = look.first_cells()
    ids, scores = fetch(first, -1)
    if len(ids) < look.k:
        first = look.every_cell()
        ids, scores = fetch(first, -1)
    least = _kth(scores, look.k)
    rest = look.cells_worth_it(least, first)
    if rest.size:
        more_ids, more_scores = fetch(rest, least - _TIE)
        ids, scores = np.concatenate([ids, more_ids]), np.concatenate([scores, more_scores])
    return Found(ids, scores, _compared(look.main, first, rest))


def _compared(main: MainIndex, first: Ranking, rest: Ranking) -> NDArray[np.int64] | None:
    return None if first.size + rest.size == main.nlist else np.concatenate([first.cells, rest.cells])


def _selector(look: _Look, eligible: Bitmap) -> Bitmap | None:
    return None if look.count == look.main.count else eligible


def _kth(scores: Scores, k: int) -> float:
    """The k-th best of `scores`; the least there can be when they are fewer."""
    return float(np.partition(scores, -k)[-k]) if len(scores) >= k else -1.0


def _rank(ids: Ids, scores: Scores, k: int) -> Neighbours:
    if len(ids) > 2 * k:  # else sorting them all is as quick
        best = scores >= np.partition(scores, -k)[-k]
        ids, scores = ids[best], scores[best]
    order = np.lexsort((ids, -scores))[:k]
    return Neighbours(ids[order], scores[order])
