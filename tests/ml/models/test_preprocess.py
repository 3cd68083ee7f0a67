"""Pictures to pixels: the reference transform number for number, and every shape for all three."""

import io
import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

from ml import images
from ml.models.model import WrongCheckpoint
from ml.models.preprocess import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    CentreCrop,
    Fit,
    Normalisation,
    Tiles,
    make_transform,
    read_processor,
)
from tests.ml.checkpoints import edit_json, processor_config

Box = tuple[float, float, float, float]

FIT = Fit(14, 224**2)
TILES = Tiles(224)
EXTREMES = [
    (1, 1), (1, 2), (1, 9000), (9000, 1), (31, 20), (5, 900), (13, 15), (224, 224), (225, 223), (640, 425), (448, 448),
    (449, 447), (1200, 257), (4395, 293), (16000, 500), (500, 16000), (6000, 4000), (4000, 6000),
]  # fmt: skip


class Sized:
    """Stands in for a picture of any size, and remembers what was cut out of it."""

    def __init__(self, width: int, height: int) -> None:
        self.size = self.width, self.height = width, height
        self.boxes: list[Box] = []

    def resize(self, size: tuple[int, int], _resample: int, box: Box | None = None) -> Image.Image:
        self.boxes.append(box or (0, 0, self.width, self.height))
        return Image.new("RGB", size)


sizes = st.integers(1, 20_000)


@pytest.mark.parametrize("size", [(256, 256), (640, 425), (425, 640), (301, 299), (30, 40), (1200, 257), (1, 1)])
def test_pixels_equal_the_processors(size: tuple[int, int]) -> None:
    random = np.random.default_rng(sum(size))
    picture = Image.fromarray(random.integers(0, 256, (9, 8, 3), np.uint8)).resize(size)
    processor = BitImageProcessorPil(**processor_config(256, 224))
    processed = processor(images=picture, do_normalize=False, do_rescale=False, return_tensors="np")
    expected = np.asarray(processed["pixel_values"])[0].transpose(1, 2, 0).astype(np.float32)
    ours = CentreCrop()(picture)
    assert (ours.shape, ours.dtype) == ((224, 224, 3), np.uint8)
    difference = np.abs(ours - expected)
    assert difference.max() <= 4  # at sharp edges: the processor rounds to bytes twice
    assert difference.mean() < 0.2


def test_a_jpeg_decoded_for_it_gives_nearly_the_same_pixels() -> None:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).resize((2800, 2100), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95)
    decoded = images.load(buffer.getvalue(), resized_to=CentreCrop().size)
    assert decoded.size == (700, 525)
    whole, reduced = (CentreCrop()(image).astype(np.float32) for image in (images.load(buffer.getvalue()), decoded))
    assert 0 < np.abs(whole - reduced).mean() < 0.6


@pytest.mark.parametrize("size", EXTREMES)
def test_every_shape_has_its_pixels(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, (200, 100, 50))
    cropped, fitted, tiled = CentreCrop()(picture), FIT(picture), TILES(picture)
    assert cropped.shape == (224, 224, 3)
    assert fitted.shape[0] % 14 == fitted.shape[1] % 14 == 0
    assert fitted.shape[0] * fitted.shape[1] <= 224**2
    assert tiled.shape[1:] == (224, 224, 3)
    assert 1 <= len(tiled) <= TILES.most
    for pixels in (cropped, fitted, tiled):
        assert pixels.dtype == np.uint8
        assert (pixels == (200, 100, 50)).all()


@settings(deadline=None)
@given(sizes, sizes)
def test_fit_holds_its_budget_and_keeps_the_shape(width: int, height: int) -> None:
    across, down = FIT.size(width, height)
    assert across % 14 == down % 14 == 0
    assert across * down <= 224**2
    longer, shorter = max(width, height), min(width, height)
    if longer <= 40 * shorter:
        # In whole patches: as near to the picture's shape as half a patch a side allows.
        assert across * down > 0.7 * 224**2
        patches = min(across, down) // 14
        assert max(across, down) / min(across, down) == pytest.approx(longer / shorter, rel=0.6 / patches + 0.1)
        assert (across >= down) == (width >= height) or across == down


@settings(deadline=None)
@given(sizes, sizes, st.sampled_from((56, 224, 518)))
def test_windows_are_within_the_picture_and_cover_it(width: int, height: int, side: int) -> None:
    tiles, picture = Tiles(side), Sized(width, height)
    count = len(tiles(cast("Image.Image", picture)))
    assert len(picture.boxes) == count <= tiles.most
    whole, *windows = picture.boxes
    assert whole == (0, 0, width, height)
    for left, top, right, bottom in windows:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert right - left == pytest.approx(bottom - top, rel=1e-6)
        # Never enlarged; a window sees a quarter of a square picture or more.
        assert right - left >= min(side, min(width, height) / 2) * (1 - 1e-6)
    longer, shorter = max(width, height), min(width, height)
    if windows and longer <= 20 * shorter:
        assert _covers(windows, 0, width)
        assert _covers(windows, 1, height)
    # A side that is longer by less than a tenth of a step is seen by one window.
    assert bool(windows) == (shorter >= side and min(longer, longer * 2 * side / shorter) > side * 1.075)


def test_a_long_strip_is_seen_at_even_distances() -> None:
    picture = Sized(60_000, 1000)
    assert len(TILES(cast("Image.Image", picture))) == TILES.most
    lefts = [box[0] for box in picture.boxes[1:]]
    assert np.diff(lefts) == pytest.approx([59_000 / 22] * 22)
    assert picture.boxes[-1] == (59_000, 0, 60_000, 1000)


def test_windows_show_what_stands_there() -> None:
    rows, columns = np.mgrid[0:900, 0:1600]
    ramps = np.stack([columns * 255 / 1599, rows * 255 / 899, np.zeros_like(rows)], axis=2).astype(np.uint8)
    whole, *windows = TILES(Image.fromarray(ramps)).astype(np.float32)
    assert whole.mean(axis=(0, 1))[:2] == pytest.approx([127, 127], abs=1)
    across, down, scale = TILES.grid(1600, 900)
    assert (across, down, len(windows)) == (5, 3, 15)
    window = 224 / scale
    centres = [window / 2 + (length - window) * np.linspace(0, 1, n) for length, n in ((1600, 5), (900, 3))]
    expected = [(x / 1600 * 255, y / 900 * 255) for y in centres[1] for x in centres[0]]
    assert np.array([one.mean(axis=(0, 1))[:2] for one in windows]) == pytest.approx(np.array(expected), abs=1.5)


def test_transforms_are_made_for_the_network() -> None:
    reference = CentreCrop(64, 56)
    assert make_transform("reference", reference, 14) is reference
    assert make_transform("fit", reference, 14) == Fit(14, 56**2)
    assert make_transform("tiles", reference, 14) == Tiles(56)


def test_a_jpeg_is_decoded_near_the_size_that_it_is_brought_to() -> None:
    assert CentreCrop().size(4000, 3000) == (341, 256)
    assert FIT.size(4000, 3000) == (252, 196)
    assert TILES.size(4000, 3000) == (597, 448)
    assert TILES.size(100, 50) == (224, 112)


def test_the_processor_is_read_from_the_checkpoint(copy: Path, tmp_path: Path) -> None:
    assert read_processor(copy) == (CentreCrop(64, 56), Normalisation(IMAGENET_MEAN, IMAGENET_STD))
    edit_json(copy / "preprocessor_config.json", image_mean=[0.1, 0.2, 0.3], image_std=[1, 2, 3])
    assert read_processor(copy)[1] == Normalisation((0.1, 0.2, 0.3), (1, 2, 3))
    assert read_processor(tmp_path) == (CentreCrop(256, 224), Normalisation(IMAGENET_MEAN, IMAGENET_STD))


@pytest.mark.parametrize(
    "stated",
    [
        "no json",
        "[]",
        "{}",
        json.dumps({**processor_config(56, 64)}),
        json.dumps({**processor_config(64, 0)}),
        json.dumps({**processor_config(64, 56), "image_mean": [0.5]}),
        json.dumps({**processor_config(64, 56), "image_std": [1, 1, 0]}),
    ],
)
def test_a_configuration_that_does_not_fit_is_named(tmp_path: Path, stated: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(stated)
    with pytest.raises(WrongCheckpoint, match=r"preprocessor_config\.json"):
        read_processor(tmp_path)


def _covers(boxes: list[Box], axis: int, length: int) -> bool:
    """Whether the boxes leave no gap along an axis, as they form a grid; one alone may leave a sliver at each end."""
    spans = sorted({(box[axis], box[axis + 2]) for box in boxes})
    sliver = 0.04 * (spans[0][1] - spans[0][0]) if len(spans) == 1 else 1e-6
    reached = 0.0
    for begin, end in spans:
        if begin > reached + sliver:
            return False
        reached = max(reached, end)
    return reached >= length - sliver - 1e-6 * length
