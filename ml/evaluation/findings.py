"""What the pictures of a report are drawn from: scores of right and wrong results, the map, best and worst queries."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ml.evaluation import neighbours
from ml.evaluation.copies import Copied
from ml.evaluation.relevance import Relevance
from ml.evaluation.results import Confusion, Findings, Histogram, Map, Result, Scores, Strip
from ml.projection import project

RESULTS = 6  # a strip's, and those whose scores are counted
STRIPS = 6
BINS = 40

Array = NDArray[np.float32]


def of_labelled(
    embeddings: Array,
    clusters: NDArray[np.intp],
    relevance: Relevance | None,
    scores: Scores | None,
    confusion: Confusion | None,
    seed: int,
) -> Findings:
    """Of a set with labels, or without; `scores` are those of `retrieval`, if it was asked for."""
    drawn = _map(embeddings, clusters, relevance, seed)
    if relevance is None or scores is None:
        return Findings(confusion=confusion, map=drawn)
    queries = np.flatnonzero(relevance.counts())
    found, cosines = neighbours.nearest(embeddings, queries, RESULTS)
    right = relevance.right(queries, found)
    values = scores.each["mAP@R"]
    best = _choose(-values, -cosines.mean(axis=1), relevance.first[queries])
    # Of the worst those first that were the surest of what they found.
    worst = _choose(values, -cosines.mean(axis=1), relevance.first[queries])

    def strips(places: Sequence[int]) -> tuple[Strip, ...]:
        return tuple(
            _strip(int(queries[place]), float(values[place]), found[place], cosines[place], right[place])
            for place in places
        )

    return Findings(confusion, _histogram(cosines, right), drawn, "mAP@R", strips(best), strips(worst))


def of_copies(embeddings: Array, copied: Copied) -> Findings:
    """Of copies: the best and the worst are told by the rank at which a copy finds its original."""
    gallery = copied.searched(len(embeddings))
    found, cosines = neighbours.nearest_of(embeddings[copied.copies], embeddings[gallery], RESULTS)
    found = gallery[found]
    right = found == copied.originals[:, None]
    own = (embeddings[copied.copies] * embeddings[copied.originals]).sum(axis=1)
    all_scores = embeddings[copied.copies] @ embeddings[gallery].T
    values = 1 / (all_scores >= own[:, None] - 1e-6).sum(axis=1)

    def strips(places: Sequence[int]) -> tuple[Strip, ...]:
        return tuple(
            _strip(int(copied.copies[place]), float(values[place]), found[place], cosines[place], right[place])
            for place in places
        )

    missed = np.flatnonzero(values < 1)
    worst = _choose(values[missed], -own[missed], missed)
    best = _choose(-values, own, copied.originals)  # found though they are the least like it
    return Findings(
        histogram=_histogram(cosines, right),
        measure="1 / rank",
        best=strips(best),
        worst=strips([int(missed[place]) for place in worst]),
    )


def _strip(query: int, value: float, found: NDArray[np.intp], cosines: Array, right: NDArray[np.bool_]) -> Strip:
    results = zip(found.tolist(), cosines.tolist(), right.tolist(), strict=True)
    return Strip(query, value, tuple(Result(*one) for one in results))


def _choose(values: NDArray[np.floating], then: NDArray[np.floating], classes: NDArray[np.intp]) -> list[int]:
    """The places of the least values, no class twice: six pictures of one class tell less than one of each of six."""
    chosen: dict[int, int] = {}
    for place in np.lexsort((then, values)).tolist():
        chosen.setdefault(int(classes[place]), place)
        if len(chosen) == STRIPS:
            break
    return list(chosen.values())


def _histogram(cosines: Array, right: NDArray[np.bool_]) -> Histogram | None:
    """None where all are right, or all wrong: there is nothing to tell apart."""
    flat, truth = cosines.ravel(), right.ravel()
    if truth.all() or not truth.any():
        return None
    edges = np.linspace(float(flat.min()), max(float(flat.max()), float(flat.min()) + 1e-3), BINS + 1)
    counts = [np.histogram(flat[which], edges)[0] for which in (truth, ~truth)]
    return Histogram(edges, counts[0], counts[1], float(roc_auc_score(truth, flat)))


def _map(embeddings: Array, clusters: NDArray[np.intp], relevance: Relevance | None, seed: int) -> Map:
    drawn = project(embeddings, seed)
    labels = relevance.first[drawn.rows] if relevance is not None else np.full(len(drawn.rows), -1)
    return Map(drawn.rows, drawn.points, labels, clusters[drawn.rows], relevance.names if relevance else ())
