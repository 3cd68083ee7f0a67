"""Charts as SVG by hand: each with a title, drawn at the size of a phone so that its words stay readable."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.results import Confusion, Histogram, Interval

WIDTH = 360
LEFT, RIGHT = 4, 44  # room for words left of a plot, for figures right of it
COLOURS = 10
"""The colours that css names s0 … s9; more series than that are drawn in grey."""

STYLE = """
svg { --text: #26282b; --muted: #61666d; --line: #dcdfe3; --bad: #b4482d; --accent: #0f7a5c;
  --s0: #0f7a5c; --s1: #c2681a; --s2: #3a6fb5; --s3: #a94f8f; --s4: #7d8a1c; --s5: #b4482d; --s6: #2a96a5;
  --s7: #7a5cc0; --s8: #8a6a4a; --s9: #4f7f3a; --s10: #9aa0a6; background: #fff }
@media (prefers-color-scheme: dark) { svg { --text: #e8eaec; --muted: #a2a8af; --line: #373b40; --bad: #ef8a6d;
  --accent: #5fcfa8; --s0: #5fcfa8; --s1: #f0a860; --s2: #84b3ee; --s3: #e494cb; --s4: #c3cf5b; --s5: #ef8a6d;
  --s6: #6cd0de; --s7: #b6a0f2; --s8: #cbab89; --s9: #99cb80; --s10: #7c838b; background: #17191b } }
"""
"""The colours that a chart needs where it stands alone; in a report the page's own take their place."""

RULES = """
.chart text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif; fill: var(--text) }
.chart .m { fill: var(--muted); font-size: 11px } .chart .e { text-anchor: end } .chart .c { text-anchor: middle }
.chart .small { font-size: 10px }
.chart .num { font-variant-numeric: tabular-nums }
.chart .axis { stroke: var(--line); fill: none } .chart .whisker { stroke: var(--text); stroke-width: 1.5; fill: none }
.chart .mark { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 2 2 }
.chart .right { fill: var(--accent); fill-opacity: .35; stroke: var(--accent); stroke-width: 1.5 }
.chart .wrong { fill: var(--bad); fill-opacity: .2; stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 4 2 }
.chart .heat { fill: var(--accent) } .chart .miss { fill: var(--bad) }
""" + "\n".join(f".chart .f{number} {{ fill: var(--s{number}) }}" for number in range(COLOURS + 1))


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar between 0 and 1, with its whisker; `colour` is the number of its series."""

    label: str
    value: float
    interval: Interval | None = None
    colour: int = 0


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Bars under one heading; `mark` is a dotted line across them, told by `mark_label` (a ceiling, chance)."""

    heading: str
    bars: Sequence[Bar]
    mark: float | None = None
    mark_label: str = ""


def bars(title: str, groups: Sequence[BarGroup]) -> str:
    """Groups of horizontal bars, 0 to 1."""
    body: list[str] = []
    y = 6.0
    for group in groups:
        if group.heading:
            y += 14
            body.append(_text(LEFT, y, group.heading))
            if group.mark is not None:
                body.append(_text(WIDTH - RIGHT + 40, y, f"┆ {group.mark_label} {group.mark:.3f}", "m e num"))
            y += 5
        for bar in group.bars:
            y = _bar(body, bar, y)
            if group.mark is not None:
                body.append(f'<path class="mark" d="M{_across(group.mark):.1f} {y - 15:.1f}v14"/>')
        y += 7
    return _svg(title, y, body)


def _bar(body: list[str], bar: Bar, y: float) -> float:
    if bar.label:
        y += 13
        body.append(_text(LEFT, y, _short(bar.label, 52), "m"))
        y += 3
    length = _across(max(0.0, min(1.0, bar.value))) - LEFT
    body.append(f'<path class="axis" d="M{LEFT} {y + 5:.1f}H{WIDTH - RIGHT}"/>')
    body.append(f'<rect class="f{bar.colour}" x="{LEFT}" y="{y:.1f}" width="{length:.1f}" height="10" rx="2"/>')
    if bar.interval is not None:
        low, high = (_across(max(0.0, min(1.0, one))) for one in bar.interval)
        body.append(
            f'<path class="whisker" d="M{low:.1f} {y + 5:.1f}H{high:.1f}M{low:.1f} {y + 2:.1f}v6'
            f'M{high:.1f} {y + 2:.1f}v6"/>'
        )
    body.append(_text(WIDTH - RIGHT + 40, y + 9, f"{bar.value:.3f}", "e num"))
    return y + 13


def histogram(title: str, found: Histogram) -> str:
    """The scores of right and of wrong results, each as shares of its own."""
    height, base = 150, 160
    shares = [counts / max(1, counts.sum()) for counts in (found.wrong, found.right)]
    most = max(float(share.max()) for share in shares)
    low, high = float(found.edges[0]), float(found.edges[-1])
    x = LEFT + (found.edges - low) / (high - low) * (WIDTH - 2 * LEFT)
    body = [
        _steps(x, base - share / most * height, base, name)
        for share, name in zip(shares, ("wrong", "right"), strict=True)
    ]
    body.append(f'<path class="axis" d="M{LEFT} {base}H{WIDTH - LEFT}"/>')
    for part, anchor in ((0.0, ""), (0.5, "c"), (1.0, "e")):
        place = LEFT + part * (WIDTH - 2 * LEFT)
        body.append(_text(place, base + 15, f"{low + part * (high - low):.2f}", f"m num {anchor}"))
    body.append(_text(WIDTH / 2, base + 32, "cosine", "m c"))
    body += [
        f'<rect class="right" x="{LEFT + 1}" y="{base + 40}" width="14" height="10"/>',
        _text(LEFT + 22, base + 49, f"right ({int(found.right.sum()):,})"),
        f'<rect class="wrong" x="{WIDTH / 2}" y="{base + 40}" width="14" height="10"/>',
        _text(WIDTH / 2 + 21, base + 49, f"wrong ({int(found.wrong.sum()):,})"),
    ]
    return _svg(title, base + 58, body)


def scatter(title: str, points: NDArray[np.float32], groups: NDArray[np.intp], names: Sequence[str]) -> str:
    """Points in a square, coloured by group: the largest by name, the rest in grey."""
    order = [int(one) for one in np.argsort(-np.bincount(groups[groups >= 0], minlength=1), kind="stable")]
    shown = order[:COLOURS]
    colour = {group: place for place, group in enumerate(shown)}
    radius = 2.6 if len(points) > 600 else 3.4
    body: list[str] = []
    # The grey ones lie below.
    for place in sorted(range(len(points)), key=lambda row: -colour.get(int(groups[row]), COLOURS)):
        group = int(groups[place])
        x, y = (WIDTH / 2 + float(one) * (WIDTH / 2 - 10) for one in points[place])
        name = escape(names[group]) if 0 <= group < len(names) else "no label"
        body.append(
            f'<circle class="f{colour.get(group, COLOURS)}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}" '
            f'fill-opacity=".75"><title>{name}</title></circle>'
        )
    entries = [(names[group], place) for group, place in sorted(colour.items()) if group < len(names)]
    if len(names) > len(entries):
        entries.append((f"{len(names) - len(entries)} more" if entries else "no label", COLOURS))
    y = WIDTH + 10.0
    for number, (name, place) in enumerate(entries):
        x = LEFT + 4 + number % 3 * 119
        y += 18 * (number % 3 == 0)
        body += [f'<circle class="f{place}" cx="{x}" cy="{y - 4}" r="4"/>', _text(x + 9, y, _short(name, 16))]
    return _svg(title, y + 10, body)


def confusion(title: str, found: Confusion) -> str:
    """Rows are the true classes, columns what pictures were taken for; shares of the row in per cent."""
    count = len(found.names)
    room, lean = 92, 30  # for the names: of rows, and of columns beyond the last
    cell = (WIDTH - room - lean) / count
    body: list[str] = []
    top = room
    totals = np.maximum(1, found.counts.sum(axis=1))
    for row, name in enumerate(found.names):
        y = top + row * cell
        body.append(_text(room - 6, y + cell / 2 + 4, _short(name, 14), "e m" if count > 12 else "e"))
        x = room + row * cell + cell / 2
        body.append(
            f'<text class="{"m" if count > 12 else ""}" transform="translate({x + 4:.1f} {top - 6}) rotate(-60)">'
            f"{escape(_short(name, 14))}</text>"
        )
        for column, other in enumerate(found.names):
            share = found.counts[row, column] / totals[row]
            if not found.counts[row, column]:
                continue
            left = room + column * cell
            kind = "heat" if row == column else "miss"
            told = f"{escape(name)} taken for {escape(other)}: {found.counts[row, column]} ({share:.0%})"
            body.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
                f'fill-opacity="{0.1 + 0.5 * share:.2f}"><title>{told}</title></rect>'
            )
            if count <= 12 and share >= 0.01:
                body.append(_text(left + cell / 2, y + cell / 2 + 4, f"{100 * share:.0f}", "c num small"))
    body.append(f'<rect class="axis" x="{room}" y="{top}" width="{cell * count:.1f}" height="{cell * count:.1f}"/>')
    return _svg(title, top + cell * count + 6, body)


def standalone(chart: str) -> str:
    """A chart as a file of its own, with the colours that the report would give it."""
    return chart.replace("</title>", f"</title><style>{STYLE}{RULES}</style>", 1)


def _steps(x: NDArray[np.float64], y: NDArray[np.float64], base: float, name: str) -> str:
    steps = "".join(f"V{high:.1f}H{right:.1f}" for high, right in zip(y, x[1:], strict=True))
    return f'<path class="{name}" d="M{x[0]:.1f} {base}{steps}V{base}z"/>'


def _across(value: float) -> float:
    return LEFT + value * (WIDTH - RIGHT - LEFT)


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _svg(title: str, height: float, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(body)}</svg>'
    )
