"""Who is a right answer to whom: pictures with one label, and with several."""

import numpy as np
import pytest

from ml.evaluation.relevance import Relevance

SEVERAL = Relevance.of([("dog", "person"), ("dog",), ("person", "car"), ("boat",)])


def test_one_label_each() -> None:
    relevance = Relevance.of(["b", "a", "b"])
    assert (relevance.names, relevance.first.tolist(), relevance.member) == (("a", "b"), [1, 0, 1], None)
    assert relevance.counts().tolist() == [1, 0, 1]
    assert relevance.right(np.array([0]), np.array([[1, 2]])).tolist() == [[False, True]]
    assert relevance.has(np.array([0, 1]), np.array([1, 1])).tolist() == [True, False]


def test_several_labels_are_alike_when_they_share_one() -> None:
    assert SEVERAL.names == ("boat", "car", "dog", "person")
    assert SEVERAL.first.tolist() == [2, 2, 3, 0]
    assert SEVERAL.counts(block_rows=3).tolist() == [2, 1, 1, 0]
    assert SEVERAL.right(np.array([0, 2]), np.array([[1, 3], [0, 1]])).tolist() == [[True, False], [True, False]]
    assert SEVERAL.has(np.array([2, 2]), np.array([1, 2])).tolist() == [True, False]


def test_a_picture_without_a_label_is_named() -> None:
    with pytest.raises(ValueError, match="picture 1 has no label"):
        Relevance.of([("a",), ()])
