"""Multi-crop: two large and several small parts of a picture, cut in the decoder's children."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.training.config import TrainingConfig

Pixels = NDArray[np.uint8]
GLOBAL_CROPS = 2
TRIES = 10
RATIO = (3 / 4, 4 / 3)


@dataclass(frozen=True, slots=True)
class MultiCrop:
    """The geometry of one picture's crops, drawn from `seed` alone: picklable, and the same wherever it runs.

    Each crop is a random part with an area within its scale, brought to its size by bicubic resampling, and
    mirrored half of the time. Returns all of them in one flat array, global ones first (`unpack`).
    """

    seed: tuple[int, ...]
    global_size: int
    local_size: int
    local_crops: int
    global_scale: tuple[float, float]
    local_scale: tuple[float, float]

    @classmethod
    def of(cls, config: TrainingConfig, patch: int, *seed: int) -> "MultiCrop":
        """As the config tells, in whole patches."""
        return cls(
            seed,
            in_patches(config.global_size, patch),
            in_patches(config.local_size, patch),
            config.local_crops,
            config.global_scale,
            config.local_scale,
        )

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Decoded so large that the smallest global crop need not be enlarged."""
        scale = self.global_size / math.sqrt(self.global_scale[0]) / min(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def __call__(self, image: Image.Image) -> Pixels:
        """An RGB picture to its crops, uint8 `[bytes of all]`."""
        random = np.random.default_rng(self.seed)
        return np.concatenate([_cut(image, size, scale, random).ravel() for size, scale in self._kinds()])

    def unpack(self, packed: Pixels) -> tuple[Pixels, Pixels]:
        """Global crops `[2, g, g, 3]` and local ones `[l, s, s, 3]`."""
        g, s = self.global_size, self.local_size
        split = GLOBAL_CROPS * g * g * 3
        return packed[:split].reshape(GLOBAL_CROPS, g, g, 3), packed[split:].reshape(self.local_crops, s, s, 3)

    def _kinds(self) -> Iterator[tuple[int, tuple[float, float]]]:
        yield from [(self.global_size, self.global_scale)] * GLOBAL_CROPS
        yield from [(self.local_size, self.local_scale)] * self.local_crops


def in_patches(size: int, patch: int) -> int:
    """The nearest whole number of patches, in pixels: at least one."""
    return max(1, round(size / patch)) * patch


def random_box(
    width: int, height: int, scale: tuple[float, float], random: np.random.Generator
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a random part: its area uniform within `scale`, its ratio log-uniform in RATIO.

    Where ten tries do not fit into the picture, the largest centred part of an allowed ratio, as Inception's and
    everybody's random resized crop does.
    """
    for _ in range(TRIES):
        area = width * height * random.uniform(*scale)
        ratio = math.exp(random.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(random.integers(width - w + 1)), int(random.integers(height - h + 1))
            return left, top, left + w, top + h
    ratio = min(max(width / height, RATIO[0]), RATIO[1])
    w, h = max(1, min(width, round(height * ratio))), max(1, min(height, round(width / ratio)))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def _cut(image: Image.Image, size: int, scale: tuple[float, float], random: np.random.Generator) -> Pixels:
    box = random_box(image.width, image.height, scale, random)
    pixels = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))
    return pixels[:, ::-1] if random.random() < 0.5 else pixels
