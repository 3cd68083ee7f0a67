"""What the teacher's embeddings are worth while it learns: k-NN and few-shot linear, on labels it never saw."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from ml.evaluation import knn
from ml.evaluation.relevance import Relevance
from ml.training.pictures import Picture

SHOTS = 20
LEAST_OF_LABEL = 2

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ProbeSet:
    """The labelled pictures that probes are made on, in two parts: one is fitted, the other scored.

    `positions` of those pictures among the run's, `labels` theirs as numbers; `fitted` says which part each is in.
    """

    positions: NDArray[np.intp]
    labels: NDArray[np.intp]
    fitted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Probe:
    """Shares of pictures that are given their own label, and what guessing reaches."""

    knn: float
    linear: float
    shots: int
    chance: float
    pictures: int


def choose(pictures: Sequence[Picture], limit: int, seed: int) -> ProbeSet | None:
    """Up to `limit` pictures of labels with two or more, half of each label fitted; None with fewer than two labels."""
    random = np.random.default_rng((seed, 0x9E0BE))
    by_label: dict[str, list[int]] = {}
    for position in random.permutation(len(pictures)).tolist():
        if label := pictures[position].label:
            by_label.setdefault(label, []).append(position)
    usable = {label: found for label, found in sorted(by_label.items()) if len(found) >= LEAST_OF_LABEL}
    if len(usable) < 2:
        return None
    most = max(LEAST_OF_LABEL, limit // len(usable))
    kept = [found[:most] for found in usable.values()]
    return ProbeSet(
        positions=np.array([position for found in kept for position in found], np.intp),
        labels=np.repeat(np.arange(len(kept)), [len(found) for found in kept]),
        fitted=np.concatenate([np.arange(len(found)) < (len(found) + 1) // 2 for found in kept]),
    )


def score(embeddings: Array, chosen: ProbeSet, seed: int) -> Probe:
    """Of L2-normalised `[pictures, d]`: the fitted part is the gallery and the training set, the other is scored."""
    gallery, labels = embeddings[chosen.fitted], chosen.labels[chosen.fitted]
    queries, truth = embeddings[~chosen.fitted], chosen.labels[~chosen.fitted]
    shots = min(SHOTS, int(np.bincount(labels).min()))
    rows = _few(labels, shots, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a probe need not be the best there is
        linear = LogisticRegression(C=10, max_iter=200).fit(gallery[rows], labels[rows])
    return Probe(
        knn=_knn(embeddings, chosen),
        linear=float((linear.predict(queries) == truth).mean()),
        shots=shots,
        chance=float(np.bincount(truth).max() / len(truth)),
        pictures=len(embeddings),
    )


def _knn(embeddings: Array, chosen: ProbeSet) -> float:
    """DINOv2's weighted k-NN with k = 20, or what a smaller gallery allows."""
    names = tuple(map(str, range(int(chosen.labels.max()) + 1)))
    found = knn.score(embeddings, Relevance(names, chosen.labels), ~chosen.fitted).scores
    return found.measures.get(f"k={knn.SHOWN_K}", next(iter(found.measures.values()))).value


def _few(labels: NDArray[np.intp], shots: int, seed: int) -> NDArray[np.intp]:
    """The rows of `shots` pictures of each label."""
    order = np.random.default_rng((seed, 0xF0)).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:shots] for label in np.unique(labels)])
