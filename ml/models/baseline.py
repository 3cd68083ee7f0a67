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

VERSION = 2  # part of the identity: count up whenever the descriptor of a picture changes
SIDE = 96
CELLS = 6  # gradient cells a side, at both scales
ORIENTATIONS = 8  # a quarter turn is then a shift by four
LAYOUT = 8
LIGHTNESS_BINS, COLOUR_BINS = 4, 6  # of the inner part and of the rim
FINE_LIGHTNESS_BINS, FINE_COLOUR_BINS = 8, 10  # of the whole
RIM = SIDE // 12  # half-size pixels: the rim is as large as what it surrounds
# By a climb over altered ImageNet pictures, CIFAR-10, Caltech-101 and clothing (docs/evaluation.md says which).
# Shape as it stands tells classes apart; shape and colour however turned find copies.
WEIGHTS = {
    "fine": 0.59,
    "coarse": 0.69,
    "turned": 0.34,
    "layout": 0.3,
    "turned_layout": 0.23,
    "colours": 0.51,
    "rings": 0.46,
}

FLAT = 3.0
"""A margin's rows deviate by less, of 255, in every channel: those of a frame, not of a sky."""
LEAST_SIDE = SIDE // 5  # what is left within margins is never less

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class BaselinePreprocess:
    """The whole descriptor, so that it is computed in the decoder's children, in parallel.

    Margins of one colour are cut off first: a letterboxed copy, and one in a frame, is then its original. Every part
    is the same for the mirror image: things that face left find those that face right.
    """

    side: int = SIDE

    def size(self, width: int, height: int) -> tuple[int, int]:  # noqa: ARG002  # the same for every picture
        return self.side, self.side

    def __call__(self, image: Image.Image) -> Array:
        """An RGB picture, squashed to a square, to its descriptor, float32 `[dim]`."""
        pixels = _without_margins(image, self.side) / np.float32(255)
        half = _halved(pixels)
        lab = rgb2lab(half).astype(np.float32)
        fine, coarse = _gradients(pixels), _gradients(half)
        layout, colours = _layout(lab), _spread(lab)
        parts = {
            "fine": _shape(fine),
            "coarse": _shape(coarse),
            "turned": _turned_shape(coarse),
            "layout": layout[:, : LAYOUT // 2].ravel(),
            "turned_layout": _turned_layout(layout).ravel(),
            "colours": _histogram(colours, FINE_LIGHTNESS_BINS, FINE_COLOUR_BINS),
            "rings": _rings(colours),
        }
        return np.concatenate([WEIGHTS[name] * _unit(part) for name, part in parts.items()])


BLOCKS = CELLS - 1
KEPT = BLOCKS // 2 + 1  # of symmetrical blocks, a side
DIM = (
    2 * BLOCKS * KEPT * 4 * ORIENTATIONS  # two scales of 2 x 2 cells a block
    + KEPT * KEPT * 4 * ORIENTATIONS
    + (LAYOUT * LAYOUT // 2 + (LAYOUT // 2) ** 2) * 3
    + FINE_LIGHTNESS_BINS * FINE_COLOUR_BINS**2
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


def _without_margins(image: Image.Image, side: int) -> Array:
    """The picture as a square `[side, side, 3]`, from 0 to 255, without the margins of one colour around it.

    Also without one margin inside another (a screenshot's bar, then its background): until nothing is flat.
    """
    square = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC), np.float32)
    top, bottom, left, right = 0, side, 0, side
    while min(bottom - top, right - left) >= LEAST_SIDE:
        before = top, bottom, left, right
        top += _is_flat(square[top, left:right])
        bottom -= _is_flat(square[bottom - 1, left:right])
        left += _is_flat(square[top:bottom, left])
        right -= _is_flat(square[top:bottom, right - 1])
        if (top, bottom, left, right) == before:
            break
    if (bottom - top, right - left) == (side, side) or min(bottom - top, right - left) < LEAST_SIDE:
        return square
    # One more where something was cut: there margin and picture are mixed.
    kept = left + (left > 0), top + (top > 0), right - (right < side), bottom - (bottom < side)
    across, down = image.width / side, image.height / side
    box = kept[0] * across, kept[1] * down, kept[2] * across, kept[3] * down
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=box), np.float32)


def _is_flat(line: Array) -> bool:
    return bool(line.std(axis=0).max() < FLAT)


def _gradients(pixels: Array) -> Array:
    """HOG (Dalal and Triggs 2005), `[rows, columns, 2, 2, orientations]`: blocks, cells within a block."""
    cell = pixels.shape[0] // CELLS
    return hog(
        pixels @ LUMA,
        orientations=ORIENTATIONS,
        pixels_per_cell=(cell, cell),
        cells_per_block=(2, 2),
        feature_vector=False,
    ).astype(np.float32)


def _shape(blocks: Array) -> Array:
    """HOG of the picture and its mirror image, less its own mean; of two mirrored halves one is kept.

    All pictures share most of a HOG vector; without that part cosines tell them apart: P@5 on Caltech-101
    rose from 0.31 to 0.43.
    """
    both = blocks + _mirrored(blocks)
    both -= both.mean()
    kept = both[:, :KEPT]
    kept[:, -1] *= np.float32(0.5**0.5)  # the middle column is its own mirror image: it counts once
    return kept.ravel()


def _turned_shape(blocks: Array) -> Array:
    """HOG of the picture in all its eight turns and mirror images, less its mean; of the quarters one is kept."""
    both = blocks + blocks[::-1, ::-1, ::-1, ::-1]
    quarter = np.roll(np.rot90(np.rot90(both, axes=(0, 1)), axes=(2, 3)), ORIENTATIONS // 2, axis=-1)
    turned = both + quarter
    total = turned + _mirrored(turned)
    return (total - total.mean())[:KEPT, :KEPT].ravel()


def _mirrored(blocks: NDArray[np.floating]) -> NDArray[np.floating]:
    return blocks[:, ::-1, :, ::-1, ::-1]


def _layout(lab: Array) -> Array:
    """Where which colour is, in the picture and its mirror image, relative to its mean colour: `[8, 8, 3]`."""
    size = lab.shape[0] // LAYOUT
    tiles: Array = lab.reshape(LAYOUT, size, LAYOUT, size, 3).mean(axis=(1, 3))
    tiles = tiles + tiles[:, ::-1]
    return (tiles - tiles.mean(axis=(0, 1))).astype(np.float32)


def _turned_layout(layout: Array) -> Array:
    """Which colours are further in and which further out, however the picture is turned; of the quarters one."""
    upside: Array = layout + layout[::-1]
    return (upside + upside.transpose(1, 0, 2))[: LAYOUT // 2, : LAYOUT // 2]


def _rings(colours: Array) -> NDArray[np.float64]:
    """The colours of the inner part and of the rim."""
    whole = _histogram(colours, LIGHTNESS_BINS, COLOUR_BINS)
    inner = _histogram(colours[RIM:-RIM, RIM:-RIM], LIGHTNESS_BINS, COLOUR_BINS)
    return np.concatenate([inner, np.sqrt(np.maximum(whole**2 - inner**2, 0))])


def _spread(lab: Array) -> Array:
    """Lab from 0 to 1, finer near grey, where most colours of photographs are."""
    chroma = np.sign(lab[..., 1:]) * np.sqrt(np.abs(lab[..., 1:]) / 100)
    return np.concatenate([lab[..., :1] / 100, (chroma + 1) / 2], axis=-1).astype(np.float32)


def _histogram(colours: Array, lightness_bins: int, colour_bins: int) -> NDArray[np.float64]:
    """How much there is of each colour; rooted, so that cosine is Hellinger's affinity."""
    most = np.array([lightness_bins, colour_bins, colour_bins], np.float32)
    lightness, a, b = np.moveaxis(np.clip(colours * most, 0, most - 1).astype(np.intp), -1, 0)
    bins = (lightness * colour_bins + a) * colour_bins + b
    return np.sqrt(np.bincount(bins.ravel(), minlength=lightness_bins * colour_bins**2))


def _halved(pixels: Array) -> Array:
    side = pixels.shape[0] // 2
    return pixels.reshape(side, 2, side, 2, 3).mean(axis=(1, 3))


def _unit(part: NDArray[np.floating]) -> Array:
    return (part / max(float(np.linalg.norm(part)), 1e-6)).astype(np.float32)
