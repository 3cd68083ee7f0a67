"""Delta: the vectors that are fresher than the main index, searched beside it: exactly, or by its cells once many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.search.index.bitmaps import Bitmap
from app.search.index.cells import Cells
from app.search.index.vectors import Ids, Vectors, gathered_scores

_SHRINK_FROM = 1_024  # rows; below it dead rows cost nothing worth a copy

BY_CELLS_FROM = 2_000
"""From so many rows on only those are compared whose cell the main index was searched in."""


@dataclass(frozen=True, slots=True)
class DeltaView:
    """The delta as it stood at one moment; later writes do not reach it.

    `ids` int64 [m], `vectors` float32 [m, dim], `live` bool [m]: no id is live in two rows. `cells` int32 [m]: the
    cell of the main index that each would lie in.
    """

    ids: Ids
    vectors: Vectors
    live: NDArray[np.bool_]
    cells: NDArray[np.int32]
    nlist: int
    count: int

    def search(
        self, query: Vectors, allowed: Bitmap | None, cells: NDArray[np.int64] | None
    ) -> tuple[Ids, NDArray[np.float32]]:
        """The ids and scores of all that are live and allowed; only those in `cells`, if given and they are many."""
        mask = self.live
        if cells is not None and len(self.ids) >= BY_CELLS_FROM:
            compared = np.zeros(self.nlist, np.bool_)
            compared[cells] = True
            mask = mask & compared[self.cells]
        rows = np.flatnonzero(mask)
        if allowed is not None:
            rows = rows[allowed.mask(self.ids[rows])]
        return self.ids[rows], self.scores(rows, query)

    def scores(self, rows: NDArray[np.intp], query: Vectors) -> NDArray[np.float32]:
        """The inner product of `query` with each of `rows`: float32 [len(rows)]."""
        if len(rows) * 4 < len(self.ids):
            return gathered_scores(self.vectors.__getitem__, rows, query)
        return np.vecdot(self.vectors, query)[rows]  # most rows: a pass over all is cheaper than a copy


class Delta:
    """Fresh vectors by id, in arrays that grow by doubling; adding an id again replaces its vector.

    One writer at a time. Rows once handed out by `view` are never written again: new ones stand behind them,
    and a removal replaces the mask of live rows, so a reader needs no lock.
    """

    def __init__(self, dim: int, cells: Cells | None = None) -> None:
        """`cells` are those of the main index, if it has several."""
        self._main_cells = cells
        self._cells = np.empty(0, np.int32)
        self._ids = np.empty(0, np.int64)
        self._vectors = np.empty((0, dim), np.float32)
        self._live = np.empty(0, np.bool_)
        self._size = 0
        self._row_of: dict[int, int] = {}

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Appends `vectors` float32 [n, dim] as those of `ids`; of an id given twice the last one stays."""
        self.remove(ids)
        _, from_end = np.unique(ids[::-1], return_index=True)
        last = np.sort(len(ids) - 1 - from_end)
        ids, vectors = ids[last], vectors[last]
        end = self._size + len(ids)
        if end > len(self._ids):
            self._move_to(max(end, 2 * len(self._ids)), np.arange(self._size))
        self._ids[self._size : end] = ids
        self._vectors[self._size : end] = vectors
        self._live[self._size : end] = True
        self._cells[self._size : end] = 0 if self._main_cells is None else self._main_cells.assign(vectors).cells
        self._row_of.update(zip(ids.tolist(), range(self._size, end), strict=True))
        self._size = end

    def remove(self, ids: Ids) -> None:
        """Takes `ids` out; those that are not in are passed over."""
        rows = [self._row_of.pop(image_id) for image_id in ids.tolist() if image_id in self._row_of]
        if not rows:
            return
        live = self._live.copy()
        live[rows] = False
        self._live = live
        if self._size >= _SHRINK_FROM and 2 * len(self._row_of) < self._size:
            kept = np.flatnonzero(live[: self._size])
            self._move_to(len(kept), kept)
            self._row_of = dict(zip(self._ids.tolist(), range(len(kept)), strict=True))

    def vector(self, image_id: int) -> Vectors | None:
        """The vector of `image_id`, float32 [dim], or None when it is not here."""
        row = self._row_of.get(image_id)
        return None if row is None else self._vectors[row].copy()

    def view(self) -> DeltaView:
        """What is here now."""
        size = self._size
        nlist = 1 if self._main_cells is None else self._main_cells.nlist
        return DeltaView(
            self._ids[:size], self._vectors[:size], self._live[:size], self._cells[:size], nlist, len(self._row_of)
        )

    def _move_to(self, capacity: int, rows: NDArray[np.intp]) -> None:
        """New arrays of `capacity` rows that begin with `rows`; views keep the old ones."""
        ids = np.empty(capacity, np.int64)
        vectors = np.empty((capacity, self._vectors.shape[1]), np.float32)
        live = np.zeros(capacity, np.bool_)
        cells = np.empty(capacity, np.int32)
        self._size = len(rows)
        ids[: self._size] = self._ids[rows]
        vectors[: self._size] = self._vectors[rows]
        live[: self._size] = self._live[rows]
        cells[: self._size] = self._cells[rows]
        self._ids, self._vectors, self._live, self._cells = ids, vectors, live, cells
