"""Ids and vectors as the engine takes them: L2-normalised float32, checked at the door."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.search.index.bitmaps import IdsLike, as_ids

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Chunk = tuple[IdsLike, NDArray[np.floating[Any]]]

NORM_TOLERANCE = 0.01
"""How far a length may be from 1: storing float16 moves it by at most 0.0005."""

GATHER_BYTES = 384 * 1024
"""Scattered rows are copied together up to so many bytes at a time: 5,000 rows of 384 numbers cost 0.65 ms; eight times
as many exceed what malloc keeps, and the page faults make it 6 ms."""


def by_blocks(score: Callable[[Ids], NDArray[np.float32]], rows: Ids, row_bytes: int) -> NDArray[np.float32]:
    """`score` of `rows`, which copies `row_bytes` for each of them, in blocks: float32 [len(rows)]."""
    scores = np.empty(len(rows), np.float32)
    step = max(1, GATHER_BYTES // row_bytes)
    for start in range(0, len(rows), step):
        scores[start : start + step] = score(rows[start : start + step])
    return scores


def gathered_scores(vectors: Callable[[Ids], Vectors], rows: Ids, query: Vectors) -> NDArray[np.float32]:
    """The inner product of `query` with each of `vectors(rows)`, fetched in blocks: float32 [len(rows)].

    Each product is summed by itself, so equal vectors get equal scores wherever they are stored.
    """
    return by_blocks(lambda block: np.vecdot(vectors(block), query), rows, query.nbytes)


def check_vectors(ids: IdsLike, vectors: NDArray[np.floating[Any]], dim: int) -> tuple[Ids, Vectors]:
    """`ids` as int64 [n] and `vectors` as float32 [n, dim], contiguous.

    Raises ValueError when the shapes disagree, or a vector is not finite or not of length 1 (inner products
    would rank it by its length).
    """
    checked_ids = as_ids(ids)
    checked = np.ascontiguousarray(vectors, np.float32)
    if checked.shape != (len(checked_ids), dim):
        raise ValueError(f"Expected {len(checked_ids)} vectors of length {dim}, got {list(checked.shape)}.")
    lengths = np.sqrt(np.vecdot(checked, checked))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= NORM_TOLERANCE))  # a NaN length is wrong, too
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"The vector of id {checked_ids[first]} has length {lengths[first]:.4g} and not 1 ({len(wrong)} such)."
        )
    return checked_ids, checked


def check_query(query: NDArray[np.floating[Any]], dim: int) -> NDArray[np.float32]:
    """`query` as float32 [dim], contiguous.

    Raises ValueError when it has another shape, is zero, not finite, or not of length 1.
    """
    checked = np.ascontiguousarray(query, np.float32)
    if checked.shape != (dim,):
        raise ValueError(f"The query has shape {list(checked.shape)}; this index holds vectors of length {dim}.")
    squared = float(checked @ checked)
    if abs(squared - 1) <= NORM_TOLERANCE:  # false for NaN, too
        return checked
    if not np.isfinite(checked).all():
        raise ValueError("The query holds values that are not finite numbers.")
    if squared == 0:
        raise ValueError("The query is all zeros: nothing is like it.")
    raise ValueError(f"The query has length {squared**0.5:.4g}: it must be L2-normalised.")
