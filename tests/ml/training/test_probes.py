"""Probes: fitted and scored on different pictures, fair to small classes, and right about what is easy."""

import numpy as np
import pytest

from ml.training.pictures import Picture
from ml.training.probes import choose, score


def labelled(**counts: int) -> list[Picture]:
    return [Picture(f"{label}{i}", b"", label) for label, count in counts.items() for i in range(count)]


def test_half_of_each_label_is_fitted() -> None:
    chosen = choose(labelled(cat=10, dog=6, bird=3), 1000, 0)
    assert chosen is not None
    assert np.bincount(chosen.labels).tolist() == [3, 10, 6]  # by name: bird, cat, dog
    assert np.bincount(chosen.labels, chosen.fitted).tolist() == [2, 5, 3]
    assert len(set(chosen.positions.tolist())) == 19


def test_labels_with_one_picture_and_none_are_left_out() -> None:
    pictures = [*labelled(cat=4, dog=4, bird=1), Picture("bare", b"")]
    chosen = choose(pictures, 1000, 0)
    assert chosen is not None
    assert {pictures[position].label for position in chosen.positions} == {"cat", "dog"}
    assert choose(labelled(cat=9), 1000, 0) is None
    assert choose(labelled(cat=9, dog=1), 1000, 0) is None
    assert choose([], 1000, 0) is None


def test_the_limit_is_shared_by_the_labels() -> None:
    pictures = labelled(cat=100, dog=100)
    chosen = choose(pictures, 20, 0)
    other = choose(pictures, 20, 1)
    assert chosen is not None
    assert other is not None
    assert np.bincount(chosen.labels).tolist() == [10, 10]
    assert set(chosen.positions) != set(other.positions)


def test_what_is_apart_is_told_apart_and_noise_is_not() -> None:
    pictures = labelled(cat=60, dog=60)
    chosen = choose(pictures, 1000, 0)
    assert chosen is not None
    random = np.random.default_rng(0)
    noise = random.standard_normal((120, 16)).astype(np.float32)
    apart = noise + 6 * np.eye(16, dtype=np.float32)[chosen.labels]
    easy, hard = (score(one / np.linalg.norm(one, axis=1, keepdims=True), chosen, 0) for one in (apart, noise))
    assert (easy.knn, easy.linear) == (1, 1)
    assert 0.25 < hard.knn < 0.75
    assert 0.25 < hard.linear < 0.75
    assert (easy.shots, easy.chance, easy.pictures) == (20, 0.5, 120)


def test_only_the_other_half_is_scored() -> None:
    """Every fitted picture looks like its label, every other like the wrong one: nothing is right."""
    chosen = choose(labelled(cat=8, dog=8), 1000, 0)
    assert chosen is not None
    shown = np.where(chosen.fitted, chosen.labels, 1 - chosen.labels)
    probe = score(np.eye(2, dtype=np.float32)[shown], chosen, 0)
    assert (probe.knn, probe.linear) == (0, 0)


@pytest.mark.parametrize(("counts", "shots"), [({"cat": 100, "dog": 60}, 20), ({"cat": 100, "dog": 7}, 4)])
def test_shots_are_twenty_or_half_of_the_smallest(counts: dict[str, int], shots: int) -> None:
    chosen = choose(labelled(**counts), 1000, 0)
    assert chosen is not None
    embeddings = np.eye(2, dtype=np.float32)[chosen.labels]
    assert score(embeddings, chosen, 0).shots == shots
