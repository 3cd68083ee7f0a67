"""Which charts and tables a report has, and the data that stands beside each chart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation import charts, clusters, copies, knn, original, retrieval
from ml.evaluation.charts import Bar, BarGroup
from ml.evaluation.results import Confusion, Histogram, Map, Measure, Scores
from ml.evaluation.run import Outcome, SetOutcomes

MOST_CLASSES = 20
"""Rows of a confusion and bars of classes: those with the most mistakes, where there are more."""
TITLES = {
    retrieval.PROTOCOL: "Retrieval: true labels, the query left out",
    original.PROTOCOL: "Original: clusters as labels, the query counted",
    knn.PROTOCOL: "k-NN: the label that the neighbours vote for",
    clusters.PROTOCOL: "Clusters: k-means against the labels",
    copies.PROTOCOL: "Copies: near-duplicates and their originals",
}
MARKS = {"R@5": ("R@5 ceiling", "ceiling"), "P@5": ("P@5 by chance", "chance")}
"""Measures that are shown as a line across another one's bars."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, its caption, and its data as rows of words, the first the heading; `name` is its file's."""

    name: str
    title: str
    caption: str
    svg: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one protocol: a row for each model."""

    title: str
    warning: str
    notes: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(one: SetOutcomes, *, several: bool) -> Iterator[Table]:
    """Of each protocol that the set was asked."""
    for protocol in one.outcomes[0].scores:
        by_model = [(outcome.model, outcome.scores[protocol]) for outcome in one.outcomes]
        names = list(by_model[0][1].measures)
        rows = [["model", *names]]
        rows += [[model, *(_figure(scores.measures[name], several) for name in names)] for model, scores in by_model]
        notes = by_model[0][1].notes
        flattering = protocol == original.PROTOCOL
        yield Table(TITLES[protocol], notes[0] if flattering else "", notes[1:] if flattering else notes, rows)


def of_set(one: SetOutcomes) -> Iterator[Drawing]:
    """The models beside each other, protocol by protocol."""
    for protocol in one.outcomes[0].scores:
        by_model = [(outcome.model, outcome.scores[protocol]) for outcome in one.outcomes]
        groups = [group for name in by_model[0][1].measures if (group := _group(name, by_model)) is not None]
        rows = [["measure", "model", "value", "95 % interval"]]
        rows += [
            [group.heading, bar.label, f"{bar.value:.3f}", _interval(bar)] for group in groups for bar in group.bars
        ]
        caption = "Flattering figures: see the warning." if protocol == original.PROTOCOL else ""
        title = TITLES[protocol]
        yield Drawing(f"models-{protocol}", title, caption, charts.bars(f"{one.pictures.name}. {title}", groups), rows)


def of_model(outcome: Outcome) -> Iterator[Drawing]:
    """What one model finds on one set."""
    found = outcome.findings
    if found.map is not None:
        yield from _maps(found.map)
    if found.histogram is not None:
        yield _histogram(found.histogram)
    for protocol in (retrieval.PROTOCOL, copies.PROTOCOL):
        if protocol in outcome.scores and outcome.scores[protocol].classes:
            yield _classes(outcome.scores[protocol])
    if found.confusion is not None:
        yield _confusion(found.confusion)


def _group(name: str, by_model: Sequence[tuple[str, Scores]]) -> BarGroup | None:
    """The bars of a measure; None for one that is a line across another's."""
    if any(name == marked for marked, _ in MARKS.values()):
        return None
    bars = [
        Bar(
            model if len(by_model) > 1 else "",
            scores.measures[name].value,
            scores.measures[name].interval,
            min(number, charts.COLOURS),
        )
        for number, (model, scores) in enumerate(by_model)
    ]
    marked, label = MARKS.get(name, ("", ""))
    mark = by_model[0][1].measures.get(marked)
    return BarGroup(name, bars, mark.value if mark is not None else None, label)


def _maps(found: Map) -> Iterator[Drawing]:
    caption = "t-SNE: neighbours here are neighbours there; distances between groups, and their sizes, mean nothing."
    of = f", {len(found.rows)} pictures"
    if found.names:
        counts = np.bincount(found.labels, minlength=len(found.names)).tolist()
        rows = [["label", "pictures"], *([name, str(count)] for name, count in zip(found.names, counts, strict=True))]
        svg = charts.scatter(f"Map coloured by label{of}", found.points, found.labels, found.names)
        yield Drawing("map-labels", "Map, by label", caption, svg, rows)
    names = [f"cluster {number + 1}" for number in range(int(found.clusters.max()) + 1)]
    counts = np.bincount(found.clusters, minlength=len(names)).tolist()
    rows = [["cluster", "pictures"], *([name, str(count)] for name, count in zip(names, counts, strict=True))]
    svg = charts.scatter(f"Map coloured by cluster{of}", found.points, found.clusters, names)
    yield Drawing("map-clusters", "Map, by cluster", "The same points, by k-means cluster.", svg, rows)


def _histogram(found: Histogram) -> Drawing:
    bins = zip(found.edges[:-1], found.edges[1:], found.right, found.wrong, strict=True)
    rows = [["cosine from", "to", "right", "wrong"]]
    rows += [[f"{low:.3f}", f"{high:.3f}", str(right), str(wrong)] for low, high, right, wrong in bins]
    caption = (
        f"The nearest of every query, each kind as shares of its own. Separation {found.separation:.3f}: so often a "
        "right result scores higher than a wrong one; 0.5 would be chance."
    )
    return Drawing("scores", "Scores of right and wrong results", caption, charts.histogram("Scores", found), rows)


def _classes(scores: Scores) -> Drawing:
    name = next(iter(scores.each))
    by_class = sorted(scores.classes.items(), key=lambda one: -one[1][name])
    left_out = max(0, len(by_class) - MOST_CLASSES)
    shown = by_class if not left_out else [*by_class[: MOST_CLASSES // 2], *by_class[-MOST_CLASSES // 2 :]]
    groups = [BarGroup("", [Bar(f"{label} ({values['queries']:.0f})", values[name])]) for label, values in shown]
    kind = "kind of alteration" if scores.protocol == copies.PROTOCOL else "class"
    rows = [[kind, *by_class[0][1]]]
    rows += [
        [label, *(f"{value:.0f}" if key == "queries" else f"{value:.3f}" for key, value in values.items())]
        for label, values in by_class
    ]
    caption = f"{name}; the number of queries in brackets." + (
        f" The {left_out} in between are left out." if left_out else ""
    )
    return Drawing(f"classes-{scores.protocol}", f"By {kind}", caption, charts.bars(f"{name} by {kind}", groups), rows)


def _confusion(found: Confusion) -> Drawing:
    shown = _most_confused(found)
    off = found.counts - np.diag(np.diag(found.counts))
    pairs = sorted(((int(off[i, j]), i, j) for i, j in zip(*np.nonzero(off), strict=True)), reverse=True)
    rows = [["class", "taken for", "pictures"]]
    rows += [[found.names[i], found.names[j], str(count)] for count, i, j in pairs[:200]]
    caption = "Rows are the true classes, columns the answers of k-NN; shares of a row in per cent."
    if len(shown.names) < len(found.names):
        caption += f" The {len(shown.names)} of {len(found.names)} classes with the most mistakes."
    return Drawing(
        "confusion", "What was taken for what", caption, charts.confusion("Confusion of classes", shown), rows
    )


def _most_confused(found: Confusion) -> Confusion:
    """All classes that occur, or those with the most mistakes made of them and with them, in their order."""
    wrong = found.counts.sum(axis=0) + found.counts.sum(axis=1) - 2 * np.diag(found.counts)
    there = found.counts.sum(axis=0) + found.counts.sum(axis=1) > 0
    best = sorted(np.argsort(np.where(there, -wrong, 1), kind="stable")[: min(MOST_CLASSES, int(there.sum()))].tolist())
    return Confusion(tuple(found.names[one] for one in best), found.counts[np.ix_(best, best)])


def _figure(one: Measure, several: bool) -> str:
    words = f"{one.value:.3f}"
    if one.interval is not None:
        words += f" [{one.interval[0]:.3f}, {one.interval[1]:.3f}]"
    if several and one.gain is not None and one.gain_interval is not None:
        words += f"\ngain {one.gain:+.3f} [{one.gain_interval[0]:+.3f}, {one.gain_interval[1]:+.3f}]"
    return words


def _interval(bar: Bar) -> str:
    return "" if bar.interval is None else f"{bar.interval[0]:.3f} to {bar.interval[1]:.3f}"
