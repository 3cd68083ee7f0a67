"""The protocol `copies`: do altered copies find their original, and originals their copies?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from ml.evaluation.metrics import ranks
from ml.evaluation.results import Measure, Scores, mean

PROTOCOL = "copies"


@dataclass(frozen=True, slots=True)
class Copied:
    """Which pictures are copies of which, by their rows; what is in none is a picture of no group.

    `originals` `[q]` is the row of the original of each of the `copies` `[q]`, `kinds` what was done to it.
    """

    copies: NDArray[np.intp]
    originals: NDArray[np.intp]
    kinds: Sequence[str]

    def searched(self, count: int) -> NDArray[np.intp]:
        """The rows, of `count` pictures, that copies are looked up in: all that are no copies themselves."""
        return np.setdiff1d(np.arange(count), self.copies)


def score(embeddings: NDArray[np.float32], copied: Copied, seed: int = 0) -> Scores:
    """Of L2-normalised `embeddings` `[n, d]`. Raises ValueError without a copy.

    - rank 1, MRR: each copy is looked up among the originals and the pictures of no group.
    - micro-AP: all those pairs in one order by their cosines, as DISC21 does it (Douze et al. 2021): one threshold
      has to do for all.
    - mAP: each original looks for its copies among all other pictures, as Copydays does it.
    """
    if not copied.copies.size:
        raise ValueError("there is no copy with its original: nothing to evaluate")
    gallery = copied.searched(len(embeddings))
    answers = np.searchsorted(gallery, copied.originals)
    found = ranks(embeddings[copied.copies], embeddings[gallery], answers)
    each = {"rank 1": (found == 1).astype(np.float64), "MRR": 1 / found}
    precisions = _average_precisions(embeddings, copied)
    measures = {
        **{name: mean(values, seed) for name, values in each.items()},
        "micro-AP": Measure(_micro(embeddings[copied.copies] @ embeddings[gallery].T, answers)),
        "mAP": mean(precisions, seed),
    }
    notes = (
        f"{len(found)} copies of {len(precisions)} originals, looked up among {len(gallery)} pictures",
        "over originals, among all other pictures: mAP; over all pairs of a copy and a picture searched: micro-AP",
    )
    return Scores(PROTOCOL, measures, notes, _by_kind(copied.kinds, each), each)


def _micro(scores: NDArray[np.float32], answers: NDArray[np.intp]) -> float:
    """Average precision over all pairs at once."""
    right = np.zeros(scores.shape, np.bool_)
    right[np.arange(len(scores)), answers] = True
    return float(average_precision_score(right.ravel(), scores.ravel()))


def _average_precisions(embeddings: NDArray[np.float32], copied: Copied) -> NDArray[np.float64]:
    """Of each original, whose copies are to be found among all others."""
    precisions: list[float] = []
    for original in np.unique(copied.originals).tolist():
        others = np.delete(np.arange(len(embeddings)), original)
        right = np.isin(others, copied.copies[copied.originals == original])
        precisions.append(float(average_precision_score(right, embeddings[others] @ embeddings[original])))
    return np.array(precisions)


def _by_kind(kinds: Sequence[str], each: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[str, float]]:
    by_query = np.asarray(kinds)
    return {
        kind: {
            **{name: float(values[by_query == kind].mean()) for name, values in each.items()},
            "queries": int((by_query == kind).sum()),
        }
        for kind in sorted(set(kinds))
    }
