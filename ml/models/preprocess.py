"""Pictures to a network's pixels, without torchvision: the hub's own transform, the whole picture, or windows."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.models.model import WrongCheckpoint

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PROCESSOR = "preprocessor_config.json"
BICUBIC = 3  # Pillow's number, which the hub's files state

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """The mean and deviation of each channel, of values from 0 to 1, that a network was trained with."""

    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


@dataclass(frozen=True, slots=True)
class CentreCrop:
    """`reference`: shorter side to `resize`, centre crop of `crop` pixels, as the hub's processor does.

    One bicubic resize of the cropped box does what the processor does in two steps; together with a JPEG
    reduced to no less than twice the target it is 3.5x faster, at a cosine of 1.0000 to it.
    """

    resize: int = 256
    crop: int = 224

    def size(self, width: int, height: int) -> tuple[int, int]:
        """What the processor resizes to before it crops, rounding included."""
        shorter = min(width, height)
        return self.resize * width // shorter, self.resize * height // shorter

    def __call__(self, image: Image.Image) -> Pixels:
        """An RGB picture to `[crop, crop, 3]`."""
        width, height = self.size(*image.size)
        left, top = (width - self.crop) // 2, (height - self.crop) // 2
        box = (
            left * image.width / width,
            top * image.height / height,
            (left + self.crop) * image.width / width,
            (top + self.crop) * image.height / height,
        )
        return np.asarray(image.resize((self.crop, self.crop), Image.Resampling.BICUBIC, box=box))


@dataclass(frozen=True, slots=True)
class Fit:
    """`fit`: the whole picture in its own shape, at about `pixels` pixels, both sides whole patches.

    Nothing is cut off, and a panorama costs no more than a square; the network's position embeddings are
    interpolated to the shape.
    """

    patch: int
    pixels: int

    def __call__(self, image: Image.Image) -> Pixels:
        """An RGB picture to `[h, w, 3]`, h and w multiples of the patch, h * w at most about `pixels`."""
        return np.asarray(image.resize(self.size(*image.size), Image.Resampling.BICUBIC))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a picture of this size is given."""
        most = max(1, self.pixels // self.patch**2)
        scale = math.sqrt(most / (width * height))
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        # Rounding up both sides, or a side thinner than a patch, must not break the budget.
        if across >= down:
            across = min(across, most // down)
        else:
            down = min(down, most // across)
        return across * self.patch, down * self.patch


@dataclass(frozen=True, slots=True)
class Tiles:
    """`tiles`: the whole picture and overlapping windows of it at a finer scale, for very large pictures.

    The shorter side is brought to at most twice the window, so that a window sees a quarter of a square
    picture; neighbours overlap by a quarter of a window or more; a longer picture has more windows, up to
    `most`, and above that a coarser scale. A picture too small for that is one window.
    """

    side: int
    most: int = 24

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The scale at which windows are cut, or that of the whole view."""
        scale = max(self.grid(width, height)[2], self.side / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def __call__(self, image: Image.Image) -> Pixels:
        """An RGB picture to `[windows, side, side, 3]`, the whole of it first."""
        square = (self.side, self.side)
        views = [np.asarray(image.resize(square, Image.Resampling.BICUBIC))]
        across, down, scale = self.grid(*image.size)
        if across * down > 1:
            window = self.side / scale
            for top in _offsets(image.height - window, down):
                for left in _offsets(image.width - window, across):
                    box = _inside((left, top, left + window, top + window), image.size)
                    views.append(np.asarray(image.resize(square, Image.Resampling.BICUBIC, box=box)))
        return np.stack(views)

    def grid(self, width: int, height: int) -> tuple[int, int, float]:
        """Windows across and down, and the scale at which they are cut."""
        shorter = min(width, height)
        if shorter < self.side:
            return 1, 1, 1.0
        coarsest, scale = self.side / shorter, min(1.0, 2 * self.side / shorter)
        while True:
            across, down = (self._count(side * scale) for side in (width, height))
            if across * down < self.most or scale == coarsest:
                # A strip so long that its windows no longer touch is still seen at even distances.
                return min(across, self.most - 1), min(down, self.most - 1), scale
            scale = max(coarsest, 0.9 * scale)

    def _count(self, side: float) -> int:
        """Windows along a side, with an overlap of about a quarter."""
        step = self.side * 0.75
        # A side that is longer by next to nothing is not worth another window; the whole view sees its edges.
        return max(1, math.ceil((side - self.side) / step - 0.1) + 1)


def _offsets(room: float, count: int) -> list[float]:
    """Where windows begin, at even distances; one alone stands in the middle."""
    return np.linspace(0, room, count).tolist() if count > 1 else [room / 2]


def _inside(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The box with rounding errors beyond the picture's edge taken off: Pillow refuses those."""
    left, top, right, bottom = box
    return max(0.0, left), max(0.0, top), min(float(size[0]), right), min(float(size[1]), bottom)


Transform = CentreCrop | Fit | Tiles


def make_transform(name: str, reference: CentreCrop, patch: int) -> Transform:
    """The transform of that name for a network that was made for `reference`."""
    if name == "fit":
        return Fit(patch, reference.crop**2)
    if name == "tiles":
        return Tiles(reference.crop)
    return reference


def read_processor(folder: Path) -> tuple[CentreCrop, Normalisation]:
    """What `preprocessor_config.json` asks for; the usual where there is none. Raises WrongCheckpoint."""
    path = folder / PROCESSOR
    if not path.is_file():
        return CentreCrop(), Normalisation()
    try:
        stated: dict[str, Any] = json.loads(path.read_text())
        if stated.get("resample", BICUBIC) != BICUBIC:
            raise WrongCheckpoint(
                f"{path}: resampling {stated['resample']} is not DINOv2's, which is {BICUBIC} (bicubic)"
            )
        crop = CentreCrop(resize=int(stated["size"]["shortest_edge"]), crop=int(stated["crop_size"]["height"]))
        normalisation = Normalisation(
            mean=tuple(float(value) for value in stated["image_mean"]),
            std=tuple(float(value) for value in stated["image_std"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrongCheckpoint(f"{path} is not the configuration of an image processor: {error!r}") from error
    if not 0 < crop.crop <= crop.resize:
        raise WrongCheckpoint(f"{path}: a crop of {crop.crop} does not fit into {crop.resize}")
    if len(normalisation.mean) != 3 or len(normalisation.std) != 3 or not all(normalisation.std):
        raise WrongCheckpoint(f"{path}: three channels need three means and three deviations other than 0")
    return crop, normalisation
