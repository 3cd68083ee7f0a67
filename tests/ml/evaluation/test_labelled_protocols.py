"""The protocols on labelled pictures, each worked by hand or against scikit-learn."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, silhouette_score
from sklearn.neighbors import KNeighborsClassifier

from ml.evaluation import clusters, knn, original, retrieval
from ml.evaluation.relevance import Relevance
from tests.ml.evaluation.circle import on_circle, some_embeddings


def test_retrieval_leaves_the_query_out() -> None:
    # Three of each, well apart: of the five nearest others two are right, at the first two places.
    scores = retrieval.score(on_circle(0, 1, 2, 90, 91, 92), Relevance.of(list("aaabbb")))
    values = {name: measure.value for name, measure in scores.measures.items()}
    assert values == pytest.approx(
        {"P@5": 0.4, "R@5": 1, "mAP@R": 1, "nDCG@10": 1, "R@5 ceiling": 1, "P@5 by chance": 0.4}
    )
    assert scores.classes["a"] == pytest.approx({"P@5": 0.4, "R@5": 1, "mAP@R": 1, "nDCG@10": 1, "queries": 3})
    assert scores.measures["P@5"].queries == 6
    assert scores.measures["P@5"].interval == pytest.approx((0.4, 0.4))


def test_retrieval_tells_of_lonely_pictures_and_of_several_labels() -> None:
    scores = retrieval.score(on_circle(0, 1, 2, 90), Relevance.of([("a", "x"), ("b", "x"), ("b",), ("lonely",)]))
    assert scores.measures["P@5"].queries == 3
    assert [note.split(":")[0] for note in scores.notes] == [
        "1 pictures are alone with their label",
        "pictures have several labels",
    ]


def test_original_counts_the_query_and_takes_clusters_for_labels() -> None:
    # Pairs on a circle; the clusters are the pairs, the labels go across them.
    embeddings, grouped = on_circle(0, 1, 90, 91, 180, 181), np.array([0, 0, 1, 1, 2, 2])
    scores = original.score(embeddings, grouped, Relevance.of(list("ababab")))
    values = {name: measure.value for name, measure in scores.measures.items()}
    assert values["P@5"] == pytest.approx(2 / 5)
    assert values["R@5"] == pytest.approx(1)
    assert values["P@5, query left out"] == pytest.approx(1 / 5)
    # All others are five: two of them have the query's label. Counted, the query and at most two of the others.
    assert values["P@5, true labels, query left out"] == pytest.approx(2 / 5)
    assert values["P@5, true labels, query counted"] >= 2 / 5
    assert scores.notes[0].startswith("Flattering")


def test_original_is_sure_of_one_hit_even_for_noise() -> None:
    embeddings = some_embeddings(60, seed=3)
    scores = original.score(embeddings, np.arange(60), Relevance.of([str(row % 6) for row in range(60)]))
    assert scores.measures["P@5"].value == pytest.approx(0.2)
    counted = scores.measures["P@5, true labels, query counted"].value
    assert counted > scores.measures["P@5, true labels, query left out"].value + 0.1


def test_knn_leave_one_out_is_scikit_learns_weighted_vote() -> None:
    embeddings = some_embeddings(80, seed=1)
    labels = np.random.default_rng(2).integers(0, 4, 80)
    found = knn.score(embeddings, Relevance.of([str(label) for label in labels]))
    assert list(found.scores.measures) == ["k=10", "k=20"]
    assert found.scores.notes[0].startswith("leave-one-out")
    vote: Any = KNeighborsClassifier  # whose hints leave out that weights may be a function
    for k in (10, 20):
        answers = [
            vote(k, weights=_dinov2, metric="cosine", algorithm="brute")
            .fit(np.delete(embeddings, row, axis=0), np.delete(labels, row))
            .predict(embeddings[row : row + 1])[0]
            for row in range(80)
        ]
        assert found.scores.measures[f"k={k}"].value == pytest.approx(accuracy_score(labels, answers))
    assert found.confusion.counts.sum() == 80
    assert np.trace(found.confusion.counts) == round(80 * found.scores.measures["k=20"].value)


def test_knn_by_split_asks_the_test_pictures_about_the_others() -> None:
    # The test pictures' nearest are each other, with the wrong label: they must not vote.
    embeddings = on_circle(0, 5, 90, 95, 46, 47)
    relevance = Relevance.of([*list("aabb"), "a", "b"])
    found = knn.score(embeddings, relevance, np.array([False] * 4 + [True] * 2))
    assert list(found.scores.measures) == ["k=4"]
    assert found.scores.measures["k=4"].value == 1 / 2  # both lie nearer to a's 5 than to b's 90
    assert found.scores.notes[0] == "train/test split: 2 test pictures are asked about 4 training pictures"
    assert found.confusion.counts.tolist() == [[1, 0], [1, 0]]
    with pytest.raises(ValueError, match="without pictures"):
        knn.score(embeddings, relevance, np.ones(6, np.bool_))


def test_knn_of_several_labels_is_right_with_any_of_them() -> None:
    relevance = Relevance.of([("dog", "person"), ("person",), ("person",)])
    assert knn.score(on_circle(0, 1, 2), relevance).scores.measures["k=2"].value == 1


def test_clusters_worked_by_hand() -> None:
    # One cluster of a a b, one of b b b: five of six carry the label that is most frequent in their cluster.
    labels, grouped = Relevance.of(list("aabbbb")), np.array([0, 0, 0, 1, 1, 1])
    embeddings = on_circle(0, 1, 2, 90, 91, 92)
    scores = clusters.score(embeddings, grouped, labels)
    assert list(scores.measures) == ["NMI", "ARI", "purity", "silhouette"]
    assert scores.measures["purity"].value == pytest.approx(5 / 6)
    expected = silhouette_score(embeddings, grouped, metric="cosine")
    assert scores.measures["silhouette"].value == pytest.approx(float(expected))
    # Of 15 pairs: 4 together in both, 7 in the labels, 6 in the clusters; by chance 7 * 6 / 15 = 2.8.
    assert scores.measures["ARI"].value == pytest.approx((4 - 2.8) / ((7 + 6) / 2 - 2.8))
    same = clusters.score(embeddings, grouped, Relevance.of(list("xxxyyy")))
    assert [same.measures[name].value for name in ("NMI", "ARI", "purity")] == pytest.approx([1, 1, 1])


def test_clusters_without_labels_have_a_silhouette_only() -> None:
    assert list(clusters.score(on_circle(0, 1, 90), np.array([0, 0, 1])).measures) == ["silhouette"]
    assert clusters.score(on_circle(0, 1, 90), np.array([0, 1, 2])).measures["silhouette"].value == 0
    assert clusters.silhouette(some_embeddings(6000), np.zeros(6000, np.intp), 0) == 0


def _dinov2(distances: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.exp(-distances / 0.07)
