"""Layouts: how the cells of an index hold their vectors, and how single vectors are read back from there."""

import ctypes
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.search.index.swig import faiss
from app.search.index.vectors import Vectors

LayoutName = Literal["plain", "panorama", "float16"]

# These two are part of the format of published files: who changes one raises `files._FORMAT`.
LEVEL_WIDTH = 32
"""Numbers per level of the Panorama layout: at 1M x 384 levels of 24 answer as fast in the median and 2% slower on
average, of 16 and of 48 more than 10% slower."""

BATCH = 64
"""Vectors that Panorama compares together. Lists are filled up to whole batches: 1.13 times the vectors' bytes at
244 vectors a list, against 1.06 for batches of 32, which answer 5% slower, and 1.26 for 128, 5% faster (1M)."""

PANORAMA_FROM_DIM = 96
"""Shorter vectors have too few levels for pruning to pay."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`plain`: float32 one after the other. `float16`: half the bytes. `panorama`: level by level, so that a
    comparison ends as soon as a vector cannot be among the nearest any more (same vectors, same results).
    """

    name: LayoutName
    dim: int

    @property
    def levels(self) -> int:
        """In how many pieces a vector is stored."""
        if self.name != "panorama":
            return 1
        return next(levels for levels in range(max(2, self.dim // LEVEL_WIDTH), 0, -1) if self.dim % levels == 0)

    @property
    def storage(self) -> Literal["float32", "float16"]:
        return "float16" if self.name == "float16" else "float32"

    @property
    def vector_bytes(self) -> int:
        return self.dim * (2 if self.name == "float16" else 4)

    def new_index(self, quantizer: Any, nlist: int) -> Any:
        """An empty FAISS index of `nlist` cells, whose centroids are in `quantizer` ."""
        metric = faiss.METRIC_INNER_PRODUCT
        if self.name == "panorama":
            index = faiss.IndexIVFFlatPanorama(quantizer, self.dim, nlist, self.levels, metric, True, BATCH)
        elif self.name == "float16":
            half = faiss.ScalarQuantizer.QT_fp16
            index = faiss.IndexIVFScalarQuantizer(quantizer, self.dim, nlist, half, metric, False)
        else:
            index = faiss.IndexIVFFlat(quantizer, self.dim, nlist, metric)
        index.is_trained = True
        index.referenced_objects = [quantizer]  # FAISS itself keeps no hold of it
        return index

    def rounded(self, vectors: Vectors) -> Vectors:
        """`vectors` as they can be stored."""
        return vectors if self.name != "float16" else vectors.astype(np.float16).astype(np.float32)

    def offsets(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the first piece of the vector at each place of a cell begins, in bytes from the cell's start."""
        if self.name != "panorama":
            return places * self.vector_bytes
        return places // BATCH * (BATCH * self.vector_bytes) + places % BATCH * (self.vector_bytes // self.levels)

    def cell_bytes(self, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many bytes cells of so many vectors take."""
        if self.name == "panorama":
            sizes = -(-sizes // BATCH) * BATCH
        return sizes * self.vector_bytes


class StoredVectors:
    """The vectors of a FAISS index, in its own memory (or under its map), read by cell and place."""

    def __init__(self, invlists: Any, layout: Layout, sizes: NDArray[np.int64]) -> None:
        self._layout = layout
        addresses = np.array([int(invlists.get_codes(cell) or 0) for cell in range(len(sizes))], np.int64)
        filled = np.flatnonzero(sizes)
        self.address = int(addresses[filled].min()) if len(filled) else 0
        ends = addresses[filled] + layout.cell_bytes(sizes[filled])
        self.size_bytes = int(ends.max()) - self.address if len(filled) else 0
        self._starts = addresses - self.address
        piece_bytes = layout.vector_bytes // layout.levels
        self._steps = np.arange(layout.levels) * (BATCH * piece_bytes)
        self._pieces = _every_piece(self.address, self.size_bytes, piece_bytes)

    def read(self, positions: NDArray[np.int64]) -> Vectors:
        """The vectors at `positions` (int64 [m] of cell << 32 | place): float32 [m, dim]."""
        if self._layout.name == "panorama":
            return self.read_levels(positions, self._layout.levels)
        offsets = self._offsets(positions)
        rows = self._pieces[offsets].view(np.float16 if self._layout.name == "float16" else np.float32)
        return rows.reshape(-1, self._layout.dim).astype(np.float32, copy=False)

    def read_levels(self, positions: NDArray[np.int64], levels: int) -> Vectors:
        """The first `levels` of the vectors at `positions`, of the Panorama layout: float32 [m, numbers]."""
        pieces = self._pieces[self._offsets(positions)[:, None] + self._steps[:levels]]
        return pieces.view(np.float32).reshape(len(positions), -1)

    def _offsets(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        return self._starts[positions >> 32] + self._layout.offsets(positions & 0xFFFF_FFFF)


def _every_piece(address: int, size: int, piece_bytes: int) -> NDArray[np.void]:
    """Memory seen as a row of pieces that begin at every byte, so that they are gathered by their offset.

    Vectors in a FAISS file are not aligned to 4 bytes, and rows of a plain matrix could not reach them.
    """
    if size < piece_bytes:
        return np.empty(0, f"V{piece_bytes}")
    memory = np.frombuffer(memoryview((ctypes.c_uint8 * size).from_address(address)), np.uint8)
    return np.ndarray((size - piece_bytes + 1,), f"V{piece_bytes}", buffer=memory, strides=(1,))
