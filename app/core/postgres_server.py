"""A Postgres server of our own on a data folder: started, watched and stopped."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo

from app.core.postgres_files import (
    PORT,
    SUPERUSER,
    ServerFiles,
    check_cluster,
    create_cluster,
    find_home,
    prepare_files,
    prepare_socket_dir,
    remove_socket_dir,
    server_binary,
)
from app.core.postgres_locks import DataFolderBusy, FileLock, PostgresError, open_private
from app.core.postgres_processes import end_leftovers, remove_socket
from app.core.postgres_user import ENVIRONMENT

DATABASE = "likeness"
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
BUSY_TIMEOUT_S = 10.0  # a short command may run the server just now
START_TIMEOUT_S = 120.0  # after a crash up to 1 GB of write-ahead log is replayed first
_ENDINGS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, None))
_POLL_S = 0.02
_LOG_TAIL_LINES = 15
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def conninfo_of(socket_dir: Path, database: str) -> str:
    """libpq's connection string for a database behind a socket in that folder."""
    return make_conninfo(host=str(socket_dir), port=PORT, dbname=database, user=SUPERUSER)


def server_lock(home: Path) -> FileLock:
    """Held exclusively by whoever runs the server, for as long as it runs."""
    return FileLock(home / "server.lock")


def busy(data_dir: Path) -> DataFolderBusy:
    """The error that names who runs the server."""
    home = find_home(data_dir)
    holder = server_lock(home).holder() if home else "another process"
    return DataFolderBusy(f"The database in {data_dir} is in use by {holder}: try again when that has ended.")


@contextlib.contextmanager
def plain_errors(data_dir: Path) -> Generator[None]:
    """Turn the system's errors (no permission, disk full) into PostgresError."""
    try:
        yield
    except OSError as error:
        raise PostgresError(f"The database in {data_dir} cannot be used: {error}.") from error


class EmbeddedPostgres:
    """A server on one data folder, which ends with us.

    Start it from the main thread: the kernel interrupts the server when the thread that started it ends, so
    that even a killed parent leaves none behind.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process: subprocess.Popen[bytes] | None = None
        self._files: ServerFiles | None = None
        self._lock: FileLock | None = None
        self._socket_dir: Path | None = None

    @property
    def running(self) -> bool:
        """Whether the server's main process is alive."""
        return self.process is not None and self.process.poll() is None

    @property
    def conninfo(self) -> str:
        """libpq's connection string. Raises PostgresError while the server has not been started."""
        if self._socket_dir is None:
            raise PostgresError(f"The database in {self.data_dir} has not been started.")
        return conninfo_of(self._socket_dir, DATABASE)

    def start(self) -> None:
        """Start and wait until it answers; the first time, make the cluster and the database.

        Raises DataFolderBusy when another process still runs the server after BUSY_TIMEOUT_S, and
        PostgresError, with the end of the server's log, when it does not come up.
        """
        if not self.try_start(BUSY_TIMEOUT_S):
            raise busy(self.data_dir)

    def try_start(self, timeout_s: float) -> bool:
        """The same, but False when another process still runs the server after that time."""
        with plain_errors(self.data_dir):
            files = prepare_files(self.data_dir)
            lock = server_lock(files.home)
            if not lock.acquire(timeout_s=timeout_s):
                return False
            self._files, self._lock = files, lock
            try:
                if not files.has_cluster():
                    create_cluster(files)
                check_cluster(files)
                self._launch(files)
            except BaseException:
                self.stop()
                raise
        return True

    def restart_if_dead(self) -> bool:
        """Start again a server that has ended by itself; whether that was needed. Raises as `start` does."""
        if self._files is None or self.running:
            return False
        with plain_errors(self.data_dir):
            self._launch(self._files)
        return True

    def stop(self) -> None:
        """End all sessions and the server: orderly, and if that takes too long, ever less so."""
        if self.process is not None:
            for ending, timeout_s in _ENDINGS:
                self.process.send_signal(ending)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(timeout_s)
                    break
        if self._files is not None and self._socket_dir is not None:
            remove_socket_dir(self._files, self._socket_dir)
        if self._lock is not None:
            self._lock.release()
        self.process = self._files = self._lock = self._socket_dir = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, files: ServerFiles) -> None:
        if sys.platform != "linux":
            raise PostgresError("The embedded Postgres needs Linux: give a database by LIKENESS_DATABASE_URL.")
        if threading.current_thread() is not threading.main_thread():
            raise PostgresError("The embedded Postgres must be started from the main thread.")
        end_leftovers(files.cluster)
        self._socket_dir = prepare_socket_dir(files)
        remove_socket(self._socket_dir)
        command = [server_binary("postgres", files.user), "-D", files.cluster, "-k", self._socket_dir]
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        log_path = self.data_dir / "postgres.log"
        log_fd = open_private(log_path, os.O_WRONLY | os.O_APPEND)
        log_start = os.fstat(log_fd).st_size
        try:
            self.process = subprocess.Popen(
                [*command, *settings],
                user=files.user.uid,
                group=files.user.gid,
                extra_groups=files.user.extra_groups,
                cwd="/",
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log_fd,
                stderr=log_fd,
                start_new_session=True,  # Ctrl-C in the terminal is for us, who then stop it in order
                preexec_fn=_end_with_parent(os.getpid()),
            )
        finally:
            os.close(log_fd)
        try:
            _create_database(self.process, self._socket_dir)
        except PostgresError as error:
            raise PostgresError(f"{error} Its log, {log_path}, ends:\n{_tail(log_path, log_start)}") from error


def _create_database(process: "subprocess.Popen[bytes]", socket_dir: Path) -> None:
    """Wait until the server answers, and make the database if it is missing."""
    try:
        with _connect_when_ready(process, conninfo_of(socket_dir, "postgres")) as conn:
            if not conn.execute("SELECT FROM pg_database WHERE datname = 'likeness'").fetchall():
                conn.execute("CREATE DATABASE likeness")
    except psycopg.Error as error:
        raise PostgresError(f"The database server does not do its work: {error}") from error


def _connect_when_ready(process: "subprocess.Popen[bytes]", conninfo: str) -> psycopg.Connection:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None:
        try:
            return psycopg.connect(conninfo, autocommit=True)
        except psycopg.OperationalError:  # it is still starting
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
    raise PostgresError(f"The database server ended at its start (exit status {process.returncode}).")


def _end_with_parent(parent: int) -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:  # it ended before we asked to be told
            os._exit(1)

    return in_child


def _tail(log_path: Path, start: int) -> str:
    lines = log_path.read_bytes()[start:].decode(errors="replace").splitlines()
    return "\n".join(lines[-_LOG_TAIL_LINES:])
