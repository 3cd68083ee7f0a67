"""Pictures into groups: the nearest to the centre first, with the label that half of a group carry."""

import numpy as np
import pytest

from app.explore.grouping import group, name_of
from app.explore.records import Ready
from app.explore.service import MAX_GROUPS, MAX_PICTURES, limits_of
from tests.app.explore.conftest import kinds


def test_the_largest_group_is_first_and_its_most_central_picture() -> None:
    vectors = kinds((5, 9), 16)
    ids = np.arange(100, 114)
    groups, silhouette = group(ids, vectors, 2, 0)
    assert [sorted(one) for one in groups] == [list(range(105, 114)), list(range(100, 105))]
    assert silhouette > 0.8
    for one in groups:
        rows = np.array(one) - 100
        centre = vectors[rows].mean(axis=0)
        scores = vectors[rows] @ (centre / np.linalg.norm(centre))
        assert (np.diff(scores) <= 1e-5).all(), "nearest first"


def test_pictures_that_are_the_same_are_fewer_groups() -> None:
    groups, silhouette = group(np.arange(6), np.repeat(kinds((1, 1), 8), 3, axis=0), 4, 0)
    assert sorted(sorted(one) for one in groups) == [[0, 1, 2], [3, 4, 5]]
    assert silhouette == pytest.approx(1, abs=1e-5)


def test_a_label_is_proposed_where_half_of_a_group_carry_it() -> None:
    labels = {1: ["sea", "dusk"], 2: ["sea"], 3: ["dusk"], 4: []}
    assert name_of([1, 2, 3, 4], labels) == "dusk", "of two that are as frequent, the first by name"
    assert name_of([1, 2, 4, 5], labels) == "sea"
    assert name_of([1, 4, 5], labels) == ""
    assert name_of([4, 5], labels) == ""


@pytest.mark.parametrize(
    ("embedded", "usable", "usual", "most"),
    [(0, 0, 2, 0), (2, 2, 2, 2), (50, 50, 5, 50), (820, 820, 20, MAX_GROUPS), (90_000, MAX_PICTURES, 50, MAX_GROUPS)],
)
def test_how_many_groups_may_be_asked_for(embedded: int, usable: int, usual: int, most: int) -> None:
    limits = limits_of(Ready(embedded, embedded))
    assert (limits.usable, limits.usual, limits.most) == (usable, usual, most)
