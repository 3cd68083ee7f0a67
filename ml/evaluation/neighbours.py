"""The nearest of all, by exact cosine search."""

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 1024  # similarities of one block at a time: 400 MB at 100,000 pictures


def nearest(
    embeddings: NDArray[np.float32], queries: NDArray[np.intp], k: int, *, counted: bool = False
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The k nearest of `embeddings` `[n, d]`, L2-normalised, to those rows that are `queries` `[q]`.

    Positions and cosines `[q, k]`, the nearest first; fewer than k where there are fewer. The query itself is left
    out, unless it is `counted`: then it is found first. All of a block's similarities are held at once: give
    BLOCK_ROWS queries at a time where k is large.
    """
    parts = [
        _of_block(embeddings, queries[start : start + BLOCK_ROWS], k, counted)
        for start in range(0, len(queries), BLOCK_ROWS)
    ]
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([scores for _, scores in parts])


def nearest_of(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], k: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The k nearest of a `gallery` `[n, d]` to `queries` `[q, d]` that are none of it, as `nearest` gives them."""
    parts = [
        _best(queries[start : start + BLOCK_ROWS] @ gallery.T, min(k, len(gallery)))
        for start in range(0, len(queries), BLOCK_ROWS)
    ]
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([scores for _, scores in parts])


def _of_block(
    embeddings: NDArray[np.float32], queries: NDArray[np.intp], k: int, counted: bool
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    scores = embeddings[queries] @ embeddings.T
    own = np.arange(len(queries)), queries
    # Before its own copies, which score as high.
    scores[own] = np.inf if counted else -np.inf
    ids, best = _best(scores, min(k, len(embeddings) - (not counted)))
    if counted:
        best[:, 0] = 1
    return ids, best


def _best(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    found = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    best = np.take_along_axis(scores, found, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(best, order, axis=1)
