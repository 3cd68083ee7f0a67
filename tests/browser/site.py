"""Site: a gallery that runs as people run it, by `likeness up`, on a folder and port of its own."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NamedTuple

from app.core.postgres import connectable

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0
POLL_S = 0.05
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Process(NamedTuple):
    """One process, told from later ones with its number by when it began."""

    pid: int
    began: str


class Site:
    """`likeness up` on `folder`, which the unprivileged user of its database must be able to pass through.

    `environment` has further variables, or others in place of the usual ones.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LIKENESS_")},
            **ONE_THREAD,
            "LIKENESS_DATA_DIR": str(folder / "data"),
            "LIKENESS_MODEL": "baseline",
            "LIKENESS_PORT": str(self.port),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """All that `likeness up` has said."""
        return (self._folder / "up.log").read_text(encoding="utf-8")

    @property
    def blobs(self) -> Path:
        """The folder of its pictures."""
        return self._folder / "data" / "blobs"

    @property
    def conninfo(self) -> str:
        """The running gallery's database."""
        with connectable(self._folder / "data") as conninfo:
            return conninfo

    @property
    def claim_url(self) -> str:
        """The link that the start prints for the first admin."""
        found = re.search(r"http://\S+/claim/\S+", self.log)
        assert found is not None, self.log
        return found.group()

    def start(self) -> None:
        """Start, and wait for the greeting."""
        with (self._folder / "up.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "up"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C on the tests comes here by stop(), once
            )
        process = self._process
        wait_until(lambda: "Ctrl-C stops it" in self.log or process.poll() is not None, START_TIMEOUT_S)
        assert process.poll() is None, self.log

    def stop(self) -> tuple[int, list[Process]]:
        """Press Ctrl-C; the exit code, and which of its processes are left over."""
        assert self._process is not None
        family = self.descendants()
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(STOP_TIMEOUT_S)
        finally:
            self._process.kill()
        # A child's child may take a moment to notice that its parent has ended.
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not any(map(_is_alive, family)), 5.0)
        return code, [one for one in family if _is_alive(one)]

    def kill(self) -> None:
        """kill -9 of `likeness up` and of all that it started."""
        if self._process is None:
            return
        family = self.descendants()
        self._process.kill()
        self._process.wait()
        for one in family:
            if _is_alive(one):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGKILL)

    def spawn(self, *arguments: str, port: int | None = None) -> subprocess.Popen[bytes]:
        """A command of the same gallery, under way; `port` is another one for it to use."""
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=ROOT,
            env={**self._environment, "LIKENESS_PORT": str(port or self.port)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, typed: str | None = None) -> str:
        """What a command of the same gallery prints; `typed` is its standard input."""
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=ROOT,
            env=self._environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_json(self, *arguments: str) -> dict[str, Any]:
        """The last line of a command's output, which with --json is an object."""
        return json.loads(self.run(*arguments, "--json").splitlines()[-1])

    @contextlib.contextmanager
    def paused_worker(self) -> Generator[None]:
        """The worker holds still: what is queued meanwhile stays so."""
        worker = self.worker()
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker.pid, signal.SIGCONT)

    def worker(self) -> Process:
        """The worker, which the supervisor starts again whenever it has died."""
        return self._running("worker")

    def web(self) -> Process:
        """The web server."""
        return self._running("serve")

    def _running(self, command: str) -> Process:
        found: list[Process] = []

        def is_there() -> bool:
            found[:] = [one for one in self.descendants() if _arguments(one)[-2:] == ["app.cli", command]]
            return len(found) == 1

        wait_until(is_there, START_TIMEOUT_S)
        return found[0]

    def descendants(self) -> list[Process]:
        """The children of `likeness up`, and theirs: the database, the web server, the worker, their decoders."""
        assert self._process is not None
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (fields := _stat(int(entry.name))):
                parents[int(entry.name)] = int(fields[1])
        found, todo = list[Process](), [self._process.pid]
        while todo:
            children = [pid for pid, parent in parents.items() if parent == todo[0]]
            found += [Process(pid, fields[19]) for pid in children if (fields := _stat(pid))]
            todo = [*todo[1:], *children]
        return found


def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Return as soon as the condition holds. Raises TimeoutError when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (state, parent, …); none for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _is_alive(process: Process) -> bool:
    fields = _stat(process.pid)
    return bool(fields) and fields[19] == process.began and fields[0] != "Z"


def _arguments(process: Process) -> list[str]:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []
