"""Pictures into groups that look alike, with the label that most of a group carry."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ml.clustering import cluster
from ml.evaluation.clusters import silhouette

COVERED = 0.5
"""A label is proposed where at least this share of a group carries it."""


def group(
    ids: NDArray[np.int64], embeddings: NDArray[np.float32], count: int, seed: int
) -> tuple[list[list[int]], float]:
    """Ids `[n]` by their L2-normalised `embeddings` `[n, d]`: groups, and their silhouette.

    The largest group is first, in each the picture nearest to its centre. There may be fewer groups than `count`:
    pictures that are the same are one. Raises ValueError for fewer pictures than groups.
    """
    found = cluster(embeddings, count, seed)
    groups: list[list[int]] = []
    for number in range(count):
        rows = np.flatnonzero(found.clusters == number)
        if len(rows):
            groups.append(ids[rows[np.argsort(-found.scores[rows], kind="stable")]].tolist())
    groups.sort(key=len, reverse=True)
    return groups, silhouette(embeddings, found.clusters, seed)


def name_of(group: list[int], labels: Mapping[int, Iterable[str]]) -> str:
    """The most frequent label of a group (of several the first by name), if half of its pictures carry it."""
    counts = Counter(label for image_id in group for label in set(labels.get(image_id, ())))
    if not counts:
        return ""
    name, count = min(counts.items(), key=lambda one: (-one[1], one[0]))
    return name if count >= COVERED * len(group) else ""
