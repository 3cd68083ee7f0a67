"""A descriptor without a network or a download: oriented gradients, colour layout, colour histogram."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab
from skimage.feature import hog

from ml.models.model import ModelSpec, NoPatches

Array = NDArray[np.float32]

VERSION = 1  # part of the identity: count up whenever the descriptor of a picture changes
SIDE = 96
CELLS = 6  # gradient cells a side, at both scales
ORIENTATIONS = 9
LAYOUT = 8
LIGHTNESS_BINS, COLOUR_BINS = 4, 6
# Shape tells classes apart better than colour does; colour finds the turned and cropped copies.
WEIGHTS = {"fine": 0.7, "coarse": 0.7, "layout": 0.4, "histogram": 0.5}

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class BaselinePreprocess:
    """The whole descriptor, so that it is computed in the decoder's children, in parallel.

    Every part is a sum over the picture and its mirror image: a flipped copy has the same embedding, and
    things that face left find those that face right. Of two mirrored halves one is kept.
    """

    side: int = SIDE

    def size(self, width: int, height: int) -> tuple[int, int]:  # noqa: ARG002  # the same for every picture
        return self.side, self.side

    def __call__(self, image: Image.Image) -> Array:
        """An RGB picture, squashed to a square, to its descriptor, float32 `[dim]`."""
        square = image.resize((self.side, self.side), Image.Resampling.BICUBIC)
        pixels: Array = np.asarray(square, np.float32) / np.float32(255)
        half = _halved(pixels)
        lab = rgb2lab(half).astype(np.float32)
        parts = {
            "fine": _gradients(pixels),
            "coarse": _gradients(half),
            "layout": _layout(lab),
            "histogram": _histogram(lab),
        }
        return np.concatenate([WEIGHTS[name] * _unit(part) for name, part in parts.items()])


BLOCKS = CELLS - 1
DIM = (
    2 * BLOCKS * (BLOCKS // 2 + 1) * 4 * ORIENTATIONS  # two scales of 2 x 2 cells a block
    + LAYOUT * LAYOUT // 2 * 3
    + 2 * LIGHTNESS_BINS * COLOUR_BINS**2
)


class Baseline:
    """The model `baseline`: its preprocessing is all of it."""

    dim = DIM
    batch_size = 64
    runs_on = "float32 on cpu"
    is_loaded = False

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.preprocess = BaselinePreprocess()
        self.identity = hashlib.sha256(f"baseline {VERSION} {self.preprocess} {WEIGHTS}".encode()).hexdigest()

    def forward(self, batch: Sequence[NDArray[np.generic]]) -> Array:
        """Descriptors to `[n, dim]`."""
        return np.stack(batch).astype(np.float32)

    def patch_tokens(self, batch: Sequence[NDArray[np.generic]]) -> Array:  # noqa: ARG002  # as every model has it
        """Raises NoPatches: the descriptor is of the whole picture."""
        raise NoPatches("baseline describes whole pictures only: choose a DINOv2 model (likeness models list)")

    def unload(self) -> None:
        """There is nothing to give back."""


def _gradients(pixels: Array) -> Array:
    """HOG (Dalal and Triggs 2005) less its own mean.

    All pictures share most of a HOG vector; without that part cosines tell them apart: P@5 on Caltech-101
    rose from 0.31 to 0.43.
    """
    cell = pixels.shape[0] // CELLS
    blocks = hog(
        pixels @ LUMA,
        orientations=ORIENTATIONS,
        pixels_per_cell=(cell, cell),
        cells_per_block=(2, 2),
        feature_vector=False,
    )  # rows, columns, rows and columns within a block, orientations
    mirrored = blocks[:, ::-1, :, ::-1, ::-1]
    both = (blocks + mirrored).astype(np.float32)
    both -= both.mean()
    kept = both[:, : BLOCKS // 2 + 1]
    kept[:, -1] *= np.float32(0.5**0.5)  # the middle column is its own mirror image: it counts once
    return kept.ravel()


def _layout(lab: Array) -> Array:
    """Where which colour is, relative to the picture's mean colour."""
    size = lab.shape[0] // LAYOUT
    tiles = lab.reshape(LAYOUT, size, LAYOUT, size, 3).mean(axis=(1, 3))
    tiles = tiles + tiles[:, ::-1]
    return (tiles - tiles.mean(axis=(0, 1)))[:, : LAYOUT // 2].ravel()


def _histogram(lab: Array) -> Array:
    """Lab colours of the upper and the lower half; rooted, so that cosine is Hellinger's affinity."""
    lightness = np.clip(lab[..., 0] / 100 * LIGHTNESS_BINS, 0, LIGHTNESS_BINS - 1).astype(np.intp)
    # Finer near grey, where most colours of photographs are.
    chroma = np.sign(lab[..., 1:]) * np.sqrt(np.abs(lab[..., 1:]) / 100)
    colour = np.clip((chroma + 1) / 2 * COLOUR_BINS, 0, COLOUR_BINS - 1).astype(np.intp)
    bins = (lightness * COLOUR_BINS + colour[..., 0]) * COLOUR_BINS + colour[..., 1]
    count = LIGHTNESS_BINS * COLOUR_BINS**2
    halves = np.split(bins, 2)
    return np.sqrt(np.concatenate([np.bincount(half.ravel(), minlength=count) for half in halves]))


def _halved(pixels: Array) -> Array:
    side = pixels.shape[0] // 2
    return pixels.reshape(side, 2, side, 2, 3).mean(axis=(1, 3))


def _unit(part: Array) -> Array:
    return (part / max(float(np.linalg.norm(part)), 1e-6)).astype(np.float32)
