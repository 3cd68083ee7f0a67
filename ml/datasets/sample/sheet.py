"""Sheet: polygons, lines and discs drawn at twice the size, so that their edges come out smooth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.datasets.sample.canvas import Array

SCALE = 2
Points = NDArray[np.floating] | Sequence[tuple[float, float]]
Ink = Array | float


class Sheet:
    """A drawing surface over a canvas (colours) or over nothing (a mask, ink from 0 to 1).

    Coordinates and widths are in pixels of the finished picture; an ink's `alpha` lets what is below through.
    """

    def __init__(self, width: int, height: int, canvas: Array | None = None) -> None:
        """A mask of the given size, or, with a canvas [height, width, 3], a drawing over it."""
        size = (width * SCALE, height * SCALE)
        if canvas is None:
            self._image = Image.new("L", size)
            self._draw = ImageDraw.Draw(self._image)
        else:
            base = Image.fromarray((np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8))
            self._image = base.resize(size, Image.Resampling.NEAREST)
            self._draw = ImageDraw.Draw(self._image, "RGBA")

    def polygon(self, points: Points, ink: Ink = 1.0, alpha: float = 1) -> None:
        """A filled polygon."""
        self._draw.polygon(_scaled(points), fill=self._fill(ink, alpha))

    def line(self, points: Points, width: float, ink: Ink = 1.0, alpha: float = 1) -> None:
        """A line through the points."""
        broad = max(1, round(width * SCALE))
        joint = "curve" if broad > 3 else None
        self._draw.line(_scaled(points), fill=self._fill(ink, alpha), width=broad, joint=joint)

    def ellipse(self, x: float, y: float, rx: float, ry: float, ink: Ink = 1.0, alpha: float = 1) -> None:
        """A filled ellipse around (x, y)."""
        box = [(x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE]
        self._draw.ellipse(box, fill=self._fill(ink, alpha))

    def disc(self, x: float, y: float, radius: float, ink: Ink = 1.0, alpha: float = 1) -> None:
        """A filled circle around (x, y)."""
        self.ellipse(x, y, radius, radius, ink, alpha)

    def ring(self, x: float, y: float, radius: float, width: float, ink: Ink = 1.0, alpha: float = 1) -> None:
        """A circle's outline around (x, y)."""
        box = [(x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE]
        self._draw.ellipse(box, outline=self._fill(ink, alpha), width=max(1, round(width * SCALE)))

    def sector(self, x: float, y: float, radius: float, turn: tuple[float, float], ink: Ink = 1.0) -> None:
        """A slice of a disc between two angles in degrees, clockwise from the right."""
        box = [(x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE]
        self._draw.pieslice(box, turn[0], turn[1], fill=self._fill(ink, 1))

    def box(self, x: float, y: float, width: float, height: float, ink: Ink = 1.0, alpha: float = 1) -> None:
        """A filled rectangle with its upper left corner at (x, y)."""
        edges = [x * SCALE, y * SCALE, (x + max(width, 0.5)) * SCALE - 1, (y + max(height, 0.5)) * SCALE - 1]
        self._draw.rectangle(edges, fill=self._fill(ink, alpha))

    def mask(self) -> Array:
        """The mask [height, width]."""
        return self.canvas()

    def canvas(self) -> Array:
        """The drawing at its finished size: [height, width, 3], or [height, width] of a mask."""
        return np.asarray(self._image.reduce(SCALE), np.float32) / 255

    def _fill(self, ink: Ink, alpha: float) -> int | tuple[int, int, int, int]:
        if isinstance(ink, np.ndarray):
            red, green, blue = (min(255, max(0, int(value * 255 + 0.5))) for value in ink.tolist())
            return red, green, blue, int(alpha * 255)
        return int(ink * 255)


def _scaled(points: Points) -> list[float]:
    return (np.asarray(points, np.float64) * SCALE).ravel().tolist()
