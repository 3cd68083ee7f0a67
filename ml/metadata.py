"""What a picture's file tells beside the picture: where and when it was taken, by which camera, of whom."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from PIL import ExifTags, Image

from ml import images

QUALITY = 95
"""Of the JPEG that stands in for a file whose metadata cannot be taken out in place."""

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length
_KEPT_BY_JPEG = (b"JFIF\0", b"ICC_PROFILE\0", b"Adobe")  # of the segments that are for programs: how to read colours
_TOLD_BY_PNG = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})
_TOLD_BY_WEBP = frozenset({b"EXIF", b"XMP "})


class Bare(NamedTuple):
    """A file without metadata, and its format as Pillow calls it."""

    data: bytes
    format: str


def strip(data: bytes) -> Bare:
    """The same picture without place, time, camera, captions and comments; profile and orientation stay.

    JPEG, PNG and WebP keep their pixels bit by bit; GIF, BMP, PPM and ICO tell nothing, and stay as they are. Any other
    becomes a JPEG, upright. Raises PictureRefused.
    """
    header = images.read_header(data)
    if header.format in {"JPEG", "MPO"}:
        return Bare(_strip_jpeg(data, header.orientation), "JPEG")
    if header.format == "PNG":
        return Bare(_strip_png(data, header.orientation), "PNG")
    if header.format == "WEBP":
        return Bare(_strip_webp(data, header.orientation), "WEBP")
    if header.format in {"GIF", "BMP", "PPM", "ICO"}:
        return Bare(data, header.format)
    upright = io.BytesIO()
    images.load(data).save(upright, "JPEG", quality=QUALITY, subsampling=0)
    return Bare(upright.getvalue(), "JPEG")


def _strip_jpeg(data: bytes, orientation: int) -> bytes:
    """Whole segments are left out; behind the end of the picture there may be another one, with a place of its own."""
    parts = [b"\xff\xd8"]
    if orientation != 1:
        told = b"Exif\0\0" + _exif(orientation)
        parts.append(b"\xff\xe1" + struct.pack(">H", len(told) + 2) + told)
    parts.extend(
        data[start:end]
        for marker, start, end in _jpeg_segments(data)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or data[start + 4 : end].startswith(_KEPT_BY_JPEG)
    )
    return b"".join([*parts, b"\xff\xd9"])


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment before the end of the picture; what is coded belongs to its scan's."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker == 0xD9:
            return
        if marker in {0x00, 0xFF} or marker in _STANDALONE:  # filling, or nothing to be kept between segments
            at += 1 if marker == 0xFF else 2
            continue
        if at + 4 > len(data):
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xDA:
            end = _end_of_scan(data, end)
        yield marker, at, min(end, len(data))
        at = end


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker stands that is neither a restart nor a coded 255."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] not in {0x00, 0xFF} and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 1 if data[at + 1] == 0xFF else 2
    return len(data)


def _strip_png(data: bytes, orientation: int) -> bytes:
    parts = [data[:8]]
    at = 8
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if kind not in _TOLD_BY_PNG:
            parts.append(data[at : at + 12 + length])
        if kind == b"IHDR" and orientation != 1:
            told = b"eXIf" + _exif(orientation)
            parts.append(struct.pack(">I", len(told) - 4) + told + struct.pack(">I", zlib.crc32(told)))
        if kind == b"IEND":
            break
        at += 12 + length
    return b"".join(parts)


def _strip_webp(data: bytes, orientation: int) -> bytes:
    parts: list[bytes] = []
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        chunk = data[at:end]
        if kind == b"VP8X":  # its flags say whether there are EXIF (8) and XMP (4)
            flags = chunk[8] & ~0b1100 | (0b1000 if orientation != 1 else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if kind not in _TOLD_BY_WEBP:
            parts.append(chunk)
        at = end
    if orientation != 1:
        told = _exif(orientation)
        parts.append(b"EXIF" + struct.pack("<I", len(told)) + told + b"\0" * (len(told) % 2))
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")
