"""What an evaluation finds, as data: figures with their intervals, and what its pictures are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import bootstrap_interval

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over `queries`, with its 95 % interval where it has one.

    `gain` is that over the first model, paired by query: an interval without 0 says that they differ.
    """

    value: float
    interval: Interval | None = None
    queries: int | None = None
    gain: float | None = None
    gain_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """What a protocol finds of one model on one set.

    `each` holds the values query by query, of those measures that are means of them. `classes` are figures by class
    (or by kind of alteration), with the number of queries.
    """

    protocol: str
    measures: Mapping[str, Measure]
    notes: tuple[str, ...] = ()
    classes: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    each: Mapping[str, NDArray[np.floating]] = field(default_factory=dict[str, NDArray[np.floating]])

    def compared_with(self, first: "Scores", seed: int) -> "Scores":
        """With the gains over the first model on the same queries."""
        gains = {name: values - first.each[name] for name, values in self.each.items()}
        measures = {
            name: replace(one, gain=float(gains[name].mean()), gain_interval=bootstrap_interval(gains[name], seed))
            if name in gains
            else one
            for name, one in self.measures.items()
        }
        return replace(self, measures=measures)


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many pictures of each class (rows) were taken for which (columns), by k-NN."""

    names: tuple[str, ...]
    counts: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Cosines of results, right and wrong ones apart: how many in each bin between `edges`.

    `separation` is the area under the ROC curve: the chance that a right result scores higher than a wrong one.
    """

    edges: NDArray[np.float64]
    right: NDArray[np.intp]
    wrong: NDArray[np.intp]
    separation: float


@dataclass(frozen=True, slots=True)
class Map:
    """Pictures in the plane: `rows` `[m]`, `points` `[m, 2]`, and the label and the cluster of each (-1 for none)."""

    rows: NDArray[np.intp]
    points: NDArray[np.float32]
    labels: NDArray[np.intp]
    clusters: NDArray[np.intp]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A picture that was found, its cosine, and whether it is right."""

    row: int
    score: float
    right: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """A query, what it scored, and what it found, the nearest first."""

    query: int
    value: float
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the pictures of a report are drawn from; what a set or its protocols do not give is None or empty.

    `measure` is what best and worst are told by.
    """

    confusion: Confusion | None = None
    histogram: Histogram | None = None
    map: Map | None = None
    measure: str = ""
    best: tuple[Strip, ...] = ()
    worst: tuple[Strip, ...] = ()


def mean(values: NDArray[np.floating], seed: int) -> Measure:
    """Of what each query scores, with its bootstrap interval."""
    return Measure(float(values.mean()), bootstrap_interval(values, seed), len(values))
