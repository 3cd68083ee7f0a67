"""Calibration: how far a search has to look on these vectors, and what that costs on this machine."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.search.index import planner, tuning
from app.search.index.bitmaps import Bitmap
from app.search.index.cells import Cells, Ranking
from app.search.index.delta import Delta
from app.search.index.main import MainIndex
from app.search.index.planner import View
from app.search.index.rules import WHOLE, Rules
from app.search.index.swig import faiss
from app.search.index.vectors import Ids, Vectors

GROUPS = 128
"""A filter that follows likeness (a label, an album) is imitated by a tenth of so many groups of cells."""

CURVE_REACHES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8)
FILTER_QUERIES = 250
FILTER_MARGIN = 0.01
"""Filters are aimed so much higher than the target: a real one is neither random nor of whole groups of cells."""


class CurvePoint(NamedTuple):
    """`nprobe`: cells compared on average. `recall`: ann_recall_at_10. `p50_ms`: of one query on one thread."""

    nprobe: int
    recall: float
    p50_ms: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The rules, what they reach without a filter, and the curve that they were chosen from."""

    rules: Rules
    setting: CurvePoint
    curve: tuple[CurvePoint, ...]


Mask = Callable[[Ids, NDArray[np.int64]], NDArray[np.bool_]]
"""Which of the vectors with these ids, in these cells, a filter allows."""


class Truth:
    """The exact nearest neighbours of held-out rows, gathered while their gallery passes by in chunks.

    Once among all vectors, and once under each filter of `masks`.
    """

    def __init__(self, queries: Vectors, query_ids: Ids, cells: Cells) -> None:
        self.queries = queries
        self.query_ids = query_ids
        self.masks: dict[str, Mask] = {
            "all": lambda ids, _: np.ones(len(ids), np.bool_),
            "50%": lambda ids, _: _drawn(ids) < 0.5,  # the name says it
            "10%": lambda ids, _: _drawn(ids) < 0.1,
            "1%": lambda ids, _: _drawn(ids) < 0.01,
            "groups": _grouped(cells),
        }
        depth = tuning.CALIBRATION_K + 1
        self._best = {name: faiss.ResultHeap(len(queries), depth, keep_max=True) for name in self.masks}
        self._allowed: dict[str, list[Ids]] = {name: [] for name in self.masks}

    def add(self, ids: Ids, vectors: Vectors, cells: NDArray[np.int64]) -> None:
        """Meets a chunk of the gallery."""
        for name, mask in self.masks.items():
            rows = np.flatnonzero(mask(ids, cells))
            if not len(rows):
                continue
            self._allowed[name].append(ids[rows])
            some = vectors if len(rows) == len(ids) else vectors[rows]
            k = min(tuning.CALIBRATION_K + 1, len(rows))
            scores, found = faiss.knn(self.queries, some, k, metric=faiss.METRIC_INNER_PRODUCT)
            self._best[name].add_result(scores, ids[rows][found])

    def allowed(self, name: str) -> Bitmap:
        """The ids that a filter allows."""
        return Bitmap.from_ids(np.concatenate([*self._allowed[name], np.empty(0, np.int64)]))

    def thresholds(self, name: str) -> NDArray[np.float32]:
        """The score of the k-th neighbour of each query, itself left out: float32 [q]; -inf where fewer exist."""
        best = self._best[name]
        best.finalize()
        others = np.where((self.query_ids[:, None] == best.I) | (best.I < 0), -np.inf, best.D)
        return np.sort(others, axis=1)[:, -tuning.CALIBRATION_K]


def calibrate(main: MainIndex, truth: Truth, *, target: float) -> Calibration:
    """Finds the least reach for a recall of `target` on `truth`, and measures its cost. Changes `main.rules`."""
    with _one_thread():
        everything = _Trial(main, truth, "all", len(truth.queries))
        tried = [everything.at(reach) for reach in CURVE_REACHES]
        reach = everything.least_reach(target)
        setting = everything.at(reach)
        # One point for each nprobe, as people read the curve; the setting stands for its own.
        curve = {point.nprobe: point for point in (*tried, setting)}
        rows = everything.rows_at(reach)
        reaches = _filtered_reaches(main, truth, target)
        rules = Rules(
            reach=reach,
            reach_at_1=reaches["1%"],
            reach_at_10=reaches["10%"],
            reach_at_50=reaches["50%"],
            reach_at_100=max(reach, reaches["groups"]),
            rows=round(rows),
            gather_us=_gather_us(main, truth),
            scan_us=_scan_us(main, truth),
        )
    return Calibration(rules, setting, tuple(sorted(curve.values(), key=lambda point: point.nprobe)))


def _filtered_reaches(main: MainIndex, truth: Truth, target: float) -> dict[str, float]:
    """The least reach under each filter, and no less than LEAST_FILTERED_REACH.

    A filter that allows so few that they are compared one by one tells nothing: the widest of the others serves.
    """
    names = ("groups", "50%", "10%", "1%")
    telling = [name for name in names if truth.allowed(name).count() > tuning.ONE_BY_ONE]
    reaches = {
        name: max(
            tuning.LEAST_FILTERED_REACH, _Trial(main, truth, name, FILTER_QUERIES).least_reach(target + FILTER_MARGIN)
        )
        for name in telling
    }
    widest = max(reaches.values(), default=tuning.reach_ladder()[-1])
    return {name: reaches.get(name, widest) for name in names}


def time_exact(main: MainIndex, queries: Vectors) -> CurvePoint:
    """What a search of an index that compares everything costs."""
    with _one_thread():
        times = [_timed(_whole_view(main), query, None)[1] for query in queries]
    return CurvePoint(1, 1.0, round(float(np.median(times)), 3) if times else 0.0)


def median_ms(search: Callable[[Vectors], Any], queries: Vectors) -> float:
    """The median time of `search` over each of `queries`, given as [1, dim]."""
    times: list[float] = []
    with _one_thread():
        for row in range(len(queries)):
            started = time.perf_counter()
            search(queries[row : row + 1])
            times.append((time.perf_counter() - started) * 1000)
    return float(np.median(times))


class _Trial:
    """Searches under one filter, with one reach after another."""

    def __init__(self, main: MainIndex, truth: Truth, name: str, n: int) -> None:
        self._main = main
        self._queries, self._query_ids = truth.queries[:n], truth.query_ids[:n]
        thresholds = truth.thresholds(name)[:n]
        self._thresholds = thresholds - 1e-6  # a tie with the k-th neighbour counts as found
        self._usable = np.isfinite(thresholds)
        self._allowed = None if name == "all" else truth.allowed(name)
        self._view = _whole_view(main)
        self._known: dict[float, tuple[CurvePoint, float]] = {}

    def at(self, reach: float) -> CurvePoint:
        """What `reach` reaches."""
        if reach not in self._known:
            rules = replace(
                WHOLE, reach=reach, reach_at_1=reach, reach_at_10=reach, reach_at_50=reach, reach_at_100=reach
            )
            self._main.rules = rules
            self._known[reach] = self._measure()
        return self._known[reach][0]

    def rows_at(self, reach: float) -> float:
        """How many vectors it compares, on average."""
        self.at(reach)
        return self._known[reach][1]

    def least_reach(self, target: float) -> float:
        """The least reach of the ladder that reaches `target`; the widest if none does."""
        ladder = tuning.reach_ladder()
        if not self._usable.any():
            return ladder[-1]
        low, high = 0, len(ladder) - 1
        while low < high:
            middle = (low + high) // 2
            if self.at(ladder[middle]).recall >= target:
                high = middle
            else:
                low = middle + 1
        self.at(ladder[low])
        return ladder[low]

    def _measure(self) -> tuple[CurvePoint, float]:
        recalls, times, cells, rows = [], [], [], []
        k = tuning.CALIBRATION_K
        for query, query_id, threshold in zip(
            self._queries[self._usable], self._query_ids[self._usable], self._thresholds[self._usable], strict=True
        ):
            found, took_ms = _timed(self._view, query, self._allowed)
            hits = np.count_nonzero((found.scores >= threshold) & (found.ids != query_id))
            recalls.append(min(hits, k) / k)
            times.append(took_ms)
            compared = np.arange(self._main.nlist) if found.cells is None else found.cells
            cells.append(len(compared))
            rows.append(int(self._main.cell_sizes[compared].sum()))
        recall, p50_ms = round(float(np.mean(recalls)), 4), round(float(np.median(times)), 3)
        return CurvePoint(round(np.mean(cells)), recall, p50_ms), float(np.mean(rows))


def _timed(view: View, query: Vectors, allowed: Bitmap | None) -> tuple[planner.Found, float]:
    started = time.perf_counter()
    found = planner.search_main(view, query, tuning.CALIBRATION_K + 1, allowed)  # the query itself is found, too
    return found, (time.perf_counter() - started) * 1000


def _whole_view(main: MainIndex) -> View:
    return View(main, main.present, main.count, Delta(main.dim).view())


def _gather_us(main: MainIndex, truth: Truth, n: int = 2_000) -> float:
    """The cost of comparing one vector that is fetched by itself, where a tenth of those near the query is allowed."""
    query, least = truth.queries[0], float(truth.thresholds("10%")[0])
    nearest = np.argsort(-main.cells.scores(query))
    positions = main.positions(truth.allowed("10%").ids())
    near = positions[np.argsort(np.argsort(nearest)[positions >> 32], kind="stable")[:n]]
    return _best_us(lambda: main.scores_from(near, query, least)) / max(1, len(near))


def _scan_us(main: MainIndex, truth: Truth, n: int = 64) -> float:
    """The cost of passing one vector in the scan of a cell, where one in ten is allowed."""
    scores = main.cells.scores(truth.queries[0])
    cells = np.argsort(-scores)[:n]
    nearest = Ranking(cells, scores[cells])
    allowed = truth.allowed("10%")
    rows = int(main.cell_sizes[nearest.cells].sum())
    return _best_us(lambda: main.probe(truth.queries[0], tuning.CALIBRATION_K, allowed, nearest)) / max(rows, 1)


def _best_us(work: Callable[[], Any], times: int = 7) -> float:
    took: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return min(took) * 1e6


def _drawn(ids: Ids) -> NDArray[np.float64]:
    """A number from 0 to 1 for each id, always the same."""
    return (ids * 2_654_435_761 % 2**32) / 2**32


def _grouped(cells: Cells) -> Mask:
    """Allows the cells of a tenth of the groups around random centroids."""
    rng = np.random.default_rng(tuning.SEED)
    centroids = cells.centroids()
    anchors = centroids[rng.choice(len(centroids), min(GROUPS, len(centroids)), replace=False)]
    group_of = np.argmax(centroids @ anchors.T, axis=1)
    chosen = np.isin(group_of, rng.choice(len(anchors), max(1, len(anchors) // 10), replace=False))
    return lambda _, cells: chosen[cells]


@contextmanager
def _one_thread() -> Generator[None]:
    """As a web process searches: one OpenMP thread a query."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
