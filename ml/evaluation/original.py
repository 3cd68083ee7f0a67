"""The protocol `original`: k-means pseudo-labels and the query counted, as projects like this one often score."""

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import neighbours
from ml.evaluation.relevance import Relevance
from ml.evaluation.results import Measure, Scores, mean

PROTOCOL = "original"
K = 5
FLATTERS = (
    "Flattering, and not comparable with retrieval: each query finds itself first, which is one sure hit of five; and "
    "what counts as right are clusters of these very embeddings, which neighbours share whether or not the pictures "
    "show the same thing. Only for comparing with figures that were made in this way."
)


def score(
    embeddings: NDArray[np.float32],
    clusters: NDArray[np.intp],
    relevance: Relevance | None = None,
    seed: int = 0,
) -> Scores:
    """P@5 and R@5 with the query in the gallery, clusters `[n]` in place of labels.

    With the true labels also what each of the two changes by itself: the same pictures, one thing altered at a time.
    """
    groups = Relevance.of([str(one) for one in clusters.tolist()])
    hits = _hits(embeddings, groups, counted=True)
    each = {f"P@{K}": hits / K, f"R@{K}": hits / (groups.counts() + 1)}
    measures = {name: mean(values, seed) for name, values in each.items()}
    measures[f"P@{K}, query left out"] = _precision(embeddings, groups, counted=False)
    if relevance is not None:
        measures[f"P@{K}, true labels, query counted"] = _precision(embeddings, relevance, counted=True)
        measures[f"P@{K}, true labels, query left out"] = _precision(embeddings, relevance, counted=False)
    return Scores(PROTOCOL, measures, (FLATTERS,), each=each)


def _precision(embeddings: NDArray[np.float32], relevance: Relevance, *, counted: bool) -> Measure:
    """Over every picture, also those that are alone with their label."""
    return Measure(float(_hits(embeddings, relevance, counted=counted).mean() / K))


def _hits(embeddings: NDArray[np.float32], relevance: Relevance, *, counted: bool) -> NDArray[np.intp]:
    queries = np.arange(len(embeddings))
    found, _ = neighbours.nearest(embeddings, queries, K, counted=counted)
    return relevance.right(queries, found).sum(axis=1)
