"""Rotation: an orthonormal turn of all vectors, after which their first numbers tell most of their differences."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.search.index.swig import faiss
from app.search.index.vectors import Vectors

AXES_SHARE = 6
"""A sixth of the numbers become principal ones; the rest stays unordered: on embeddings there is little in it."""

_ROWS = 8_192  # turned at a time, in float64: 50 MB at 768 numbers


class Rotation:
    """Inner products stay as they were; what pruning looks at first says the most.

    Panorama (Ramani and others, 2025, arXiv 2510.00566) accumulates distances level by level and prunes by the
    norms of what is left: it needs the vectors' energy in their first levels. Their first numbers become the principal
    ones, by Householder reflections in the compact form I - V T V' (Schreiber and Van Loan, 1989): a
    query is turned in 5 µs, where a full matrix of 384 x 384 took 37, most of them to read it.
    Stored vectors are turned in float64, so that equal vectors stay equal bit for bit, whichever block they came in.
    """

    def __init__(self, factors: NDArray[np.float64]) -> None:
        """`factors` [dim + axes, axes]: V above T."""
        self.factors = factors
        self.axes = factors.shape[1]
        self._v, self._t = factors[: -self.axes], factors[-self.axes :]
        self._rows = np.ascontiguousarray(self._v.T, np.float32)  # [axes, dim]
        self._columns = np.ascontiguousarray(self._v @ self._t.T, np.float32)  # [dim, axes]

    @classmethod
    def principal(cls, sample: Vectors) -> Self:
        """To the principal axes of `sample` [n, dim] about the origin, the strongest first."""
        second_moments = sample.T.astype(np.float64) @ sample.astype(np.float64)
        _, axes = np.linalg.eigh(second_moments)
        return cls(_reflections(axes[:, ::-1][:, : -(-sample.shape[1] // AXES_SHARE)]))

    def query(self, query: Vectors) -> Vectors:
        """One query [dim], in float32: all vectors meet the same rounding."""
        axes, dim = self._rows.shape
        seen, turned = np.empty(axes, np.float32), np.empty(dim, np.float32)
        swig_ptr = faiss.swig_ptr  # numpy's product of a matrix and a vector wakes threads for it
        faiss.fvec_inner_products_ny(swig_ptr(seen), swig_ptr(query), swig_ptr(self._rows), dim, axes)
        faiss.fvec_inner_products_ny(swig_ptr(turned), swig_ptr(seen), swig_ptr(self._columns), axes, dim)
        return query - turned

    def forward(self, vectors: Vectors) -> Vectors:
        """As they are stored: float32 [n, dim]."""
        return self._turn(vectors, self._t)

    def back(self, vectors: Vectors) -> Vectors:
        """As they were, to within float32's rounding (1e-7)."""
        return self._turn(vectors, self._t.T)

    def _turn(self, vectors: Vectors, t: NDArray[np.float64]) -> Vectors:
        turned = np.empty_like(vectors)
        for start in range(0, len(vectors), _ROWS):
            rows = vectors[start : start + _ROWS].astype(np.float64)
            turned[start : start + _ROWS] = rows - (rows @ self._v) @ t @ self._v.T
        return turned


def _reflections(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """V above T, such that (I - V T' V') turns `axes` [dim, n] into the first n unit vectors, up to their signs."""
    packed, tau = np.linalg.qr(axes, mode="raw")
    n = len(tau)
    v = np.tril(packed.T, -1)
    v[np.arange(n), np.arange(n)] = 1
    t = np.zeros((n, n))
    for i in range(n):
        t[i, i] = tau[i]
        t[:i, i] = -tau[i] * t[:i, :i] @ (v[:, :i].T @ v[:, i])
    return np.concatenate([v, t])
