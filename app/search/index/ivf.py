"""Building: vectors in, a measured IVF-Flat index out (a single cell, hence exact, while they are few)."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.search.index import tuning
from app.search.index.swig import faiss
from app.search.index.vectors import Chunk, Vectors, check_vectors

Source = Callable[[], Iterable[Chunk]]
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index in memory, ready to be published, with what was measured while it was built.

    `curve` holds (nprobe, recall) for each nprobe tried; `recall` is ann_recall_at_10 at `nprobe`.
    """

    faiss_index: Any
    dim: int
    count: int
    nlist: int
    nprobe: int
    recall: float
    curve: tuple[tuple[int, float], ...]
    build_s: float

    def positions(self) -> NDArray[np.int64]:
        """Where each id's vector lies: int64 [largest id + 1] of cell << 32 | place in it, -1 for none.

        Raises ValueError when an id stands for two vectors.
        """
        invlists = self.faiss_index.invlists
        cells = [_cell_ids(invlists, cell) for cell in range(self.nlist)]
        size = max((int(ids.max()) + 1 for ids in cells if len(ids)), default=0)
        positions = np.full(size, -1, np.int64)
        for cell, ids in enumerate(cells):
            positions[ids] = (cell << 32) + np.arange(len(ids))
        if np.count_nonzero(positions >= 0) != self.count:
            raise ValueError("Some ids were given twice: an index holds one vector for each id.")
        return positions


def build(
    source: Source,
    *,
    dim: int,
    n: int,
    progress: Progress | None = None,
    exact_below: int = tuning.EXACT_BELOW,
) -> BuiltIndex:
    """Builds an index over the vectors that `source` yields, and measures it against exact search.

    `source()` yields chunks of (ids int64 [m], vectors floating [m, dim], L2-normalised), `n` vectors or
    about as many. Above `exact_below` it is called twice, once for the training sample and once to add, so
    that no more than the index, the sample and one chunk are in memory. `progress(fraction, phase)` is called
    between chunks; what it raises ends the build. Raises ValueError for vectors that `check_vectors` refuses,
    and when far fewer than `n` come.
    """
    started = time.perf_counter()
    report: Progress = progress or (lambda _fraction, _phase: None)
    if n <= exact_below or tuning.nlist_for(n) == 1:
        index = _single_cell(dim)
        for _ in _add(index, source, dim, n, lambda fraction: report(fraction, "adding")):
            pass
        curve = ((1, 1.0),)
    else:
        sample = _draw_sample(source, dim, n, lambda fraction: report(0.2 * fraction, "sampling"))
        report(0.2, "training")
        index = _trained(sample.training, tuning.nlist_for(n))
        truth = _Truth(sample.queries, sample.query_ids)
        for ids, vectors in _add(index, source, dim, n, lambda fraction: report(0.5 + 0.4 * fraction, "adding")):
            truth.add(ids, vectors)
        report(0.9, "measuring")
        curve = _recall_curve(index, truth)
    nprobe, recall = curve[-1]
    report(1.0, "built")
    build_s = time.perf_counter() - started
    return BuiltIndex(index, dim, int(index.ntotal), int(index.nlist), nprobe, recall, curve, build_s)


def _single_cell(dim: int) -> Any:
    """An IVF index of one cell: exact, and searched, filtered and mapped like any other."""
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, 1, faiss.METRIC_INNER_PRODUCT)
    index.quantizer.add(np.zeros((1, dim), np.float32))
    index.is_trained = True
    return index


def _trained(training: Vectors, nlist: int) -> Any:
    """An empty IVF index whose centroids are trained by spherical k-means, the same for the same sample."""
    dim = training.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, nlist, faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical = True
    index.cp.use_super_kmeans = dim >= tuning.SUPER_KMEANS_FROM_DIM
    index.cp.seed = tuning.SEED
    index.cp.max_points_per_centroid = tuning.TRAINING_ROWS_PER_CELL
    index.train(training)
    return index


@dataclass(frozen=True, slots=True)
class _Sample:
    training: Vectors
    queries: Vectors  # kept out of the training, so that recall is measured on rows that k-means has not seen
    query_ids: NDArray[np.int64]


def _draw_sample(source: Source, dim: int, n: int, report: Callable[[float], None]) -> _Sample:
    held_out = min(tuning.CALIBRATION_QUERIES, n // 10)
    wanted = min(n - held_out, tuning.TRAINING_ROWS_PER_CELL * tuning.nlist_for(n))
    drawn = np.random.default_rng(tuning.SEED).choice(n, held_out + wanted, replace=False)
    role = np.zeros(n, np.uint8)
    role[drawn[:held_out]], role[drawn[held_out:]] = 1, 2
    training: list[Vectors] = []
    queries: list[Vectors] = []
    query_ids: list[NDArray[np.int64]] = []
    start = 0
    for chunk in source():
        ids, vectors = check_vectors(*chunk, dim)
        roles = role[start : start + len(ids)]  # rows beyond the expected n are in no sample
        kept = len(roles)
        training.append(vectors[:kept][roles == 2])
        queries.append(vectors[:kept][roles == 1])
        query_ids.append(ids[:kept][roles == 1])
        start += len(ids)
        report(min(1.0, start / n))
    if 2 * start < n:
        raise ValueError(f"{n} vectors were announced, but only {start} came.")
    return _Sample(np.concatenate(training), np.concatenate(queries), np.concatenate(query_ids))


def _add(
    index: Any, source: Source, dim: int, n: int, report: Callable[[float], None]
) -> Iterable[tuple[NDArray[np.int64], Vectors]]:
    """Adds what `source` yields, handing on each chunk as it was added."""
    for chunk in source():
        ids, vectors = check_vectors(*chunk, dim)
        index.add_with_ids(vectors, ids)
        yield ids, vectors
        report(min(1.0, index.ntotal / max(n, 1)))


class _Truth:
    """The exact nearest neighbours of the held-out rows, gathered while their gallery passes by in chunks."""

    def __init__(self, queries: Vectors, query_ids: NDArray[np.int64]) -> None:
        self.queries = queries
        self.query_ids = query_ids
        self._best = faiss.ResultHeap(len(queries), tuning.CALIBRATION_K + 1, keep_max=True)

    def add(self, ids: NDArray[np.int64], vectors: Vectors) -> None:
        k = min(tuning.CALIBRATION_K + 1, len(ids))
        scores, rows = faiss.knn(self.queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
        self._best.add_result(scores, ids[rows])

    def thresholds(self) -> NDArray[np.float32]:
        """The score of the k-th neighbour of each query, itself left out: float32 [q]."""
        self._best.finalize()
        others = np.where(self.query_ids[:, None] == self._best.I, -np.inf, self._best.D)
        return np.sort(others, axis=1)[:, -tuning.CALIBRATION_K]


def _recall_curve(index: Any, truth: _Truth) -> tuple[tuple[int, float], ...]:
    """(nprobe, ann_recall_at_10) up to the first nprobe that reaches the target."""
    k = tuning.CALIBRATION_K
    thresholds = truth.thresholds()[:, None] - 1e-6  # a tie with the k-th neighbour counts as found
    curve: list[tuple[int, float]] = []
    for nprobe in tuning.nprobe_ladder(index.nlist):
        params = faiss.SearchParametersIVF(nprobe=nprobe)
        scores, ids = index.search(truth.queries, k + 1, params=params)
        hits = (scores >= thresholds) & (ids != truth.query_ids[:, None]) & (ids >= 0)
        recall = float(np.minimum(hits.sum(axis=1), k).mean() / k)
        curve.append((nprobe, round(recall, 4)))
        if recall >= tuning.TARGET_RECALL:
            break
    return tuple(curve)


def _cell_ids(invlists: Any, cell: int) -> NDArray[np.int64]:
    size = invlists.list_size(cell)
    return faiss.rev_swig_ptr(invlists.get_ids(cell), size) if size else np.empty(0, np.int64)
