"""The protocol `copies`, worked by hand, and against scikit-learn's average precision."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from ml.evaluation import copies
from ml.evaluation.copies import Copied
from tests.ml.evaluation.circle import on_circle


def test_copies_worked_by_hand() -> None:
    # Originals at 0 and 90; copies at 2 and 30 of the first, at 88 of the second; a stranger at 33.
    embeddings = on_circle(0, 2, 30, 90, 88, 33)
    copied = Copied(np.array([1, 2, 4]), np.array([0, 0, 3]), ("other", "crops", "other"))
    scores = copies.score(embeddings, copied)
    # The copy at 30 finds the stranger first, then its original.
    assert scores.measures["rank 1"].value == pytest.approx(2 / 3)
    assert scores.measures["MRR"].value == pytest.approx((1 + 1 / 2 + 1) / 3)
    # All pairs by distance: 2 right, 2 right, 3 wrong (30 to 33), 30 right, then wrong ones: (1 + 1 + 3 / 4) / 3.
    assert scores.measures["micro-AP"].value == pytest.approx((1 + 1 + 3 / 4) / 3)
    # The original at 0 finds 2 and 30 before all else, that at 90 finds 88.
    assert scores.measures["mAP"].value == pytest.approx(1)
    assert scores.classes["crops"] == {"rank 1": 0, "MRR": 0.5, "queries": 1}


def test_map_is_over_all_other_pictures() -> None:
    # A stranger and the other original's copy come between the original and its second copy.
    embeddings = on_circle(0, 2, 30, 40, 20, 10)
    copied = Copied(np.array([1, 2, 4]), np.array([0, 0, 3]), ("x", "x", "x"))
    first = (1 / 1 + 2 / 4) / 2
    second = average_precision_score([0, 0, 0, 1, 0], embeddings[[0, 1, 2, 4, 5]] @ embeddings[3])
    assert copies.score(embeddings, copied).measures["mAP"].value == pytest.approx((first + second) / 2)


def test_embeddings_that_are_all_alike_find_nothing() -> None:
    copied = Copied(np.array([1]), np.array([0]), ("x",))
    assert copies.score(on_circle(7, 7, 7), copied).measures["rank 1"].value == 0


def test_without_copies_there_is_nothing_to_evaluate() -> None:
    with pytest.raises(ValueError, match="nothing to evaluate"):
        copies.score(on_circle(0, 1), Copied(np.empty(0, np.intp), np.empty(0, np.intp), ()))
