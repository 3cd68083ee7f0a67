"""Runs our processes side by side, restarts those that end, and stops them in order."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_S = 20.0
POLL_S = 0.2
MAX_PAUSE_S = 30.0


@dataclass(slots=True)
class Child:
    """One process that is to run as long as we do."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    niceness: int = 0
    before_restart: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None)
    failures: int = 0
    due_at: float = 0.0

    def start(self) -> None:
        """Start it; it gets SIGTERM when we die, whatever kills us."""

        def in_child() -> None:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if self.niceness:
                os.nice(self.niceness)

        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            start_new_session=True,  # the terminal's Ctrl-C is ours to pass on, in order
            preexec_fn=in_child,
        )


def supervise(children: Sequence[Child], *, tick: Callable[[], None], stopping: Callable[[], bool]) -> None:
    """Start all and keep them running until `stopping()`; then stop them, the last first.

    A process that ends is started again, after a pause that doubles while it keeps failing. `tick()` is called
    five times a second. Must run in the main thread: the children's parent-death signal follows it.
    """
    for child in children:
        child.start()
    try:
        while not stopping():
            for child in children:
                _revive(child)
            tick()
            time.sleep(POLL_S)
    finally:
        for child in reversed(children):
            _stop(child)


def _revive(child: Child) -> None:
    if child.process is not None:
        code = child.process.poll()
        if code is None:
            return
        child.process = None
        child.failures += 1
        pause = min(MAX_PAUSE_S, 0.5 * 2 ** (child.failures - 1))
        child.due_at = time.monotonic() + pause
        log.warning("process ended and will be started again", name=child.name, code=code, pause_s=pause)
    if time.monotonic() >= child.due_at:
        if child.before_restart is not None:
            child.before_restart()
        child.start()


def _stop(child: Child) -> None:
    process = child.process
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        log.warning("process did not end in time and was killed", name=child.name)
        process.kill()
        process.wait()
