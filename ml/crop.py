"""Crop: a part of a picture, whatever the picture's size."""

import math
from typing import NamedTuple

from PIL import Image

from ml import images
from ml.images import PictureRefused, SizeOf

MIN_SIDE = 16
"""Pixels: of less, a network that sees 224 across is shown next to nothing."""


class Crop(NamedTuple):
    """Upper left corner and size, as shares (0 to 1) of the upright picture's width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def is_within(self) -> bool:
        """Whether the numbers are finite, and some of it lies within the picture."""
        inner = self.clamped()
        return all(map(math.isfinite, self)) and inner.width > 0 and inner.height > 0

    def clamped(self) -> "Crop":
        """What of it lies within the picture."""
        x, y = min(max(0.0, self.x), 1.0), min(max(0.0, self.y), 1.0)
        right, lower = min(self.x + self.width, 1.0), min(self.y + self.height, 1.0)
        return Crop(x, y, max(0.0, right - x), max(0.0, lower - y))

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, upper, right and lower edge in whole pixels of a picture of this size, never beyond it."""
        inner = self.clamped()
        right, lower = round((inner.x + inner.width) * width), round((inner.y + inner.height) * height)
        return round(inner.x * width), round(inner.y * height), min(right, width), min(lower, height)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in whole pixels in a picture of this size."""
        left, upper, right, lower = self.box(width, height)
        return right - left, lower - upper


def load_crop(data: bytes, crop: Crop, resized_to: SizeOf) -> Image.Image:
    """That part of a picture's file, as `images.load` gives all of it: upright, sRGB, mode RGB.

    `resized_to` is of the part's size; a JPEG is decoded at a size of at least twice that in the part. Raises
    PictureRefused, also for a part of less than MIN_SIDE pixels a side.
    """

    def at_least(width: int, height: int) -> tuple[int, int]:
        across, down = (max(1, side) for side in crop.size(width, height))
        wanted_across, wanted_down = resized_to(across, down)
        return math.ceil(2 * wanted_across * width / across), math.ceil(2 * wanted_down * height / down)

    decoded = images.decode(data, at_least=at_least)
    across, down = crop.size(decoded.width, decoded.height)
    if min(across, down) < MIN_SIDE:
        raise PictureRefused(
            f"the part is too small: {across} x {down} of {decoded.width} x {decoded.height} pixels; "
            f"it needs {MIN_SIDE} a side"
        )
    return decoded.image.crop(crop.box(*decoded.image.size))
