"""The curves of a run as one SVG: the loss above, the probes below."""

from collections.abc import Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, GAP = 640, 200, 52, 28, 44
MOST_POINTS = 400
COLOURS = {"loss": "#4c6ef5", "k-NN": "#0ca678", "linear": "#e8590c", "guessing": "#868e96"}

Line = list[tuple[float, float]]


def draw_curves(history: Sequence[dict[str, Any]]) -> str:
    """`history` of steps and probes (ml/training/run.py) as an SVG document."""
    steps = [one for one in history if one["kind"] == "step"]
    probes = [one for one in history if one["kind"] == "probe"]
    panels: list[tuple[str, dict[str, Line]]] = [
        ("Loss by step", {"loss": _thinned([(one["step"], one["loss"]) for one in steps])})
    ]
    if probes:
        names = {"k-NN": "knn", "linear": "linear", "guessing": "chance"}
        lines: dict[str, Line] = {name: [(one["epoch"], one[key]) for one in probes] for name, key in names.items()}
        panels.append(("Given their own label, by epoch", lines))
    height = len(panels) * (HEIGHT + TOP + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>Curves of the training</title>",
        '<g font-family="system-ui, sans-serif" font-size="12" fill="currentColor">',
    ]
    for number, (title, lines) in enumerate(panels):
        parts += _panel(title, lines, number * (HEIGHT + TOP + GAP) + TOP)
    return "\n".join([*parts, "</g></svg>", ""])


def _panel(title: str, lines: dict[str, Line], top: int) -> list[str]:
    points = [point for line in lines.values() for point in line]
    if not points:
        return [f'<text x="{LEFT}" y="{top}">{escape(title)}: nothing yet</text>']
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    low_y, high_y = min(y for _, y in points), max(y for _, y in points)
    across, up = max(high_x - low_x, 1e-9), max(high_y - low_y, 1e-9)
    right = WIDTH - 12

    def place(point: tuple[float, float]) -> str:
        x = LEFT + (point[0] - low_x) / across * (right - LEFT)
        y = top + HEIGHT - (point[1] - low_y) / up * HEIGHT
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<text x="{LEFT}" y="{top - 10}" font-weight="600">{escape(title)}</text>',
        f'<path d="M{LEFT} {top}V{top + HEIGHT}H{right}" fill="none" stroke="currentColor" opacity=".3"/>',
        f'<text x="{LEFT - 6}" y="{top + 8}" text-anchor="end">{high_y:.3g}</text>',
        f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">{low_y:.3g}</text>',
        f'<text x="{LEFT}" y="{top + HEIGHT + 18}">{low_x:g}</text>',
        f'<text x="{right}" y="{top + HEIGHT + 18}" text-anchor="end">{high_x:g}</text>',
    ]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[name]
        path = "M" + "L".join(map(place, line))
        parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.75" stroke-linejoin="round">'
            f"<title>{escape(name)}: {line[0][1]:.3f} to {line[-1][1]:.3f}</title></path>"
        )
        parts.append(
            f'<text x="{right - 110 * (len(lines) - 1 - number)}" y="{top - 10}" text-anchor="end" fill="{colour}">'
            f"{escape(name)} {line[-1][1]:.3f}</text>"
        )
    return parts


def _thinned(line: Line) -> Line:
    """At most MOST_POINTS, each the mean of its neighbours."""
    width = -(-len(line) // MOST_POINTS)
    groups = [line[start : start + width] for start in range(0, len(line), max(1, width))]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]
