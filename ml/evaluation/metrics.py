"""Retrieval metrics with true labels, the query left out of the gallery."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import neighbours
from ml.evaluation.relevance import Relevance

NDCG_AT = 10


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
    relevance = Relevance.of(labels)
    rows, relevant = _queries(embeddings, relevance, k)
    hits = np.concatenate([_hits(embeddings, relevance, block, k).sum(axis=1) for block in _blocks(rows)])
    relevant = relevant[rows]
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
    """What each query scores, between 0 and 1, `[queries]`; `queries` are their rows, in order.

    `precision` and `recall` are at k, `ceiling` is the recall that a perfect ranking would reach. `average_precision`
    is that of mAP@R: R is the number of pictures to be found, and only the first R results count (Musgrave et al.
    2020, arXiv 2003.08505). `ndcg` is nDCG@10 of results that are right or wrong (Järvelin and Kekäläinen 2002).
    """

    queries: NDArray[np.intp]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    ceiling: NDArray[np.float64]
    average_precision: NDArray[np.float64]
    ndcg: NDArray[np.float64]


def score_queries(embeddings: NDArray[np.float32], relevance: Relevance, k: int = 5) -> QueryScores:
    """As `precision_at_k`, query by query, with the order of the results taken into account. Raises the same."""
    rows, relevant = _queries(embeddings, relevance, k)
    depth = max(k, NDCG_AT, int(relevant.max()))
    scored = [_score(_hits(embeddings, relevance, block, depth), relevant[block], k) for block in _blocks(rows)]
    precision, recall, average_precision, ndcg = (np.concatenate(part) for part in zip(*scored, strict=True))
    ceiling = np.minimum(relevant[rows], k) / relevant[rows]
    return QueryScores(rows, precision, recall, ceiling, average_precision, ndcg)


def ranks(queries: NDArray[np.float32], gallery: NDArray[np.float32], answers: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rank, from 1, at which each query `[q, d]` finds its one answer, a row of `gallery` `[n, d]`.

    Whatever scores the same as the answer stands before it: embeddings that are all alike find nothing.
    """
    found = np.empty(len(queries), np.intp)
    for start in range(0, len(queries), neighbours.BLOCK_ROWS):
        block = slice(start, start + neighbours.BLOCK_ROWS)
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
    embeddings: NDArray[np.float32], relevance: Relevance, k: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pictures that are queries, and how many others each picture could find."""
    if k < 1:
        raise ValueError(f"k is {k}: at least 1 is needed")
    if len(relevance) != len(embeddings):
        raise ValueError(f"{len(embeddings)} embeddings, but {len(relevance)} labels")
    relevant = relevance.counts()
    rows = np.flatnonzero(relevant)
    if not rows.size:
        raise ValueError("no two pictures share a label: there is nothing to evaluate")
    return rows, relevant


def _blocks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[start : start + neighbours.BLOCK_ROWS] for start in range(0, len(rows), neighbours.BLOCK_ROWS)]


def _hits(
    embeddings: NDArray[np.float32], relevance: Relevance, queries: NDArray[np.intp], k: int
) -> NDArray[np.bool_]:
    """Which of each query's k nearest others are right, `[queries, k]`, the nearest first."""
    found, _ = neighbours.nearest(embeddings, queries, k)
    return relevance.right(queries, found)


def _score(hits: NDArray[np.bool_], relevant: NDArray[np.intp], k: int) -> tuple[NDArray[np.float64], ...]:
    """Precision and recall at k, average precision at R, nDCG@10, of ordered hits `[queries, at least R]`."""
    found = hits[:, :k].sum(axis=1)
    places = np.arange(1, hits.shape[1] + 1)
    precision = np.cumsum(hits, axis=1) / places
    counted = hits & (places <= relevant[:, None])
    gains = 1 / np.log2(places[:NDCG_AT] + 1)
    most = np.cumsum(gains)[np.minimum(relevant, len(gains)) - 1]
    ndcg = hits[:, :NDCG_AT] @ gains / most
    return found / k, found / relevant, (precision * counted).sum(axis=1) / relevant, ndcg
