"""Precision and recall at k, worked by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import ndcg_score

from ml.evaluation import neighbours
from ml.evaluation.metrics import bootstrap_interval, precision_at_k, ranks, score_queries
from ml.evaluation.relevance import Relevance
from tests.ml.evaluation.circle import on_circle, some_embeddings


def some_pictures() -> tuple[NDArray[np.float32], list[str]]:
    return some_embeddings(50), [str(label) for label in np.random.default_rng(1).integers(0, 4, 50)]


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


def test_each_query_worked_by_hand() -> None:
    # In order round the circle: a0, a10, b14, a30, b33. Of the a's each could find 2, so their first 2 results
    # count; of the b's each could find 1. a0 -> a10 b14: hit, miss: (1/1 + 0)/2; a10 -> b14 a0: miss, hit at 2:
    # (0 + 1/2)/2; b14 -> a10, and the other b only as the last; a30 -> b33 b14: nothing; b33 -> a30 b14: not the
    # first, but among the first two.
    result = score_queries(on_circle(0, 10, 14, 30, 33), Relevance.of(["a", "a", "b", "a", "b"]), k=2)
    assert result.precision == pytest.approx([0.5, 0.5, 0, 0, 0.5])
    assert result.recall == pytest.approx([0.5, 0.5, 0, 0, 1])
    assert result.average_precision == pytest.approx([0.5, 0.25, 0, 0, 0])
    assert result.ceiling == pytest.approx([1, 1, 1, 1, 1])


@pytest.mark.parametrize("several", [False, True])
def test_ndcg_is_scikit_learns(several: bool) -> None:
    embeddings, labels = some_pictures()
    relevance = Relevance.of(
        [(label, "all" if row % 9 == 0 else label) for row, label in enumerate(labels)] if several else labels
    )
    result = score_queries(embeddings, relevance)
    for place, query in enumerate(result.queries.tolist()):
        others = np.delete(np.arange(len(labels)), query)
        right = relevance.right(np.array([query]), others[None])[0].astype(float)
        expected = ndcg_score(right[None], (embeddings[others] @ embeddings[query])[None], k=10)
        assert result.ndcg[place] == pytest.approx(expected)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, labels = some_pictures()
    found, scored = precision_at_k(embeddings, labels), score_queries(embeddings, Relevance.of(labels))
    places = ranks(embeddings[:20], embeddings, np.arange(30, 50))
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", 7)
    assert precision_at_k(embeddings, labels) == found
    assert (score_queries(embeddings, Relevance.of(labels)).average_precision == scored.average_precision).all()
    assert (ranks(embeddings[:20], embeddings, np.arange(30, 50)) == places).all()


def test_query_by_query_is_the_same_on_the_whole() -> None:
    embeddings, labels = some_pictures()
    found, scored = precision_at_k(embeddings, labels), score_queries(embeddings, Relevance.of(labels))
    assert (scored.precision.mean(), scored.recall.mean()) == pytest.approx((found.p_at_k, found.r_at_k))


def test_ranks_count_what_scores_as_well() -> None:
    gallery = on_circle(0, 10, 10, 50)
    assert ranks(on_circle(9, 9, 40), gallery, np.array([0, 1, 3])).tolist() == [3, 2, 1]
    assert ranks(on_circle(5), on_circle(7, 7, 7), np.array([0])).tolist() == [3]


def test_the_interval_holds_the_mean_and_narrows_with_the_queries() -> None:
    values = np.random.default_rng(1).random(400)
    low, high = bootstrap_interval(values)
    # A mean of 400 even draws from 0 to 1: standard error 0.289 / 20, times 1.96.
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 0.289 / 20, rel=0.1)
    assert bootstrap_interval(values) == (low, high)
    assert bootstrap_interval(values, seed=1) != (low, high)
    assert bootstrap_interval(np.ones(9)) == (1, 1)


@pytest.mark.parametrize(
    ("labels", "k", "message"),
    [(["a", "a"], 0, "at least 1"), (["a"], 5, "1 labels"), (["a", "b"], 5, "nothing to evaluate")],
)
def test_what_cannot_be_evaluated_is_named(labels: list[str], k: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        precision_at_k(on_circle(0, 1), labels, k)
