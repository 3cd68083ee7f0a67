"""Perceptual hashes near to others among a million: exact, by FAISS."""

from collections.abc import Iterator
from typing import Any

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from ml.perceptual import BITS, COPY_DISTANCE

faiss: Any = _faiss  # its wrapper derives from C++ what no type checker sees

MAX_FOUND = 2**24
"""Places found at once, at most, were all hashes near to each other: 200 MB."""


class HashIndex:
    """Perceptual hashes in the order in which they were added. 32 bytes each.

    A hash is compared with a million in 1.2 ms by one core; numpy takes 27.
    """

    def __init__(self) -> None:
        self._index = faiss.IndexBinaryFlat(BITS)

    def __len__(self) -> int:
        return self._index.ntotal

    def __getitem__(self, place: int) -> bytes:
        return self._index.reconstruct(place).tobytes()

    def add(self, hashes: NDArray[np.uint8]) -> None:
        """Add hashes, uint8 `[n, BITS / 8]`."""
        self._index.add(np.ascontiguousarray(hashes))

    def near(self, hashes: NDArray[np.uint8]) -> Iterator[NDArray[np.int64]]:
        """For each hash of uint8 `[n, BITS / 8]` the places of those within COPY_DISTANCE of it, in no order."""
        step = max(1, MAX_FOUND // max(1, len(self)))
        for start in range(0, len(hashes), step):
            # FAISS takes what is nearer than the radius, not what lies on it.
            limits, _, places = self._index.range_search(hashes[start : start + step], COPY_DISTANCE + 1)
            yield from np.split(places, limits[1:-1].astype(np.intp))
