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
    if k < 1:
        raise ValueError(f"k is {k}: at least 1 is needed")
    if len(labels) != len(embeddings):
        raise ValueError(f"{len(embeddings)} embeddings, but {len(labels)} labels")
    sizes = Counter(labels)
    rows = [row for row, label in enumerate(labels) if sizes[label] > 1]
    if not rows:
        raise ValueError("no two pictures share a label: there is nothing to evaluate")

    classes = np.unique(np.asarray(labels), return_inverse=True)[1]
    queries = np.array(rows, dtype=np.intp)
    hits = np.concatenate(
        [
            _hits(embeddings, classes, queries[start : start + BLOCK_ROWS], k)
            for start in range(0, len(queries), BLOCK_ROWS)
        ]
    )
    relevant = np.array([sizes[labels[row]] - 1 for row in rows])
    precision = hits / k
    by_label: defaultdict[str, list[float]] = defaultdict(list)
    for row, value in zip(rows, precision.tolist(), strict=True):
        by_label[labels[row]].append(value)
    return Retrieval(
        p_at_k=float(precision.mean()),
        r_at_k=float((hits / relevant).mean()),
        r_at_k_ceiling=float((np.minimum(relevant, k) / relevant).mean()),
        queries=len(rows),
        k=k,
        per_label={label: float(np.mean(values)) for label, values in sorted(by_label.items())},
    )


def _hits(
    embeddings: NDArray[np.float32], classes: NDArray[np.intp], queries: NDArray[np.intp], k: int
) -> NDArray[np.intp]:
    """How many of each query's k nearest others share its class."""
    scores = embeddings[queries] @ embeddings.T
    scores[np.arange(len(queries)), queries] = -np.inf
    k = min(k, len(embeddings) - 1)
    nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return (classes[nearest] == classes[queries][:, None]).sum(axis=1)
