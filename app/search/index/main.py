"""MainIndex: a published index, mapped into memory and never changed."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.search.index.bitmaps import Bitmap
from app.search.index.swig import faiss
from app.search.index.vectors import Vectors, gathered_scores


class MainIndex:
    """An IVF-Flat file under a memory map that all processes share, with the place of each id's vector.

    Nothing here writes: adding to a mapped FAISS index kills the process. Any number of threads may read.
    """

    def __init__(self, file: Path, positions: NDArray[np.int64], nprobe: int) -> None:
        """Opens `file`, which must have been verified. Raises RuntimeError when FAISS cannot read it."""
        self._index: Any = faiss.read_index(str(file), faiss.IO_FLAG_MMAP)
        invlists = faiss.downcast_InvertedLists(self._index.invlists)
        invlists.prefetch_nthread = 0  # else each search starts up to 32 threads
        self.dim = int(self._index.d)
        self.count = int(self._index.ntotal)
        self.nlist = int(self._index.nlist)
        self.nprobe = nprobe
        self._positions = np.asarray(positions)  # memmap, as a class, makes each lookup slower
        self._cell_starts = np.array([invlists.lists.at(cell).offset for cell in range(self.nlist)], np.int64)
        self._rows = _every_row(file, self.dim * 4)
        self.present = Bitmap.from_ids(np.flatnonzero(positions >= 0))
        """The ids it holds; not to be changed."""

    @property
    def is_exact(self) -> bool:
        """Whether every search compares everything."""
        return self.nlist == 1

    def probe(
        self, query: Vectors, k: int, eligible: Bitmap | None, nprobe: int, max_codes: int = 0
    ) -> NDArray[np.int64]:
        """The ids (at most k, best first) found in the `nprobe` nearest cells, among `eligible` if given.

        With `max_codes` it stops early, once so many eligible vectors were compared and k were found.
        """
        params = faiss.SearchParametersIVF(
            nprobe=nprobe,
            max_codes=max_codes,
            ensure_topk_full=True,
            sel=None if eligible is None else faiss.IDSelectorBitmap(eligible.packed),
        )
        _, found = self._index.search(query[None], k, params=params)
        return found[found >= 0]

    def scores(self, ids: NDArray[np.int64], query: Vectors) -> NDArray[np.float32]:
        """The inner product of `query` with each of `ids` (int64 [m], all of them present): float32 [m]."""
        return gathered_scores(self.vectors, ids, query)

    def vectors(self, ids: NDArray[np.int64]) -> Vectors:
        """The stored vectors of `ids` (int64 [m], all of them present): float32 [m, dim]."""
        positions = self._positions[ids]
        offsets = self._cell_starts[positions >> 32] + (positions & 0xFFFF_FFFF) * (self.dim * 4)
        return self._rows[offsets].view(np.float32).reshape(-1, self.dim)


def _every_row(file: Path, row_bytes: int) -> NDArray[np.void]:
    """`file` seen as a row of vectors beginning at every byte, so that vectors are gathered by their offset.

    Vectors in a FAISS file are not aligned to 4 bytes, and rows of a plain matrix could not reach them.
    """
    mapped = np.memmap(file, np.uint8, "r")
    return np.ndarray((max(0, len(mapped) - row_bytes + 1),), f"V{row_bytes}", buffer=mapped, strides=(1,))
