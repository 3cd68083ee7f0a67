"""K-means by cosine: finds what is there, the same for the same seed."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.clustering import cluster
from tests.ml.evaluation.circle import on_circle, some_embeddings


def test_directions_are_told_apart() -> None:
    found = cluster(on_circle(0, 2, 4, 120, 122, 240, 244), 3)
    assert adjusted_rand_score([0, 0, 0, 1, 1, 2, 2], found.clusters) == 1
    assert np.linalg.norm(found.centroids, axis=1) == pytest.approx(1, abs=1e-5)
    # Each score is the cosine to its own centroid: two degrees from the middle of its three, at most.
    assert found.scores.min() == pytest.approx(np.cos(np.radians(2)), abs=1e-4)


def test_a_seed_gives_the_same_clusters() -> None:
    embeddings = some_embeddings(500)
    first, second = cluster(embeddings, 9, seed=4), cluster(embeddings, 9, seed=4)
    assert (first.clusters == second.clusters).all()
    assert (first.centroids == second.centroids).all()
    assert (cluster(embeddings, 9, seed=5).clusters != first.clusters).any()


def test_as_many_clusters_as_pictures() -> None:
    assert sorted(cluster(on_circle(0, 90, 180), 3).clusters.tolist()) == [0, 1, 2]


def test_pictures_that_are_all_the_same() -> None:
    assert len(set(cluster(on_circle(*[7] * 20), 3).clusters.tolist())) == 1


@pytest.mark.parametrize(("count", "message"), [(0, "at least 1"), (4, "3 pictures cannot be 4 clusters")])
def test_what_cannot_be_clustered_is_named(count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cluster(on_circle(0, 1, 2), count)
