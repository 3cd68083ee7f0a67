"""Building: vectors in, a measured IVF index out (a single cell, hence exact, while they are few)."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.search.index import calibration, tuning
from app.search.index.calibration import Calibration, CurvePoint, Truth
from app.search.index.cells import Cells, Ranking, new_quantizer
from app.search.index.layout import PANORAMA_FROM_DIM, Layout, LayoutName
from app.search.index.main import MainIndex
from app.search.index.rotation import Rotation
from app.search.index.rules import WHOLE, Rules
from app.search.index.shape import Shape
from app.search.index.swig import faiss
from app.search.index.vectors import Chunk, Ids, Vectors, check_vectors

Source = Callable[[], Iterable[Chunk]]
Progress = Callable[[float, str], None]
LayoutChoice = Literal["auto", "plain", "panorama", "float16"]

EXACT_QUERIES = 50
LAYOUT_ROWS = 65_536
LAYOUT_CELLS = 256
LAYOUT_QUERIES = 100


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index in memory, ready to be published, with what was measured while it was built.

    `setting` is what a search reaches without a filter: cells compared on average, ann_recall_at_10, p50; `curve`
    the same for other gaps.
    """

    faiss_index: Any
    positions: NDArray[np.int64]
    spreads: NDArray[np.float32]
    shape: Shape
    count: int
    rules: Rules
    setting: CurvePoint
    curve: tuple[CurvePoint, ...]
    target_recall: float
    build_s: float

    @property
    def dim(self) -> int:
        return self.shape.layout.dim

    @property
    def nlist(self) -> int:
        return len(self.shape.centroids)


def build(
    source: Source,
    *,
    dim: int,
    n: int,
    progress: Progress | None = None,
    exact_below: int = tuning.EXACT_BELOW,
    layout: LayoutChoice = "auto",
    target_recall: float = tuning.TARGET_RECALL,
    reuse: Shape | None = None,
) -> BuiltIndex:
    """Builds an index over the vectors that `source` yields, and measures it against exact search.

    `source()` yields chunks of (ids int64 [m], vectors floating [m, dim], L2-normalised), `n` vectors or
    about as many. Above `exact_below` it is called twice, once for the training sample and once to add, so
    that no more than the index, the sample and one chunk are in memory. With `reuse`, the shape of an earlier
    index, nothing is trained. `progress(fraction, phase)` is called between chunks; what it raises ends the build.
    Raises ValueError for vectors that `check_vectors` refuses, an id given twice, and when far fewer than `n` come.
    """
    started = time.perf_counter()
    report: Progress = progress or (lambda _fraction, _phase: None)
    nlist = 1 if n <= exact_below else tuning.nlist_for(n)
    truth: Truth | None = None
    if nlist == 1:
        name = "float16" if layout == "float16" else "plain"
        shape = Shape(Layout(name, dim), None, np.zeros((1, dim), np.float32))
        quantizer = new_quantizer(shape.centroids)
        cells = Cells(quantizer, 1, dim)
        begun = 0.0
    else:
        trained = 0 if reuse else tuning.TRAINING_ROWS_PER_CELL * nlist
        sample = _draw_sample(source, dim, n, trained, lambda fraction: report(0.15 * fraction, "sampling"))
        report(0.15, "training")
        shape = reuse or _train(sample.training, nlist, layout)
        quantizer = new_quantizer(shape.centroids)
        cells = Cells(quantizer, len(shape.centroids), dim if shape.rotation is None else shape.rotation.axes)
        truth = Truth(_turned(shape, sample.queries), sample.query_ids, cells)
        del sample
        begun = 0.4
    index = shape.layout.new_index(quantizer, len(shape.centroids))
    spreads = _Spreads(len(shape.centroids))
    for ids, vectors, of_cells in _add(
        index, shape, cells, source, n, lambda done: report(begun + 0.5 * done, "adding")
    ):
        spreads.add(of_cells)
        if truth is not None:
            truth.add(ids, vectors, of_cells.cells)
    report(0.9, "measuring")
    positions = positions_of(index)
    main = MainIndex(index, positions, spreads.result(), shape.layout, shape.rotation, WHOLE)
    measured = _measure(main, truth, target_recall)
    report(1.0, "built")
    build_s = time.perf_counter() - started
    return BuiltIndex(
        index,
        positions,
        main.spreads,
        shape,
        main.count,
        measured.rules,
        measured.setting,
        measured.curve,
        target_recall,
        build_s,
    )


def positions_of(index: Any) -> NDArray[np.int64]:
    """Where each id's vector lies: int64 [largest id + 1] of cell << 32 | place in it, -1 for none.

    Raises ValueError when an id stands for two vectors.
    """
    invlists = index.invlists
    cells = [_cell_ids(invlists, cell) for cell in range(index.nlist)]
    size = max((int(ids.max()) + 1 for ids in cells if len(ids)), default=0)
    positions = np.full(size, -1, np.int64)
    for cell, ids in enumerate(cells):
        positions[ids] = (cell << 32) + np.arange(len(ids))
    if np.count_nonzero(positions >= 0) != index.ntotal:
        raise ValueError("Some ids were given twice: an index holds one vector for each id.")
    return positions


def _measure(main: MainIndex, truth: Truth | None, target_recall: float) -> Calibration:
    if truth is not None:
        return calibration.calibrate(main, truth, target=target_recall)
    some = main.present.ids()[:: max(1, main.count // EXACT_QUERIES)]
    setting = calibration.time_exact(main, main.vectors(some))
    return Calibration(WHOLE, setting, (setting,))


def _train(training: Vectors, nlist: int, layout: LayoutChoice) -> Shape:
    """The layout, the rotation it needs, and centroids by spherical k-means: the same for the same sample."""
    dim = training.shape[1]
    rotation = Rotation.principal(training)
    name = _faster_layout(training, rotation) if layout == "auto" else layout
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, nlist, faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical = True
    index.cp.use_super_kmeans = dim >= tuning.SUPER_KMEANS_FROM_DIM
    index.cp.seed = tuning.SEED
    index.cp.max_points_per_centroid = tuning.TRAINING_ROWS_PER_CELL
    index.train(training)
    centroids = index.quantizer.reconstruct_n(0, nlist)
    if name != "panorama":
        return Shape(Layout(name, dim), None, centroids)
    return Shape(Layout(name, dim), rotation, rotation.forward(centroids))


def _faster_layout(training: Vectors, rotation: Rotation) -> LayoutName:
    """Plain or Panorama, by a trial on a part of the sample: what pruning gains depends on the vectors' spectrum."""
    dim = training.shape[1]
    if dim < PANORAMA_FROM_DIM:
        return "plain"
    rows = rotation.forward(training[:LAYOUT_ROWS])
    quantizer = new_quantizer(rows[: min(LAYOUT_CELLS, len(rows) // 4)])
    names: tuple[LayoutName, LayoutName] = ("plain", "panorama")
    times = {name: _trial(Layout(name, dim), quantizer, rows) for name in names}
    return min(names, key=times.__getitem__)


def _trial(layout: Layout, quantizer: Any, rows: Vectors) -> float:
    index = layout.new_index(quantizer, quantizer.ntotal)
    index.add(rows)
    params = faiss.SearchParametersIVF(nprobe=max(1, index.nlist // 8))
    return calibration.median_ms(lambda row: index.search(row, 10, params=params), rows[-LAYOUT_QUERIES:])


def _turned(shape: Shape, vectors: Vectors) -> Vectors:
    return vectors if shape.rotation is None else shape.rotation.forward(vectors)


@dataclass(frozen=True, slots=True)
class _Sample:
    training: Vectors
    queries: Vectors  # kept out of the training, so that recall is measured on rows that k-means has not seen
    query_ids: Ids


def _draw_sample(source: Source, dim: int, n: int, rows: int, report: Callable[[float], None]) -> _Sample:
    held_out = min(tuning.CALIBRATION_QUERIES, n // 10)
    wanted = min(n - held_out, rows)
    drawn = np.random.default_rng(tuning.SEED).choice(n, held_out + wanted, replace=False)
    role = np.zeros(n, np.uint8)
    role[drawn[:held_out]], role[drawn[held_out:]] = 1, 2
    training: list[Vectors] = []
    queries: list[Vectors] = []
    query_ids: list[Ids] = []
    start = 0
    for chunk in source():
        ids, vectors = check_vectors(*chunk, dim)
        roles = role[start : start + len(ids)]  # rows beyond the expected n are in no sample
        kept = len(roles)
        training.append(vectors[:kept][roles == 2])  # the second role
        queries.append(vectors[:kept][roles == 1])
        query_ids.append(ids[:kept][roles == 1])
        start += len(ids)
        report(min(1.0, start / n))
    if 2 * start < n:
        raise ValueError(f"{n} vectors were announced, but only {start} came.")
    return _Sample(np.concatenate(training), np.concatenate(queries), np.concatenate(query_ids))


def _add(
    index: Any, shape: Shape, cells: Cells, source: Source, n: int, report: Callable[[float], None]
) -> Iterable[tuple[Ids, Vectors, Ranking]]:
    """Adds what `source` yields, handing on each chunk as it was added, with its cells."""
    swig_ptr = faiss.swig_ptr
    for chunk in source():
        ids, vectors = check_vectors(*chunk, shape.layout.dim)
        vectors = shape.layout.rounded(_turned(shape, vectors))
        of_cells = cells.assign(vectors)
        ids = np.ascontiguousarray(ids)
        index.add_core(len(ids), swig_ptr(vectors), swig_ptr(ids), swig_ptr(of_cells.cells))
        yield ids, vectors, of_cells
        report(min(1.0, index.ntotal / max(n, 1)))


class _Spreads:
    """How far the vectors of each cell lie from its centroid, gathered while they pass by."""

    def __init__(self, nlist: int) -> None:
        self._counts = np.zeros(nlist)
        self._scores = np.zeros(nlist)

    def add(self, assigned: Ranking) -> None:
        self._counts += np.bincount(assigned.cells, minlength=len(self._counts))
        self._scores += np.bincount(assigned.cells, assigned.scores, len(self._scores))

    def result(self) -> NDArray[np.float32]:
        """The root of the mean squared distance, of unit vectors from unit centroids; 0 of an empty cell."""
        means = self._scores / np.maximum(self._counts, 1)
        return np.where(self._counts > 0, np.sqrt(np.maximum(2 - 2 * means, 0)), 0).astype(np.float32)


def _cell_ids(invlists: Any, cell: int) -> Ids:
    size = invlists.list_size(cell)
    return faiss.rev_swig_ptr(invlists.get_ids(cell), size) if size else np.empty(0, np.int64)
