"""The protocol `clusters`: do k-means clusters of the embeddings follow the labels?"""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

from ml.evaluation.relevance import Relevance
from ml.evaluation.results import Measure, Scores

PROTOCOL = "clusters"
SILHOUETTE_SAMPLE = 5000  # it compares each with each


def score(
    embeddings: NDArray[np.float32],
    clusters: NDArray[np.intp],
    relevance: Relevance | None = None,
    seed: int = 0,
) -> Scores:
    """NMI, ARI and purity of `clusters` `[n]` against the labels, where there are some; the silhouette needs none."""
    measures: dict[str, Measure] = {}
    notes = [f"{len(np.unique(clusters))} clusters by spherical k-means"]
    if relevance is not None:
        measures["NMI"] = Measure(float(normalized_mutual_info_score(relevance.first, clusters)))
        measures["ARI"] = Measure(float(adjusted_rand_score(relevance.first, clusters)))
        measures["purity"] = Measure(purity(relevance.first, clusters))
        if relevance.member is not None:
            notes.append("pictures have several labels: clusters are compared with the first of each")
    measures["silhouette"] = Measure(silhouette(embeddings, clusters, seed))
    return Scores(PROTOCOL, measures, tuple(notes))


def purity(labels: NDArray[np.intp], clusters: NDArray[np.intp]) -> float:
    """The share of pictures that carry the most frequent label of their cluster (Manning et al. 2008, 16.3)."""
    counts = np.zeros((clusters.max() + 1, labels.max() + 1), np.intp)
    np.add.at(counts, (clusters, labels), 1)
    return float(counts.max(axis=1).sum() / len(labels))


def silhouette(embeddings: NDArray[np.float32], clusters: NDArray[np.intp], seed: int) -> float:
    """By cosine distance, from -1 to 1, over SILHOUETTE_SAMPLE pictures at most (Rousseeuw 1987).

    0, as it is for a picture alone in its cluster, where all are alone or all together.
    """
    rows = np.arange(len(clusters))
    if len(rows) > SILHOUETTE_SAMPLE:
        rows = np.random.default_rng(seed).choice(rows, SILHOUETTE_SAMPLE, replace=False)
    if not 1 < len(np.unique(clusters[rows])) < len(rows):
        return 0.0
    return float(silhouette_score(embeddings[rows], clusters[rows], metric="cosine"))
