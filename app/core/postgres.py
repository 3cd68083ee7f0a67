"""The Postgres that runs when no database is named, for all commands that work on one data folder."""

import contextlib
import time
from collections.abc import Generator
from pathlib import Path

import psycopg
import structlog

from app.core.postgres_files import binary, find_home, prepare_files
from app.core.postgres_locks import DataFolderBusy, DataFolderLock, FileLock, PostgresError
from app.core.postgres_processes import find_server
from app.core.postgres_server import (
    DATABASE,
    START_TIMEOUT_S,
    EmbeddedPostgres,
    busy,
    conninfo_of,
    plain_errors,
    server_lock,
)

__all__ = [
    "DataFolderBusy",
    "DataFolderLock",
    "EmbeddedPostgres",
    "PostgresError",
    "binary",
    "connectable",
    "find_running",
]

_POLL_S = 0.05

log = structlog.get_logger()


def find_running(data_dir: Path) -> str | None:
    """The connection string of the server that some process of ours runs on the folder, once it answers."""
    with plain_errors(data_dir):
        home = find_home(data_dir)
        if home is None or not server_lock(home).is_held():
            return None
        server = find_server(home / "cluster")
    if server is None or server.socket_dir is None:
        return None
    conninfo = conninfo_of(server.socket_dir, DATABASE)
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:  # not yet, or no longer
        return None
    return conninfo


@contextlib.contextmanager
def connectable(data_dir: Path) -> Generator[str]:
    """A connection string for the length of the block: of the running server, or of one started for it.

    Users of the server share a lock. Who started it for a block waits at the end until it has that lock
    alone: a command that came later to use the same server is not cut off. (`likeness up` does not wait.)
    Raises as `EmbeddedPostgres.start` does.
    """
    with plain_errors(data_dir):
        users = FileLock(prepare_files(data_dir).home / "users.lock")
        users.acquire(shared=True, timeout_s=None)
    server = EmbeddedPostgres(data_dir)
    try:
        yield _running_or_started(server)
    finally:
        try:
            if server.running and not users.acquire():
                log.info("waiting_for_other_commands", data_dir=str(data_dir))
                users.acquire(timeout_s=None)
        finally:
            server.stop()
            users.release()


def _running_or_started(server: EmbeddedPostgres) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.try_start(0.0):
        running = find_running(server.data_dir)
        if running is not None:
            return running
        if time.monotonic() >= deadline:
            raise busy(server.data_dir)
        time.sleep(_POLL_S)
    return server.conninfo
