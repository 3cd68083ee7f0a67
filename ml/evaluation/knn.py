"""The protocol `knn`: the label that a picture's neighbours vote for, as DINOv2 is scored (arXiv 2304.07193)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import neighbours
from ml.evaluation.relevance import Relevance
from ml.evaluation.results import Confusion, Scores, mean

PROTOCOL = "knn"
KS = (10, 20, 100, 200)
TEMPERATURE = 0.07
SHOWN_K = 20
"""The k whose answers are shown in the confusion of classes; the least there is where a set is too small for it."""


@dataclass(frozen=True, slots=True)
class Knn:
    """The scores, and which class was taken for which."""

    scores: Scores
    confusion: Confusion


def score(
    embeddings: NDArray[np.float32], relevance: Relevance, asked: NDArray[np.bool_] | None = None, seed: int = 0
) -> Knn:
    """Shares of right answers for every k of KS that the gallery is large enough for, or else for all of it.

    `asked` `[n]` are the pictures of a test split: they are queries, the others the gallery. Without it every picture
    is asked about all others. A neighbour votes for each of its labels with exp(cosine / TEMPERATURE); an answer is
    right when the picture has that label. Raises ValueError where a split leaves nothing to ask or to search.
    """
    if asked is None:
        queries = np.arange(len(embeddings))
        size = len(embeddings) - 1
        ks = _ks(size)
        found, scores = neighbours.nearest(embeddings, queries, ks[-1])
        note = f"leave-one-out: each of {len(queries)} pictures is asked about the {size} others"
    else:
        queries, gallery = np.flatnonzero(asked), np.flatnonzero(~asked)
        if not (queries.size and gallery.size):
            raise ValueError("a split without pictures: k-NN needs some to ask and some to search")
        size = len(gallery)
        ks = _ks(size)
        found, scores = neighbours.nearest_of(embeddings[queries], embeddings[gallery], ks[-1])
        found = gallery[found]
        note = f"train/test split: {len(queries)} test pictures are asked about {size} training pictures"
    weights = np.exp((scores - 1) / TEMPERATURE)
    answers = {k: _vote(relevance, found[:, :k], weights[:, :k]) for k in ks}
    each = {f"k={k}": relevance.has(queries, answer).astype(np.float64) for k, answer in answers.items()}
    shown = answers[SHOWN_K if SHOWN_K in ks else ks[0]]
    measures = {name: mean(values, seed) for name, values in each.items()}
    return Knn(Scores(PROTOCOL, measures, (note,), each=each), _confusion(relevance, queries, shown))


def _ks(size: int) -> list[int]:
    """Those of KS that are smaller than the gallery, or its size."""
    if size < 1:
        raise ValueError("k-NN needs two pictures or more")
    return [k for k in KS if k <= size] or [size]


def _vote(relevance: Relevance, found: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.intp]:
    """The label with the most weight, `[q]`."""
    votes = np.zeros((len(found), len(relevance.names)))
    rows = np.arange(len(found))
    for place in range(found.shape[1]):
        voters, weight = found[:, place], weights[:, place]
        if relevance.member is None:
            votes[rows, relevance.first[voters]] += weight
        else:
            votes += relevance.member[voters] * weight[:, None]
    return votes.argmax(axis=1)


def _confusion(relevance: Relevance, queries: NDArray[np.intp], answers: NDArray[np.intp]) -> Confusion:
    """A picture with several labels counts in the row of the answer where that is right, else in that of its first."""
    truth = np.where(relevance.has(queries, answers), answers, relevance.first[queries])
    counts = np.zeros((len(relevance.names),) * 2, np.intp)
    np.add.at(counts, (truth, answers), 1)
    return Confusion(relevance.names, counts)
