"""How a run is followed by the worker: its job, its curves and its state, from the first line to the last."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from app.core.database import Database
from app.core.errors import AppError
from app.core.jobs import WRITE_INTERVAL_S, JobCancelled, JobReport
from app.training import store
from app.training.process import STOP_S, Child, last_words, started

Ending = Literal["done", "stopped"]
POINTS = 100
"""Points of a curve that are held back at most."""


class RunFailed(AppError):
    """A run's process ended with an error; the message is its own."""

    status = 409
    title = "The run failed"


class Follower:
    """Takes a child's entries one by one, and tells the job of them."""

    def __init__(self, report: JobReport) -> None:
        self.report = report
        self.done = 0
        self.total: int | None = None
        self.message = ""

    async def note(self, entry: dict[str, Any]) -> None:
        """One entry that is no end."""
        if entry["kind"] == "progress":
            self.done, self.total, self.message = entry["done"], entry["total"], entry["what"]

    async def write(self) -> None:
        """Keep what is held back."""


class TrainingFollower(Follower):
    """Keeps the curves too: what comes within half a second is one write."""

    def __init__(self, db: Database, report: JobReport, training_id: int) -> None:
        super().__init__(report)
        self._db = db
        self._id = training_id
        self._points: list[tuple[int, str, dict[str, Any]]] = []

    async def note(self, entry: dict[str, Any]) -> None:
        """What the run is about to do, a step, or a probe after it."""
        if entry["kind"] == "began":
            self.done, self.total, self.message = entry["step"], entry["steps"], ""
            async with self._db.transaction() as conn:
                await store.set_about(conn, self._id, entry)
                await store.delete_points_after(conn, self._id, entry["step"])
            return
        if entry["kind"] == "step":
            self.done = entry["step"]
            self.message = f"epoch {entry['epoch'] + 1}, loss {entry['loss']:.3f}"
        self._points.append((self.done, entry["kind"], entry))
        if len(self._points) >= POINTS:
            await self.write()

    async def write(self) -> None:
        """Keep what is held back."""
        if self._points:
            points, self._points = self._points, []
            async with self._db.transaction() as conn:
                await store.append_points(conn, self._id, points)


async def follow(folder: Path, follower: Follower) -> Ending:
    """Run the process of a folder to its end. Raises RunFailed, and JobCancelled when it ended because it was asked."""
    async with started(folder) as child:
        try:
            ending = await _listen(child, follower)
        except JobCancelled:
            child.stop()
            with suppress(RunFailed, TimeoutError):
                # It may have come to its end meanwhile.
                if await asyncio.wait_for(_listen(child, follower, reporting=False), STOP_S) == "done":
                    return "done"
            raise
    if ending is None:
        raise RunFailed(f"its process died: {last_words(folder) or 'killed, perhaps for want of memory'}")
    return ending


async def _listen(child: Child, follower: Follower, *, reporting: bool = True) -> Ending | None:
    """To the end of what it tells; None when it said no last word."""
    ending: Ending | None = None
    written = 0.0
    try:
        async for entry in child.entries():
            if entry is not None and entry["kind"] == "error":
                raise RunFailed(entry["message"])
            if entry is not None and entry["kind"] == "end":
                ending = entry["state"]
            elif entry is not None:
                await follower.note(entry)
            if reporting and (entry is None or time.monotonic() - written >= WRITE_INTERVAL_S):
                written = time.monotonic()
                await follower.write()
                await follower.report.advance(follower.done, total=follower.total, message=follower.message)
    finally:
        await follower.write()
    return ending
