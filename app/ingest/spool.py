"""The spool: archives that come in by pieces, each a file that only grows."""

import asyncio
import errno
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from app.core.errors import Conflict, DiskFull, NotFound, TooLarge

SPARE_BYTES = 512 * 1024**2
"""What must stay free on the disk beside an archive: its pictures come after it."""


class Spool:
    """One folder. How much of an archive is here, the length of its file tells, whatever died meanwhile."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, upload_id: UUID | str) -> Path:
        return self.root / str(UUID(str(upload_id)))

    def create(self, upload_id: UUID, size_bytes: int) -> None:
        """An empty file. Raises DiskFull when the whole would not fit."""
        self.root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.root).free
        if size_bytes + SPARE_BYTES > free:
            raise DiskFull(f"an archive of {size_bytes:,} bytes does not fit: {free:,} are free on the gallery's disk")
        self.path(upload_id).touch()

    def received_bytes(self, upload_id: UUID) -> int:
        """How much is here. Raises NotFound."""
        try:
            return self.path(upload_id).stat().st_size
        except FileNotFoundError as error:
            raise NotFound("no such upload") from error

    async def append(self, upload_id: UUID, offset: int, pieces: AsyncIterator[bytes], size_bytes: int) -> int:
        """Write on from `offset`; returns how much is here then. What came before a fault stays.

        Raises Conflict when the file ends elsewhere or another request is writing to it, TooLarge for more than
        `size_bytes` in all, DiskFull, NotFound.
        """
        try:
            file = self.path(upload_id).open("r+b", buffering=0)
        except FileNotFoundError as error:
            raise NotFound("no such upload") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict("another request is sending this upload", title="Busy") from error
            here = os.fstat(file.fileno()).st_size
            if offset != here:
                raise Conflict(f"the upload goes on at byte {here}, not {offset}", title="Another offset")
            file.seek(here)
            async for piece in pieces:
                if here + len(piece) > size_bytes:
                    raise TooLarge(f"more bytes than the {size_bytes:,} that were announced")
                await asyncio.to_thread(_write_all, file.fileno(), piece)
                here += len(piece)
            if here == size_bytes:
                await asyncio.to_thread(os.fsync, file.fileno())
            return here

    def remove(self, upload_id: UUID) -> None:
        """Erase an upload; an absent one is no error."""
        self.path(upload_id).unlink(missing_ok=True)

    def untouched_for(self, seconds: float) -> list[UUID]:
        """The uploads that nothing was added to for so long."""
        if not self.root.is_dir():
            return []
        oldest = time.time() - seconds
        return [UUID(one.name) for one in self.root.iterdir() if one.stat().st_mtime < oldest]


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("there is no room left on the disk: free some, then go on with the upload") from error
        raise
