"""The protocol `retrieval`: true labels, the query left out of what is searched."""

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import score_queries
from ml.evaluation.relevance import Relevance
from ml.evaluation.results import Measure, Scores, mean

PROTOCOL = "retrieval"
K = 5


def score(embeddings: NDArray[np.float32], relevance: Relevance, seed: int = 0) -> Scores:
    """Every picture asks for those that share a label with it; `each` has the pictures' order, queries only.

    Raises ValueError when no two pictures share a label.
    """
    found = score_queries(embeddings, relevance, K)
    each = {
        f"P@{K}": found.precision,
        f"R@{K}": found.recall,
        "mAP@R": found.average_precision,
        "nDCG@10": found.ndcg,
    }
    measures = {name: mean(values, seed) for name, values in each.items()}
    measures[f"R@{K} ceiling"] = Measure(float(found.ceiling.mean()))
    measures[f"P@{K} by chance"] = Measure(_chance(relevance, found.queries))
    lonely = len(relevance) - len(found.queries)
    notes = [f"{lonely} pictures are alone with their label: nobody's query"] if lonely else []
    if relevance.member is not None:
        notes.append("pictures have several labels: a result is right when it shares one; classes go by the first")
    return Scores(PROTOCOL, measures, tuple(notes), _by_class(relevance, found.queries, each), each)


def _chance(relevance: Relevance, queries: NDArray[np.intp]) -> float:
    """What a random order reaches: the share of right answers among the others."""
    return float(relevance.counts()[queries].mean() / (len(relevance) - 1))


def _by_class(
    relevance: Relevance, queries: NDArray[np.intp], each: dict[str, NDArray[np.float64]]
) -> dict[str, dict[str, float]]:
    classes = relevance.first[queries]
    return {
        relevance.names[label]: {
            **{name: float(values[classes == label].mean()) for name, values in each.items()},
            "queries": int((classes == label).sum()),
        }
        for label in np.unique(classes).tolist()
    }
