"""Many originals as one ZIP, made while it is sent: nothing but the picture at hand is held in memory."""

import asyncio
import io
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from app.accounts.records import Viewer
from app.core.blobs import BlobStore
from app.core.errors import AppError
from app.images.media import read_original
from app.images.records import Image
from ml.decoder import Decoder
from ml.images import PictureRefused

EPOCH = datetime(1980, 1, 1)  # noqa: DTZ001  a ZIP's times have no zone, and begin here
LEFT_OUT = "left out.txt"


class _Outlet(io.RawIOBase):
    """What is written waits here until it is sent; nothing can be sought, so a ZIP's sizes follow its files."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


async def stream(blobs: BlobStore, decoder: Decoder, viewer: Viewer, images: Sequence[Image]) -> AsyncGenerator[bytes]:
    """The ZIP in pieces, a picture each, as this viewer may have them (`media.read_original`); not compressed anew.

    A file that cannot be had is named in `left out.txt`, at the end.
    """
    outlet = _Outlet()
    missing: list[str] = []
    taken: set[str] = {LEFT_OUT}
    with ZipFile(outlet, "w", ZIP_STORED) as archive:
        for image in images:
            try:
                name, data = await read_original(blobs, decoder, viewer, image)
            except (AppError, PictureRefused) as error:
                missing.append(f"{_plain(image.filename)}: {error}")
                continue
            info = ZipInfo(_unused(_plain(name), taken), _time(image.created_at))
            await asyncio.to_thread(archive.writestr, info, data)
            yield outlet.take()
        if missing:
            archive.writestr(LEFT_OUT, "\n".join(missing) + "\n")
    yield outlet.take()


def _plain(name: str) -> str:
    """A name that no unpacker takes for a path."""
    plain = "".join("_" if one in '/\\:*?"<>|' or not one.isprintable() else one for one in name).strip(". ")
    return plain or "picture"


def _unused(name: str, taken: set[str]) -> str:
    """The name, numbered where another picture has it; letter case aside, as some file systems read it."""
    stem, dot, suffix = name.rpartition(".")
    number, unused = 1, name
    while unused.lower() in taken:
        number += 1
        unused = f"{stem} ({number}){dot}{suffix}" if stem else f"{name} ({number})"
    taken.add(unused.lower())
    return unused


def _time(at: datetime) -> tuple[int, int, int, int, int, int]:
    at = max(at.replace(tzinfo=None), EPOCH)
    return at.year, at.month, at.day, at.hour, at.minute, at.second
