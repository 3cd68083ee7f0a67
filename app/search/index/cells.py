"""Cells: the centroids of an index, and how near they are to a query."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.search.index.swig import faiss
from app.search.index.vectors import Vectors


class Ranking(NamedTuple):
    """Some cells, as a rule nearest first: `cells` int64 [n], `scores` float32 [n] of their centroids."""

    cells: NDArray[np.int64]
    scores: NDArray[np.float32]

    @property
    def size(self) -> int:
        return len(self.cells)


def new_quantizer(centroids: Vectors) -> Any:
    """A FAISS index over `centroids` [nlist, dim]."""
    quantizer = faiss.IndexFlatIP(centroids.shape[1])
    quantizer.add(np.ascontiguousarray(centroids))
    return quantizer


class Cells:
    """The centroids in `quantizer`. Any number of threads may ask."""

    def __init__(self, quantizer: Any, nlist: int, axes: int) -> None:
        """`axes`: how many of a vector's first numbers tell centroids apart; all of them, if it was not turned.

        After a turn to the principal axes the first 64 of 384 numbers of 4,096 centroids fit in a core's cache and
        are compared in 17 µs; all of them take 90, a graph over them 30 to 60. Their error (0.002 in the root of the
        mean square at 1M) is within what calibration measures.
        """
        self._quantizer = quantizer
        self.nlist = nlist
        self._axes = axes
        self._heads = np.ascontiguousarray(self.centroids()[:, :axes])

    def centroids(self) -> Vectors:
        """All of them: float32 [nlist, dim]."""
        return self._quantizer.reconstruct_n(0, self.nlist)

    def scores(self, query: Vectors) -> NDArray[np.float32]:
        """How near each is to `query` [dim]: float32 [nlist]."""
        scores = np.empty(self.nlist, np.float32)
        swig_ptr = faiss.swig_ptr  # numpy's product of a matrix and a vector wakes threads for it
        faiss.fvec_inner_products_ny(swig_ptr(scores), swig_ptr(query), swig_ptr(self._heads), self._axes, self.nlist)
        return scores

    def assign(self, vectors: Vectors) -> Ranking:
        """The cell of each of `vectors` [n, dim], with the score of its centroid."""
        scores, cells = self._quantizer.search(vectors, 1)
        return Ranking(np.ascontiguousarray(cells[:, 0]), scores[:, 0])
