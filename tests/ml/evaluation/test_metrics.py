"""Precision and recall at k, worked by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.evaluation import metrics
from ml.evaluation.metrics import precision_at_k


def on_circle(*degrees: float) -> NDArray[np.float32]:
    angles = np.radians(np.array(degrees))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_worked_by_hand() -> None:
    # In order round the circle: a at 0, a at 10, b at 14, a at 30, b at 33, alone at 36.
    # The two nearest others: a0 -> a10 b14 (1 hit); a10 -> b14 a0 (1); b14 -> a10 a0 or a30: a10 a0 (0);
    # a30 -> b33 alone (0); b33 -> a30 alone (0). The lone picture is no query.
    embeddings = on_circle(0, 10, 14, 30.5, 33, 36)
    result = precision_at_k(embeddings, ["a", "a", "b", "a", "b", "alone"], k=2)
    assert (result.queries, result.k) == (5, 2)
    assert result.p_at_k == pytest.approx((0.5 + 0.5 + 0 + 0 + 0) / 5)
    assert result.r_at_k == pytest.approx((1 / 2 + 1 / 2 + 0 + 0 + 0) / 5)
    assert result.r_at_k_ceiling == pytest.approx(1.0)
    assert result.per_label == pytest.approx({"a": 1 / 3, "b": 0.0})


def test_the_ceiling_says_what_k_allows() -> None:
    result = precision_at_k(on_circle(0, 1, 2, 3, 4), ["a"] * 5, k=1)
    assert (result.p_at_k, result.r_at_k, result.r_at_k_ceiling) == pytest.approx((1, 0.25, 0.25))


def test_k_beyond_the_gallery_counts_the_missing_as_misses() -> None:
    assert precision_at_k(on_circle(0, 1, 90), ["a", "a", "b"], k=5).p_at_k == pytest.approx(0.2)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    embeddings = random.standard_normal((50, 8)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = [str(label) for label in random.integers(0, 4, 50)]
    whole = precision_at_k(embeddings, labels)
    monkeypatch.setattr(metrics, "BLOCK_ROWS", 7)
    assert precision_at_k(embeddings, labels) == whole


@pytest.mark.parametrize(
    ("labels", "k", "message"),
    [(["a", "a"], 0, "at least 1"), (["a"], 5, "1 labels"), (["a", "b"], 5, "nothing to evaluate")],
)
def test_what_cannot_be_evaluated_is_named(labels: list[str], k: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        precision_at_k(on_circle(0, 1), labels, k)
