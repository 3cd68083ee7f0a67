"""Family and Picture: a kind of picture, and one drawn picture of it."""

from collections.abc import Callable
from dataclasses import dataclass

from ml.datasets.sample.canvas import Array, Rng


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn canvas (float32 [height, width, 3], sRGB 0..1) with what is to be said of it."""

    canvas: Array
    caption: str
    labels: tuple[str, ...]
    grain: float = 0.012
    vignette: float = 0.16


@dataclass(frozen=True, slots=True)
class Family:
    """A named kind of picture; `shapes` are the formats that suit it, as named in `pictures.SHAPES`."""

    name: str
    draw: Callable[[Rng, int, int], Picture]
    shapes: tuple[str, ...]
