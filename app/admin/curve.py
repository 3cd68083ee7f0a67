"""The curve of a build: recall over latency, a point for each nprobe that was tried, as a drawing of plain numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 36
LEAST_SPAN = 0.02
"""The recall from the lowest to the highest line, so that noise does not look like a cliff."""


@dataclass(frozen=True, slots=True)
class Point:
    """One nprobe that was tried, and where it is drawn; `in_force` is the one that was chosen."""

    nprobe: int
    recall: float
    p50_ms: float
    x: float
    y: float
    in_force: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid with its words, at `at`."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """All that the drawing needs. `target_y` is where the target's line lies."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    points: list[Point]
    line: str
    target_y: float
    target_text: str
    recalls: list[Tick]
    latencies: list[Tick]


def draw_curve(tried: Sequence[tuple[int, float, float]], nprobe: int, target: float) -> Curve | None:
    """The curve of (nprobe, recall, p50 in ms); None while there are fewer than two points to join."""
    if len(tried) < 2:
        return None
    lowest = min(target, *(recall for _, recall, _ in tried))
    low, high = min(lowest, 1 - LEAST_SPAN), 1.0
    slowest = max(p50_ms for _, _, p50_ms in tried) or 1.0

    def across(p50_ms: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * p50_ms / slowest, 1)

    def up(recall: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (recall - low) / (high - low), 1)

    points = [
        Point(tried_nprobe, recall, p50_ms, across(p50_ms), up(recall), tried_nprobe == nprobe)
        for tried_nprobe, recall, p50_ms in tried
    ]
    return Curve(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
        points=points,
        line=" ".join(f"{point.x},{point.y}" for point in points),
        target_y=up(target),
        target_text=f"target {target:.2f}",
        recalls=[Tick(up(recall), f"{recall:.2f}") for recall in (low, (low + high) / 2, high)],
        latencies=[Tick(across(part * slowest), f"{part * slowest:.2g} ms") for part in (0, 0.5, 1)],
    )
