"""Selection: where in the main index the ids of a filter lie, worked out once and kept while the filter lives."""

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.search.index.bitmaps import Bitmap
from app.search.index.vectors import Ids


@dataclass(frozen=True, slots=True)
class Selection:
    """How many of the ids each cell holds: `counts` int64 [nlist]."""

    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NarrowSelection(Selection):
    """With the few ids themselves, cell after cell: those of cell c are `ids[starts[c] : starts[c + 1]]`.

    `positions` (cell << 32 | place) are theirs.
    """

    ids: Ids
    positions: NDArray[np.int64]
    starts: NDArray[np.int64]

    def rows(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of `ids` that lie in `cells`."""
        counts = self.counts[cells]
        ends = np.cumsum(counts)
        return np.arange(counts.sum()) + np.repeat(self.starts[cells] - (ends - counts), counts)


class Selections:
    """Selections by filter, over one main index. A filter that has changed since is worked out again.

    At a million vectors: 0.4 ms for 10,000 ids, 2 ms for 500,000.
    """

    def __init__(self, positions: NDArray[np.int64], nlist: int, narrow_count: int) -> None:
        self._positions = positions
        self._nlist = nlist
        self._narrow_count = narrow_count
        self._known: WeakKeyDictionary[Bitmap, tuple[int, Selection]] = WeakKeyDictionary()
        self._writing = threading.Lock()

    def of(self, allowed: Bitmap) -> Selection:
        """Where the ids of `allowed` lie; those that the index does not hold are passed over."""
        version = allowed.version
        with self._writing:
            known = self._known.get(allowed)
        if known is not None and known[0] == version:
            return known[1]
        selection = self._select(allowed)
        with self._writing:
            self._known[allowed] = (version, selection)
        return selection

    def _select(self, allowed: Bitmap) -> Selection:
        ids = allowed.ids()
        ids = ids[: np.searchsorted(ids, len(self._positions))]
        positions = self._positions[ids]
        present = positions >= 0
        if not present.all():
            ids, positions = ids[present], positions[present]
        counts = np.bincount(positions >> 32, minlength=self._nlist)
        if len(ids) > self._narrow_count:
            return Selection(counts)
        order = np.argsort(positions)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return NarrowSelection(counts, ids[order], positions[order], starts)
