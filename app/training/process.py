"""A child process as the worker has it: started apart from searches, followed line by line, stopped in order."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICK_S = 0.5
STOP_S = 120.0
"""For a checkpoint after the step under way, when somebody asks for the end."""
ABANDON_S = 7.0
"""The same when the worker itself ends: its supervisor waits 20 s, of which the queue takes 10."""
LINE_BYTES = 4 * 1024 * 1024
LOG = "log.txt"


@dataclass(slots=True)
class Child:
    """A run's process."""

    process: Process
    output: asyncio.StreamReader
    _reading: asyncio.Task[bytes] | None = None

    async def entries(self) -> AsyncGenerator[dict[str, Any] | None]:
        """What it tells, in order; None whenever it was silent for TICK_S. Ends with the process's output.

        Who leaves off may listen again: a line that is being read is kept for then.
        """
        while True:
            self._reading = self._reading or asyncio.create_task(self.output.readline())
            done, _ = await asyncio.wait([self._reading], timeout=TICK_S)
            if not done:
                yield None
                continue
            line, self._reading = self._reading.result(), None
            if not line:
                return
            yield json.loads(line)

    def stop(self) -> None:
        """Ask it to end; it tells what it still has to tell."""
        with suppress(ProcessLookupError):
            self.process.terminate()

    async def end(self, timeout_s: float) -> None:
        """Make sure that it has ended."""
        if self.process.returncode is None:
            self.stop()
        try:
            await asyncio.wait_for(self.process.wait(), timeout_s)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        if self._reading is not None:
            self._reading.cancel()


@asynccontextmanager
async def started(folder: Path) -> AsyncGenerator[Child]:
    """The process that does what the order in a folder says; it is gone when the block ends."""
    with (folder / LOG).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.training.child",
            str(folder),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=log,
            env={**os.environ, **threads()},
            limit=LINE_BYTES,
            start_new_session=True,
        )
    if process.stdout is None:
        raise OSError("a process without its output")
    child = Child(process, process.stdout)
    try:
        yield child
    finally:
        await asyncio.shield(child.end(ABANDON_S))


def threads() -> dict[str, str]:
    """All cores but one, which searches have to themselves; waiting threads do not spin."""
    count = str(max(1, (os.cpu_count() or 1) - 1))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**dict.fromkeys(names, count), "OMP_WAIT_POLICY": "passive"}


def last_words(folder: Path) -> str:
    """What a process that died without a reason left in its log: the last line."""
    lines = (folder / LOG).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
