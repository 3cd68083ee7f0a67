"""Who may use a data folder, and who runs its server: advisory file locks that end with their process."""

import fcntl
import os
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

_POLL_S = 0.05


class PostgresError(Exception):
    """The embedded Postgres cannot do what was asked; the message is for the user."""


class DataFolderBusy(PostgresError):
    """Another process of ours holds the data folder or its server."""


class FileLock:
    """An advisory lock on a file; its exclusive holder leaves its process id inside.

    flock, not a pid file: the kernel frees it with the process, whatever ended that. Forked children would
    share it and outlive a killed parent with it, so they close their copy at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, *, shared: bool = False, timeout_s: float | None = 0.0) -> bool:
        """Take the lock, or change the one that is held; None waits for ever. False: it was not to be had."""
        if self._fd is None:
            self._fd = open_private(self.path, os.O_RDWR)
            _held.add(self)
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        if timeout_s is None:
            fcntl.flock(self._fd, mode)
        elif not _lock_within(self._fd, mode, timeout_s):
            self.release()
            return False
        if not shared:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, str(os.getpid()).encode(), 0)
        return True

    def release(self) -> None:
        """Let go; nothing happens when the lock is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            _held.discard(self)

    def is_held(self) -> bool:
        """Whether any process, this one included, holds the lock exclusively."""
        probe = FileLock(self.path)
        free = probe.acquire(shared=True)
        probe.release()
        return not free

    def holder(self) -> str:
        """The exclusive holder, in words for a message."""
        pid = self.path.read_text().strip()
        return f"process {pid}" if pid else "another process"


_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _leave_locks_to_the_parent() -> None:
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_leave_locks_to_the_parent)


def _lock_within(fd: int, mode: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(fd, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        else:
            return True


def open_private(path: Path, flags: int) -> int:
    """Open or create a file that only the folder's owner may read; its descriptor stays out of children."""
    fd = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:  # root at work in a user's folder: the user must be able to go on alone
        owner = path.parent.stat()
        os.fchown(fd, owner.st_uid, owner.st_gid)
    return fd


class DataFolderLock:
    """Held by `likeness up` for its whole life, so that one data folder has one `up`."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._lock = FileLock(data_dir / "likeness.lock")

    def __enter__(self) -> Self:
        """Raises DataFolderBusy, naming the process, when another `up` holds the folder."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire():
            raise DataFolderBusy(f"Likeness already runs on {self.data_dir} ({self._lock.holder()}).")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
