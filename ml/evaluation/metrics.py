"""Retrieval metrics with true labels, the query left out of the gallery."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 1024  # similarities of one block at a time: 400 MB at 100,000 pictures


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Label precision and recall at k, macro-averaged over queries; shares between 0 and 1.

    `r_at_k_ceiling` is the recall that a perfect ranking would reach with k results. `per_label` is P@k.
    """

    p_at_k: float
    r_at_k: float
    r_at_k_ceiling: float
    queries: int
    k: int
    per_label: dict[str, float]


def precision_at_k(embeddings: NDArray[np.float32], labels: Sequence[str], k: int = 5) -> Retrieval:
    """Precision and recall at k by exact cosine search over L2-normalised `embeddings` `[n, d]`.

    Each picture is a query against all others. A picture that is alone with its label is no query: nothing
    could be found for it. Raises ValueError when k is below 1, when the lengths differ, or without a query.
    """
    rows, classes, relevant = _queries(embeddings, labels, k)
    hits = np.concatenate(
        [
            _hits(embeddings, classes, rows[start : start + BLOCK_ROWS], k).sum(axis=1)
            for start in range(0, len(rows), BLOCK_ROWS)
        ]
    )
    precision = hits / k
    by_label: defaultdict[str, list[float]] = defaultdict(list)
    for row, value in zip(rows, precision.tolist(), strict=True):
        by_label[labels[int(row)]].append(value)
    return Retrieval(
        p_at_k=float(precision.mean()),
        r_at_k=float((hits / relevant).mean()),
        r_at_k_ceiling=float((np.minimum(relevant, k) / relevant).mean()),
        queries=len(rows),
        k=k,
        per_label={label: float(np.mean(values)) for label, values in sorted(by_label.items())},
    )


@dataclass(frozen=True, slots=True)
class QueryScores:
    """What each query scores, between 0 and 1, `[queries]`, in the pictures' order.

    `precision` and `recall` are at k. `average_precision` is that of mAP@R: R is the number of pictures to be
    found, and only the first R results count (Musgrave et al. 2020, arXiv 2003.08505).
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    average_precision: NDArray[np.float64]


def score_queries(embeddings: NDArray[np.float32], labels: Sequence[str], k: int = 5) -> QueryScores:
    """As `precision_at_k`, query by query, with the order of the results taken into account. Raises the same."""
    rows, classes, relevant = _queries(embeddings, labels, k)
    scored = [
        _score(
            _hits(embeddings, classes, rows[block], max(k, int(relevant.max()))),
            relevant[block],
            k,
        )
        for block in (slice(start, start + BLOCK_ROWS) for start in range(0, len(rows), BLOCK_ROWS))
    ]
    return QueryScores(*(np.concatenate(part) for part in zip(*scored, strict=True)))


def ranks(queries: NDArray[np.float32], gallery: NDArray[np.float32], answers: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rank, from 1, at which each query `[q, d]` finds its one answer, a row of `gallery` `[n, d]`.

    Whatever scores the same as the answer stands before it: embeddings that are all alike find nothing.
    """
    found = np.empty(len(queries), np.intp)
    for start in range(0, len(queries), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        scores = queries[block] @ gallery.T
        found[block] = (scores >= np.take_along_axis(scores, answers[block, None], axis=1)).sum(axis=1)
    return found


def bootstrap_interval(
    values: NDArray[np.floating], seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """The percentile interval of the mean over queries drawn again with replacement; the same for the same seed.

    Of the differences between two systems on the same queries it is the paired interval, which is narrower
    than either's own.
    """
    random = np.random.default_rng(seed)
    means = [values[random.integers(len(values), size=len(values))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _queries(
    embeddings: NDArray[np.float32], labels: Sequence[str], k: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The pictures that are queries, every picture's class, and how many others each query could find."""
    if k < 1:
        raise ValueError(f"k is {k}: at least 1 is needed")
    if len(labels) != len(embeddings):
        raise ValueError(f"{len(embeddings)} embeddings, but {len(labels)} labels")
    sizes = Counter(labels)
    rows = np.array([row for row, label in enumerate(labels) if sizes[label] > 1], dtype=np.intp)
    if not rows.size:
        raise ValueError("no two pictures share a label: there is nothing to evaluate")
    classes = np.unique(np.asarray(labels), return_inverse=True)[1]
    return rows, classes, np.bincount(classes)[classes[rows]] - 1


def _hits(
    embeddings: NDArray[np.float32], classes: NDArray[np.intp], queries: NDArray[np.intp], k: int
) -> NDArray[np.bool_]:
    """Which of each query's k nearest others share its class, `[queries, k]`, the nearest first."""
    scores = embeddings[queries] @ embeddings.T
    scores[np.arange(len(queries)), queries] = -np.inf
    k = min(k, len(embeddings) - 1)
    nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, nearest, axis=1), axis=1, kind="stable")
    nearest = np.take_along_axis(nearest, order, axis=1)
    return classes[nearest] == classes[queries][:, None]


def _score(
    hits: NDArray[np.bool_], relevant: NDArray[np.intp], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall at k, and average precision at R, of ordered hits `[queries, at least R]`."""
    found = hits[:, :k].sum(axis=1)
    places = np.arange(1, hits.shape[1] + 1)
    precision = np.cumsum(hits, axis=1) / places
    counted = hits & (places <= relevant[:, None])
    return found / k, found / relevant, (precision * counted).sum(axis=1) / relevant
