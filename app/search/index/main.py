"""MainIndex: a published index, mapped into memory and never changed."""

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.search.index.bitmaps import Bitmap
from app.search.index.cells import Cells, Ranking
from app.search.index.layout import Layout, StoredVectors
from app.search.index.memory import give_back_freed, lock_in_memory
from app.search.index.rotation import Rotation
from app.search.index.rules import Rules
from app.search.index.selection import Selection, Selections
from app.search.index.shape import Shape
from app.search.index.swig import faiss
from app.search.index.vectors import NORM_TOLERANCE, Ids, Vectors, by_blocks, gathered_scores

HEAD_LEVELS = 2
"""Levels of the Panorama layout by which single vectors are judged before they are read whole: after a turn to the
principal axes 64 of 384 numbers leave 30 of 640 over, 96 leave 28, and cost more (1M)."""

_ROUNDING = 1e-5  # of sums in float32, by which a bound may come out too low


class MainIndex:
    """An IVF-Flat index, as a rule a file under a memory map that all processes share.

    Vectors and queries are met here as they are stored: turned by `rotation`. Nothing here writes: adding to a
    mapped FAISS index kills the process. Any number of threads may read.
    """

    def __init__(
        self,
        index: Any,
        positions: NDArray[np.int64],
        spreads: NDArray[np.float32],
        layout: Layout,
        rotation: Rotation | None,
        rules: Rules,
    ) -> None:
        """`positions`: where each id's vector lies, cell << 32 | place in it, -1 for none: int64 [largest id + 1].

        `spreads`: the root of the mean squared distance of each cell's vectors from its centroid, float32 [nlist].
        """
        self._index = index
        invlists = faiss.downcast_InvertedLists(index.invlists)
        self.dim = int(index.d)
        self.count = int(index.ntotal)
        self.nlist = int(index.nlist)
        self.layout = layout
        self.rotation = rotation
        self.rules = rules
        self.spreads = spreads
        self.widest_spread = float(spreads.max())
        axes = self.dim if rotation is None else rotation.axes
        self.cells = Cells(faiss.downcast_index(index.quantizer), self.nlist, axes)
        self.cell_sizes = np.array([invlists.list_size(cell) for cell in range(self.nlist)], np.int64)
        self._positions = np.asarray(positions)  # memmap, as a class, makes each lookup slower
        self._stored = StoredVectors(invlists, layout, self.cell_sizes)
        self._selections = Selections(self._positions, self.nlist, rules.narrow_count(self.count))
        self.present = Bitmap.from_ids(np.flatnonzero(self._positions >= 0))
        """The ids it holds; not to be changed."""
        self.is_locked = False
        self._known_params: dict[int, Any] = {}  # making one costs 2 µs, twice a search

    @classmethod
    def open(
        cls,
        file: Path,
        positions: NDArray[np.int64],
        spreads: NDArray[np.float32],
        layout: Layout,
        rotation: Rotation | None,
        rules: Rules,
    ) -> Self:
        """Maps `file`, which must have been verified. Raises RuntimeError when FAISS cannot read it."""
        main = cls(faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC), positions, spreads, layout, rotation, rules)
        give_back_freed()
        main.is_locked = lock_in_memory(main._stored.address, main._stored.size_bytes)
        return main

    @property
    def is_exact(self) -> bool:
        """Whether every search compares everything."""
        return self.nlist == 1

    @property
    def shape(self) -> Shape:
        """What another index of like vectors can be built of, without training."""
        return Shape(self.layout, self.rotation, self.cells.centroids())

    def select(self, allowed: Bitmap) -> Selection:
        """Where the ids of `allowed` lie."""
        return self._selections.of(allowed)

    def probe(self, query: Vectors, k: int, eligible: Bitmap | None, cells: Ranking) -> tuple[Ids, Vectors]:
        """The ids (at most k, best first) and scores found in `cells`, among `eligible` if given."""
        swig_ptr = faiss.swig_ptr
        keys, key_scores = np.ascontiguousarray(cells.cells), np.ascontiguousarray(cells.scores)
        ids, scores = np.empty(k, np.int64), np.empty(k, np.float32)
        # The method's own wrapper takes no parameters; nprobe on the index would be shared by all threads.
        self._index.search_preassigned_c(
            1,
            swig_ptr(query),
            k,
            swig_ptr(keys),
            swig_ptr(key_scores),
            swig_ptr(scores),
            swig_ptr(ids),
            False,  # store_pairs; SWIG takes no keywords here
            self._params(cells.size, eligible),
        )
        found = int(np.count_nonzero(ids >= 0))  # what was not found is -1, behind all that was
        return ids[:found], scores[:found]

    def probe_above(self, query: Vectors, least: float, eligible: Bitmap | None, cells: Ranking) -> tuple[Ids, Vectors]:
        """The ids and scores, in no order, of all in `cells` (one at least) that score more than `least`."""
        swig_ptr = faiss.swig_ptr
        keys, key_scores = np.ascontiguousarray(cells.cells), np.ascontiguousarray(cells.scores)
        found = faiss.RangeSearchResult(1)
        found.buffer_size = 1_024  # results a block; the 262,144 of FAISS are 3 MB fresh from the system each time
        self._index.range_search_preassigned_c(
            1,
            swig_ptr(query),
            least,
            swig_ptr(keys),
            swig_ptr(key_scores),
            found,
            False,  # store_pairs
            self._params(cells.size, eligible),
        )
        n = int(faiss.rev_swig_ptr(found.lims, 2)[1])
        return faiss.rev_swig_ptr(found.labels, n).copy(), faiss.rev_swig_ptr(found.distances, n).copy()

    def _params(self, nprobe: int, eligible: Bitmap | None) -> Any:
        if eligible is not None:
            return faiss.SearchParametersIVF(nprobe=nprobe, sel=faiss.IDSelectorBitmap(eligible.packed))
        if nprobe not in self._known_params:
            self._known_params[nprobe] = faiss.SearchParametersIVF(nprobe=nprobe)
        return self._known_params[nprobe]

    def positions(self, ids: Ids) -> NDArray[np.int64]:
        """Where the vectors of `ids` (int64 [m], all of them present) lie: int64 [m] of cell << 32 | place."""
        return self._positions[ids]

    def scores(self, ids: Ids, query: Vectors) -> NDArray[np.float32]:
        """The inner product of `query` with each of `ids` (int64 [m], all of them present): float32 [m]."""
        return self.scores_at(self.positions(ids), query)

    def scores_at(self, positions: NDArray[np.int64], query: Vectors) -> NDArray[np.float32]:
        """The same by where they lie."""
        return gathered_scores(self._stored.read, positions, query)

    def scores_from(
        self, positions: NDArray[np.int64], query: Vectors, least: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Of the vectors at `positions` all that score `least` or more, and perhaps others: rows, and their scores.

        A vector x whose first numbers are h scores at most q_h·h + |q_rest| |x_rest|, and |x_rest| is known from h, as
        its length is 1. Of 640 vectors that a filter of 1% leaves in the cells worth it, that lets 30 be read
        whole: 75 µs instead of 250 (1M).
        """
        rows = np.arange(len(positions))
        if least > -1 and self.layout.name == "panorama" and self.layout.levels > HEAD_LEVELS:
            head_bytes = query.nbytes // self.layout.levels * HEAD_LEVELS
            best = by_blocks(lambda block: self._best_scores(block, query), positions, head_bytes)
            rows = np.flatnonzero(best >= least)
        return rows, self.scores_at(positions[rows], query)

    def _best_scores(self, positions: NDArray[np.int64], query: Vectors) -> NDArray[np.float32]:
        """What the vectors at `positions` can score at most, by their first numbers."""
        heads = self._stored.read_levels(positions, HEAD_LEVELS)
        head = query[: heads.shape[1]]
        rest = float(np.sqrt(max(float(query @ query) - float(head @ head), 0)))
        lengths = np.sqrt(np.maximum((1 + NORM_TOLERANCE) ** 2 - np.vecdot(heads, heads), 0))
        return np.vecdot(heads, head) + rest * lengths + _ROUNDING

    def vectors(self, ids: Ids) -> Vectors:
        """The stored vectors of `ids` (int64 [m], all of them present): float32 [m, dim]."""
        return self._stored.read(self.positions(ids))
