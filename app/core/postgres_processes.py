"""Which server processes work on a cluster, told from the kernel's records and not from a pid file's word."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from app.core.postgres_files import socket_files
from app.core.postgres_locks import PostgresError

_POLL_S = 0.02
# Postgres's own steps: end all sessions, leave without writing (the next start recovers), by force.
_ENDINGS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True)
class RunningServer:
    """The main process of a server, and the folder of its socket once there is one."""

    pid: int
    socket_dir: Path | None


def find_server(cluster: Path) -> RunningServer | None:
    """The server that the cluster's pid file names, if that process really works there."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or not _works_on(int(lines[0]), cluster):
        return None
    socket_dir = lines[4] if len(lines) > 4 else ""  # filled in as the server starts
    return RunningServer(int(lines[0]), Path(socket_dir) if socket_dir else None)


def end_leftovers(cluster: Path) -> None:
    """End what still runs on the cluster without a supervisor, and remove what it left there.

    Only for the holder of the server's lock. Without this a pid file whose number was given to another
    process would keep the server from starting. Raises PostgresError when a process cannot be ended.
    """
    server = find_server(cluster)
    for ending, timeout_s in _ENDINGS:
        pids = _processes_on(cluster)
        # To all but the main process an interrupt means something else.
        for pid in pids:
            if ending != signal.SIGINT or (server and pid == server.pid):
                _send(pid, ending, cluster)
        if _wait_for_end(cluster, timeout_s):
            break
    else:
        raise PostgresError(f"Processes of an earlier server on {cluster} do not end: {_processes_on(cluster)}.")
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def remove_socket(socket_dir: Path) -> None:
    """Remove the socket and its lock file, which name a process that is no more."""
    for path in socket_files(socket_dir):
        path.unlink(missing_ok=True)


def _wait_for_end(cluster: Path, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while _processes_on(cluster):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _processes_on(cluster: Path) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _works_on(int(entry.name), cluster)
    ]


def _works_on(pid: int, cluster: Path) -> bool:
    """Whether the process is a Postgres whose working folder is the cluster, as it is for all of them."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
        folder = Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # gone, or not a process of ours
        return False
    return program == "postgres" and folder == cluster


def _send(pid: int, ending: signal.Signals, cluster: Path) -> None:
    """Signal the process itself, not whichever has its number by now: it is held first, then looked at."""
    with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
        process = os.pidfd_open(pid)
        try:
            if _works_on(pid, cluster):
                signal.pidfd_send_signal(process, ending)
        finally:
            os.close(process)
