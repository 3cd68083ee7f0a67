"""A part of a picture: within the picture whatever is asked, and as sharp as the picture is."""

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from ml import images
from ml.crop import MIN_SIDE, Crop, load_crop
from ml.images import PictureRefused


def quarters(kind: str = "PNG", size: tuple[int, int] = (400, 200), orientation: int = 1) -> bytes:
    """Red, green / blue, white."""
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0], pixels[0, 1], pixels[1, 0], pixels[1, 1] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).save(buffer, kind, exif=exif, quality=95)
    return buffer.getvalue()


def as_it_is(width: int, height: int) -> tuple[int, int]:
    return width, height


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(numbers, numbers, numbers, numbers, st.integers(1, 70_000), st.integers(1, 70_000))
def test_a30_a_box_lies_within_its_picture_whatever_the_numbers(
    x: float, y: float, width: float, height: float, across: int, down: int
) -> None:
    crop = Crop(x, y, width, height)
    if not crop.is_within:
        return
    left, upper, right, lower = crop.box(across, down)
    assert 0 <= left <= right <= across
    assert 0 <= upper <= lower <= down


@pytest.mark.parametrize(
    "crop",
    [
        Crop(math.nan, 0, 1, 1),
        Crop(0, 0, math.inf, 1),
        Crop(1, 0, 0.5, 1),
        Crop(0, 0, 0, 1),
        Crop(0.5, 0.5, -0.2, 0.2),
        Crop(-1, 0, 0.9, 1),
    ],
)
def test_a30_what_is_no_part_is_told(crop: Crop) -> None:
    assert not crop.is_within


def test_a30_what_lies_beyond_the_picture_is_cut_off() -> None:
    part = load_crop(quarters(), Crop(0.5, -3, 100, 3.5).clamped(), as_it_is)
    assert part.size == (200, 100)
    assert np.asarray(part).reshape(-1, 3).mean(axis=0).tolist() == [0, 255, 0]


def test_a_part_is_of_the_picture_as_displayed() -> None:
    # Turned by 90 degrees clockwise: blue and red above, white and green below.
    part = load_crop(quarters("JPEG", orientation=6), Crop(0, 0, 0.5, 0.5), as_it_is)
    assert part.size == (100, 200)
    np.testing.assert_allclose(np.asarray(part).reshape(-1, 3).mean(axis=0), (0, 0, 255), atol=12)


def test_a_small_part_of_a_large_jpeg_is_decoded_in_full() -> None:
    data = quarters("JPEG", (4000, 2000))

    def small(width: int, height: int) -> tuple[int, int]:
        return 100, 50

    assert load_crop(data, Crop(0, 0, 0.05, 0.05), small).size == (200, 100)
    whole = load_crop(data, Crop(0, 0, 1, 1), small)
    assert whole.size == images.load(data, resized_to=small).size == (500, 250)


def test_a30_a_part_of_too_few_pixels_is_refused() -> None:
    data = quarters()
    assert load_crop(data, Crop(0, 0, MIN_SIDE / 400, MIN_SIDE / 200), as_it_is).size == (16, 16)
    with pytest.raises(PictureRefused, match="15 x 16 of 400 x 200 pixels"):
        load_crop(data, Crop(0, 0, 15 / 400, 0.08), as_it_is)
