"""The curves of a run: the loss above its floor, the probes below; as places to draw, and as one SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 640, 200, 52, 628, 28, 44
MOST_POINTS = 400
COLOURS = {"loss": "#4c6ef5", "floor": "#9775fa", "k-NN": "#0ca678", "linear": "#e8590c", "guessing": "#868e96"}
LETTER = 6.6  # the width of one in the legend

Line = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a panel: `path` in SVG's words, `legend` its name with the last value, ending at `x`."""

    colour: str
    path: str
    told: str
    legend: str
    x: float


@dataclass(frozen=True, slots=True)
class Panel:
    """A frame with its curves; `top` of the frame in the drawing, the ends of both axes in words."""

    title: str
    top: int
    curves: list[Curve]
    low: str
    high: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Panels one below the other, in units of the drawing."""

    panels: list[Panel]
    width: int = WIDTH
    frame_height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT

    @property
    def height(self) -> int:
        return len(self.panels) * (HEIGHT + TOP + GAP)


def lay_out(history: Sequence[dict[str, Any]]) -> Drawing:
    """`history` of steps and probes (ml/training/run.py) as a drawing; empty before the first step."""
    steps = [one for one in history if one["kind"] == "step"]
    probes = [one for one in history if one["kind"] == "probe"]
    panels: list[tuple[str, dict[str, Line]]] = []
    if steps:
        losses: Line = [(one["step"], one["loss"]) for one in steps]
        floors: Line = [(one["step"], one["spread"]["floor"]) for one in steps]
        panels.append(("Loss and its floor, by step", {"loss": _thinned(losses), "floor": _thinned(floors)}))
    if probes:
        names = {"k-NN": "knn", "linear": "linear", "guessing": "chance"}
        lines: dict[str, Line] = {name: [(one["epoch"], one[key]) for one in probes] for name, key in names.items()}
        panels.append(("Right answers, by epoch", lines))
    return Drawing([_panel(title, lines, n * (HEIGHT + TOP + GAP) + TOP) for n, (title, lines) in enumerate(panels)])


def draw_curves(history: Sequence[dict[str, Any]]) -> str:
    """`history` as an SVG document."""
    drawing = lay_out(history)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {drawing.height}" role="img">',
        "<title>Curves of the training</title>",
        '<g font-family="system-ui, sans-serif" font-size="12" fill="currentColor">',
    ]
    for panel in drawing.panels:
        parts += _svg(panel)
    return "\n".join([*parts, "</g></svg>", ""])


def _panel(title: str, lines: dict[str, Line], top: int) -> Panel:
    points = [point for line in lines.values() for point in line]
    (low_x, high_x), (low_y, high_y) = ((min(values), max(values)) for values in zip(*points, strict=True))
    across, up = max(high_x - low_x, 1e-9), max(high_y - low_y, 1e-9)

    def place(point: tuple[float, float]) -> str:
        x = LEFT + (point[0] - low_x) / across * (RIGHT - LEFT)
        return f"{x:.1f},{top + HEIGHT - (point[1] - low_y) / up * HEIGHT:.1f}"

    curves: list[Curve] = []
    end: float = RIGHT
    for name, line in reversed(lines.items()):
        legend = f"{name} {line[-1][1]:.3f}"
        told = f"{name}: {line[0][1]:.3f} to {line[-1][1]:.3f}"
        curves.append(Curve(COLOURS[name], "M" + "L".join(map(place, line)), told, legend, end))
        end -= LETTER * len(legend) + 14
    return Panel(title, top, curves, f"{low_y:.3g}", f"{high_y:.3g}", f"{low_x:g}", f"{high_x:g}")


def _svg(panel: Panel) -> list[str]:
    top, bottom = panel.top, panel.top + HEIGHT
    parts = [
        f'<text x="{LEFT}" y="{top - 10}" font-weight="600">{escape(panel.title)}</text>',
        f'<path d="M{LEFT} {top}V{bottom}H{RIGHT}" fill="none" stroke="currentColor" opacity=".3"/>',
        f'<text x="{LEFT - 6}" y="{top + 8}" text-anchor="end">{panel.high}</text>',
        f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">{panel.low}</text>',
        f'<text x="{LEFT}" y="{bottom + 18}">{panel.first}</text>',
        f'<text x="{RIGHT}" y="{bottom + 18}" text-anchor="end">{panel.last}</text>',
    ]
    for one in panel.curves:
        drawn = f'<path d="{one.path}" fill="none" stroke="{one.colour}" stroke-width="1.75" stroke-linejoin="round">'
        parts.append(f"{drawn}<title>{escape(one.told)}</title></path>")
        words = f'<text x="{one.x:.1f}" y="{top - 10}" text-anchor="end" fill="{one.colour}">'
        parts.append(f"{words}{escape(one.legend)}</text>")
    return parts


def _thinned(line: Line) -> Line:
    """At most MOST_POINTS, each the mean of its neighbours."""
    width = -(-len(line) // MOST_POINTS)
    groups = [line[start : start + width] for start in range(0, len(line), max(1, width))]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]
