"""Encoded bytes to upright sRGB pixels: formats, limits, orientation, reduced decoding."""

import io
import re
import threading
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin

from ml import signatures
from ml.colour import to_srgb

# Never SVG or EPS: one runs scripts in a browser, the other would run Ghostscript. MPO is opened as JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "JPEG2000", "PPM", "ICO")
# One thread, as every other format: the pool has a child for each core. A phone's 12 megapixels take 0.2 s.
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

WEBP_MAX_SIDE = 16_383  # the format's own limit
WEBP_QUALITY = 80
WEBP_METHOD = 2  # half the time of the default 4, for files 3% larger
NEEDS_MEMORY = "too large: decoding it needs more memory than is allowed"
CUT_SHORT = "the file is cut short"
KNOWN = f"the formats read are {', '.join(FORMATS)}"
MOST = 0.5  # of the rows of a damaged PNG

# `warnings.catch_warnings` changes the whole process: one picture at a time, then.
_WARNINGS_LOCK = threading.RLock()


SizeOf = Callable[[int, int], tuple[int, int]]
"""From a picture's width and height in pixels to those that something wants of it."""


class PictureRefused(Exception):
    """A picture that cannot be taken in; `reason` is a plain sentence for the person who sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before any pixel is decoded.

    100 megapixels take a 24-megapixel photo, a phone's panorama (16,000 x 4,000) and a medium-format camera,
    and need 400 MB for one RGB copy. `max_side` is JPEG's own limit.
    """

    max_bytes: int = 100 * 1024**2
    max_pixels: int = 102_000_000
    max_side: int = 65_535


LIMITS = Limits()


class Header(NamedTuple):
    """What a file says of itself before its pixels are decoded; orientation (EXIF, 1 to 8) is not applied."""

    format: str
    width: int
    height: int
    orientation: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright RGB picture, perhaps reduced, with the size that it has in full, as displayed."""

    image: Image.Image
    format: str
    width: int
    height: int


def read_header(data: bytes, *, limits: Limits = LIMITS) -> Header:
    """Format, size and orientation from the header alone. Raises PictureRefused."""
    with _opened(data, limits) as picture:
        return Header(_format(picture), *picture.size, _orientation(picture))


def load(data: bytes, *, resized_to: SizeOf | None = None, limits: Limits = LIMITS) -> Image.Image:
    """The first frame, upright, sRGB, mode RGB, transparency flattened on white.

    With `resized_to` (width and height that the caller will bring a picture of some size to) a JPEG is decoded at
    a reduced size of at least twice that, which moves the resized picture by 0.2/255 on average. Raises
    PictureRefused.
    """

    def twice(width: int, height: int) -> tuple[int, int]:
        across, down = resized_to(width, height) if resized_to else (width, height)
        return 2 * across, 2 * down

    return decode(data, at_least=twice if resized_to else None, limits=limits).image


def decode(data: bytes, *, at_least: SizeOf | None = None, limits: Limits = LIMITS) -> Decoded:
    """As `load`, with the picture's format and full size.

    With `at_least` (of width and height in pixels, as displayed) a JPEG is decoded at 1/2, 1/4 or 1/8 of its
    size, the smallest that is no smaller than that in either direction. Every byte is read all the same, so
    that a file that is cut short is noticed. Raises PictureRefused.
    """
    with _opened(data, limits) as picture:
        width, height = picture.size
        if at_least is not None and picture.format in {"JPEG", "MPO"}:
            if _orientation(picture) >= 5:
                across, down = at_least(height, width)
                picture.draft(None, (down, across))
            else:
                picture.draft(None, at_least(width, height))
        _load(picture)
        # Asked after loading: TIFF has turned itself by then, and PNG may state it behind the pixels.
        orientation = _orientation(picture)
        if orientation >= 5:
            width, height = height, width
        upright = _turned(to_srgb(picture), orientation)
        return Decoded(upright, _format(picture), width, height)


def shrink(image: Image.Image, width: int) -> Image.Image:
    """The picture at most `width` pixels across and no higher than a WebP can be; never enlarged."""
    scale = min(1.0, width / image.width, WEBP_MAX_SIDE / image.height)
    if scale == 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)


def encode_webp(image: Image.Image, width: int) -> bytes:
    """A WebP of at most `width` pixels across, never enlarged, without any metadata of the original."""
    buffer = io.BytesIO()
    shrink(image, width).save(
        buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD, exif=b"", icc_profile=b"", xmp=b""
    )
    return buffer.getvalue()


def encode_png(pixels: NDArray[np.uint8], *, limits: Limits = LIMITS) -> bytes:
    """A PNG of bare pixels [height, width, 3]. Raises PictureRefused."""
    height, width, _ = pixels.shape
    _check_size(width, height, limits)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def _opened(data: bytes, limits: Limits) -> Generator[Image.Image]:
    """The picture, identified and within the limits; what Pillow raises in the block is PictureRefused."""
    if not data:
        raise PictureRefused("the file is empty")
    if len(data) > limits.max_bytes:
        raise PictureRefused(f"too large: {_mib(len(data))}; the limit is {_mib(limits.max_bytes)}")
    if signatures.is_cut_short(data):
        raise PictureRefused(CUT_SHORT)
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is no reason to refuse a picture
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = limits.max_pixels  # asked by Pillow for each picture, those inside files too
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                _check_size(*picture.size, limits)
                yield picture
        except PictureRefused:
            raise
        except MemoryError as error:
            raise PictureRefused(NEEDS_MEMORY) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            stated = re.search(r"\((\d+) pixels\)", str(error))
            raise PictureRefused(_too_many_pixels(int(stated[1]) if stated else None, limits)) from error
        except Image.UnidentifiedImageError as error:
            raise PictureRefused(f"not a picture: {signatures.guess(data) or KNOWN}") from error
        except Exception as error:  # Pillow's readers raise almost anything on a damaged file
            raise PictureRefused(_explain(error)) from error


def _load(picture: Image.Image) -> None:
    """Decode the pixels. A PNG that is there to its end but damaged inside is taken if most of it could be read."""
    try:
        picture.load()
    except OSError:
        # Pillow keeps `tile` when the file ends too early; without it, the second call gives what was decoded.
        if not isinstance(picture, PngImagePlugin.PngImageFile) or picture.tile:
            raise
        picture.load()
        read = picture.getbbox(alpha_only=False)
        if read is None or read[3] < picture.height * MOST:
            raise


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width < 1 or height < 1:
        raise PictureRefused("not a picture: it has no pixels")
    if max(width, height) > limits.max_side:
        limit = f"{limits.max_side} pixels a side"
        raise PictureRefused(f"too large: {width} x {height} pixels; the limit is {limit}")
    if width * height > limits.max_pixels:
        raise PictureRefused(_too_many_pixels(width * height, limits))


def _too_many_pixels(pixels: int | None, limits: Limits) -> str:
    limit = f"the limit is {limits.max_pixels / 1e6:,.0f} megapixels"
    return f"too large: {pixels / 1e6:,.0f} megapixels; {limit}" if pixels else f"too large: {limit}"


def _explain(error: Exception) -> str:
    text = str(error).lower()
    if "truncated" in text or "unexpected end" in text:
        return CUT_SHORT
    return "the file is damaged: its pixels cannot be decoded"


def _format(picture: Image.Image) -> str:
    return picture.format or "unknown"


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:.0f} MiB"


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where none, or a senseless one, is stated."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError):
        return 1  # broken metadata is no reason to refuse a picture
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
