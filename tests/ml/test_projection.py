"""Points in the plane: neighbours stay neighbours, the same for the same seed, any number of pictures."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from ml.projection import project
from tests.ml.evaluation.circle import on_circle, some_embeddings


def test_groups_stay_together() -> None:
    centres = some_embeddings(3, dim=16)
    embeddings = (np.repeat(centres, 20, axis=0) + 0.05 * some_embeddings(60, dim=16, seed=1)).astype(np.float32)
    found = project(embeddings)
    assert found.rows.tolist() == list(range(60))
    assert np.abs(found.points).max() == pytest.approx(1)
    assert trustworthiness(embeddings, found.points, n_neighbors=5) > 0.9
    distances = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(axis=1) // 20 == np.arange(60) // 20).all()


def test_a_seed_gives_the_same_map_of_the_same_sample() -> None:
    embeddings = some_embeddings(80)
    first, second = project(embeddings, seed=1, sample=30), project(embeddings, seed=1, sample=30)
    assert (first.rows == second.rows).all()
    assert (first.points == second.points).all()
    assert len(set(first.rows.tolist())) == 30
    assert (project(embeddings, seed=2, sample=30).rows != first.rows).any()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_few_pictures_have_a_map(count: int) -> None:
    points = project(some_embeddings(count)).points
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    assert np.abs(points).max() <= 1


def test_pictures_that_are_all_the_same_lie_on_one_point() -> None:
    assert not project(on_circle(*[7] * 12)).points.any()
    assert project(some_embeddings(8, dim=1)).points.shape == (8, 2)


def test_without_a_picture_there_is_no_map() -> None:
    with pytest.raises(ValueError, match="no picture"):
        project(np.empty((0, 8), np.float32))
