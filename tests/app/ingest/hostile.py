"""Files that are no pictures, or not such as can be taken in."""

import struct
import zlib

from tests.factories import picture


def png_header(width: int, height: int) -> bytes:
    """A PNG of that size, of which nothing but the header is there: its pixels would take gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00")) + chunk(b"IEND", b"")


TEXT = b"This is a letter, whatever its name says.\n" * 20
TRUNCATED = picture(7, (640, 480), "JPEG")[:-4000]
BOMB = png_header(40_000, 40_000)
EMPTY = b""
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"

REFUSED = {"letter.jpg": TEXT, "cut.jpg": TRUNCATED, "bomb.png": BOMB, "empty.png": EMPTY, "drawing.svg": SVG}
