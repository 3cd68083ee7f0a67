"""Content-addressed files: originals by their SHA-256, thumbnails beside them."""

import errno
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from app.core.errors import DiskFull, NotFound

THUMBNAIL_WIDTHS = (256, 512, 1024)
MARKER = ".likeness-volume"
WRITERS = 8


class VolumeMissing(Exception):
    """The folder of pictures is not the one that this database belongs to."""


class BlobStore:
    """Originals and thumbnails under one folder. All verbs block: call them from a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self, volume: str | None) -> str:
        """Check the volume's marker against the database's, or make one on the very first start.

        A missing mount must never look like "all files gone".
        Raises VolumeMissing when the marker is absent or another database's.
        """
        marker = self.root / MARKER
        if volume is None and not marker.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            _write(marker, secrets.token_hex(16).encode(), durable=True)
        try:
            found = marker.read_text().strip()
        except OSError as error:
            raise VolumeMissing(
                f"{marker} is missing: the folder of pictures is not mounted. "
                "Mount it, or restore it from a backup; nothing has been changed."
            ) from error
        if volume is not None and found != volume:
            raise VolumeMissing(
                f"{self.root} belongs to another gallery (marker {found[:8]}…, the database expects {volume[:8]}…)"
            )
        return found

    def original(self, digest: bytes) -> Path:
        name = digest.hex()
        return self.root / "originals" / name[:2] / name

    def thumbnail(self, digest: bytes, width: int) -> Path:
        name = digest.hex()
        return self.root / "thumbnails" / name[:2] / f"{name}-{width}.webp"

    def put_all(self, files: Sequence[tuple[bytes, bytes, dict[int, bytes]]]) -> None:
        """Store originals by digest, with their thumbnails by width; what is there already is left alone.

        Raises DiskFull when there is no room; nothing partial stays at a final path.
        """
        if len(files) == 1:
            self._put(*files[0])
            return
        # Waiting for the disk is most of it: by eight at a time a file takes 0.14 ms, one by one 0.31.
        with ThreadPoolExecutor(WRITERS) as pool:
            for _ in pool.map(lambda one: self._put(*one), files):
                pass

    def _put(self, digest: bytes, data: bytes, thumbnails: dict[int, bytes]) -> None:
        original = self.original(digest)
        if not original.exists():
            _write(original, data, durable=True)
        written: dict[bytes, Path] = {}
        for width, encoded in thumbnails.items():
            path = self.thumbnail(digest, width)
            if path.exists():
                continue
            if encoded in written:  # of a small picture all are the same
                with suppress(FileExistsError):
                    path.hardlink_to(written[encoded])
            else:
                # Thumbnails can be made again from the original, so they need no fsync.
                _write(path, encoded, durable=False)
                written[encoded] = path

    def read(self, path: Path) -> bytes:
        """The bytes of one file. Raises NotFound when it is not there."""
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound("the file of this picture is missing") from error

    def remove(self, digest: bytes) -> None:
        """Erase an original and its thumbnails; absent ones are no error."""
        for width in THUMBNAIL_WIDTHS:
            self.thumbnail(digest, width).unlink(missing_ok=True)
        self.original(digest).unlink(missing_ok=True)


def _write(path: Path, data: bytes, *, durable: bool) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            file = temporary.open("xb")
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = temporary.open("xb")
        with file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.rename(path)
        if durable:
            _sync(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("there is no room left on the disk: free some, then try again") from error
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
