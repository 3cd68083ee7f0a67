"""The parts of the search benchmark: indexes by turns, filters, fresh vectors, threads."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from app.search.index import Bitmap, Index
from scripts.bench_rivals import Rival, Search
from scripts.bench_vectors import Floats, Generated, K, exact_neighbours

BLOCK = 50
"""Queries asked of one index before the next has its turn: the caches are its own, the machine's mood is shared."""

FILTER_QUERIES = 300
SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
DELTAS = (0, 1_000, 10_000, 50_000)
_faiss: Any = faiss


@dataclass(frozen=True, slots=True)
class Point:
    """One index at one setting; times in ms over the queries' least times."""

    name: str
    setting: int
    recall: float
    p50_ms: float
    mean_ms: float
    p99_ms: float
    build_s: float | None
    bytes_per_vector: float


@dataclass(frozen=True, slots=True)
class Filtered:
    """Searches among a share of the vectors; `ratio` is to the p50 without a filter."""

    filter: str
    share: float
    recall: float
    p50_ms: float
    p99_ms: float
    ratio: float


@dataclass(frozen=True, slots=True)
class WithDelta:
    """Searches with so many fresh vectors beside the main index."""

    fresh: int
    recall: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Threads:
    """Queries per second from so many threads of one process."""

    threads: int
    per_s: float
    p50_ms: float
    p99_ms: float


def by_turns(rivals: Sequence[Rival], n: int, queries: Floats, truth: NDArray[np.int64], rounds: int) -> list[Point]:
    """Every index (of `n` vectors) at every setting, block of queries by block."""
    searches = {(rival.name, setting): rival.at(setting) for rival in rivals for setting in rival.settings}
    slow = {key for key in searches if "exact" in key[0]}
    times = {key: np.full((rounds, len(queries)), np.nan) for key in searches}
    hits = dict.fromkeys(searches, 0)
    asked = dict.fromkeys(searches, 0)
    rng = np.random.default_rng(5)
    for round_, start in ((round_, start) for round_ in range(rounds) for start in range(0, len(queries), BLOCK)):
        order = rng.permutation(len(searches))  # whoever follows the scan of everything finds the caches empty
        for key, search in [list(searches.items())[place] for place in order]:
            if key in slow and (round_ > 0 or start >= 2 * BLOCK):
                continue  # a hundred queries tell what a scan of everything costs
            for row in range(start, min(start + BLOCK, len(queries))):
                found, times[key][round_, row] = _timed(search, queries[row])
                if round_ == 0:
                    hits[key] += len(np.intersect1d(found, truth[row]))
                    asked[key] += 1
    return [
        _point(rival, setting, hits[key] / asked[key] / K, times[key], n)
        for rival in rivals
        for setting in rival.settings
        for key in [(rival.name, setting)]
    ]


def at_recall(points: Sequence[Point], recall: float) -> float:
    """The p50 that an index needs for `recall`, between two of its settings (straight in log time)."""
    ordered = sorted(points, key=lambda point: point.recall)
    recalls = [point.recall for point in ordered]
    return float(np.exp(np.interp(recall, recalls, np.log([point.p50_ms for point in ordered]))))


def measure_filters(index: Index, data: Generated, rounds: int) -> list[Filtered]:
    """The recall and time of filtered searches, random ones and such as follow the classes."""
    rows: list[Filtered] = []
    queries = data.queries[:FILTER_QUERIES]
    for name, share, allowed_rows in _filters(data):
        allowed = Bitmap.from_ids(allowed_rows)
        truth = allowed_rows[exact_neighbours(np.ascontiguousarray(data.vectors[allowed_rows]), queries)]
        chosen = None if share == 1 else allowed
        recall, times = _ask(index, queries, truth, rounds, chosen)
        p50 = float(np.median(times))
        plain = rows[0].p50_ms if rows else p50
        rows.append(
            Filtered(name, round(len(allowed_rows) / len(data.vectors), 4), recall, p50, _p99(times), p50 / plain)
        )
    return rows


def measure_delta(index: Index, data: Generated, rounds: int) -> list[WithDelta]:
    """What vectors that came since the build cost. They are taken out again."""
    queries = data.queries[:FILTER_QUERIES]
    n = len(data.vectors)
    fresh = _fresh_like(data)
    rows: list[WithDelta] = []
    for count in DELTAS:
        index.add(np.arange(n, n + count), fresh[:count])
        truth = exact_neighbours(np.concatenate([data.vectors, fresh[:count]]), queries)
        recall, times = _ask(index, queries, truth, rounds, None)
        rows.append(WithDelta(count, recall, float(np.median(times)), _p99(times)))
        index.remove(np.arange(n, n + count))
    return rows


def measure_threads(index: Index, data: Generated, rounds: int) -> list[Threads]:
    """Queries per second, each thread with its own."""
    rows: list[Threads] = []

    def work(queries: Floats) -> list[float]:
        _faiss.omp_set_num_threads(1)
        return [_timed(lambda query: index.search(query, K).ids, query)[1] for query in queries]

    for threads in (1, 2, 4):
        parts = np.array_split(np.tile(data.queries, (rounds, 1)), threads)
        with ThreadPoolExecutor(threads) as pool:
            started = time.perf_counter()
            took = np.concatenate(list(pool.map(work, parts)))
            wall_s = time.perf_counter() - started
        rows.append(Threads(threads, len(took) / wall_s, float(np.median(took)), _p99(took)))
    return rows


def _filters(data: Generated) -> Iterator[tuple[str, float, NDArray[np.int64]]]:
    n, rng = len(data.vectors), np.random.default_rng(3)
    for share in SHARES:
        yield "random", share, np.flatnonzero(rng.random(n) < share) if share < 1 else np.arange(n)
    sizes = np.bincount(data.classes)
    if len(sizes) == 1:
        return
    for share in SHARES[1:]:
        order = rng.permutation(len(sizes))
        chosen = order[: int(np.searchsorted(np.cumsum(sizes[order]), share * n)) + 1]
        yield "classes", share, np.flatnonzero(np.isin(data.classes, chosen))


def _fresh_like(data: Generated) -> Floats:
    """Fresh vectors from among the known ones, each moved a little."""
    rng = np.random.default_rng(4)
    rows = data.vectors[rng.integers(len(data.vectors), size=max(DELTAS))]
    rows = rows + rng.normal(size=rows.shape, scale=0.3 / np.sqrt(rows.shape[1])).astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _ask(
    index: Index, queries: Floats, truth: NDArray[np.int64], rounds: int, allowed: Bitmap | None
) -> tuple[float, NDArray[np.float64]]:
    times = np.empty((rounds, len(queries)))
    hits = 0
    for round_ in range(rounds):
        for row, query in enumerate(queries):
            found, times[round_, row] = _timed(lambda one: index.search(one, K, allowed).ids, query)
            hits += len(np.intersect1d(found, truth[row])) if round_ == 0 else 0
    return hits / truth.size, times.min(axis=0)


def _timed(search: Search, query: Floats) -> tuple[NDArray[np.int64], float]:
    started = time.perf_counter()
    found = search(query)
    return found, (time.perf_counter() - started) * 1000


def _p99(times: NDArray[np.float64]) -> float:
    return float(np.percentile(times, 99))


def _point(rival: Rival, setting: int, recall: float, times: NDArray[np.float64], n: int) -> Point:
    least = np.nanmin(times[:, ~np.isnan(times).all(axis=0)], axis=0)
    return Point(
        rival.name,
        setting,
        round(recall, 4),
        float(np.median(least)),
        float(least.mean()),
        _p99(least),
        rival.build_s,
        rival.size_bytes / n,
    )
