"""The record of long work: state, counts, rate, cancel. Imports, embeds and builds refer to it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from psycopg.rows import class_row, scalar_row, tuple_row

from app.core.database import Connection, Database
from app.core.errors import NotFound

State = Literal["queued", "running", "done", "failed", "cancelled"]

WRITE_INTERVAL_S = 0.5
STALE_AFTER_S = 60


class JobCancelled(Exception):
    """Somebody asked for this job to end."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work, as it stands."""

    id: int
    kind: str
    title: str
    state: State
    done: int
    total: int | None
    message: str
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def fraction(self) -> float:
        """From 0 to 1; 0 while the total is unknown."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def rate(self) -> float | None:
        """Done per second since it began."""
        if self.started_at is None or not self.done:
            return None
        elapsed = ((self.finished_at or datetime.now(UTC)) - self.started_at).total_seconds()
        return self.done / elapsed if elapsed > 0 else None

    @property
    def eta_s(self) -> float | None:
        if self.ended or self.rate is None or not self.total:
            return None
        return max(0.0, (self.total - self.done) / self.rate)


async def create(conn: Connection, kind: str, title: str, total: int | None = None, *, message: str = "") -> int:
    """Record a job as queued; it is visible when the caller's transaction commits."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO job (kind, title, total, message)
            VALUES (%(kind)s, %(title)s, %(total)s, %(message)s) RETURNING id
            """,
            {"kind": kind, "title": title, "total": total, "message": message},
        )
        job_id = await cursor.fetchone()
    if job_id is None:
        raise NotFound("the job was not recorded")
    return job_id


async def get(conn: Connection, job_id: int) -> Job:
    """One job. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute("SELECT * FROM job WHERE id = %s", (job_id,))
        job = await cursor.fetchone()
    if job is None:
        raise NotFound("no such job")
    return job


async def list_recent(conn: Connection, limit: int = 20) -> list[Job]:
    """The newest jobs, those under way first."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(
            "SELECT * FROM job ORDER BY (state IN ('queued', 'running')) DESC, id DESC LIMIT %s", (limit,)
        )
        return await cursor.fetchall()


async def find_active(conn: Connection, kind: str) -> Job | None:
    """The job of this kind that is queued or running, if any."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(
            "SELECT * FROM job WHERE kind = %s AND state IN ('queued', 'running') ORDER BY id LIMIT 1",
            (kind,),
        )
        return await cursor.fetchone()


async def continue_or_create(conn: Connection, kind: str, title: str, more: int) -> tuple[int, int]:
    """(id, done so far) of the job of this kind and title that ended within the last minute, else of a new one.

    Work that comes in many small pieces, as an import brings it, is one line to people and not hundreds.
    """
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            UPDATE job SET state = 'queued', total = done + %(more)s, finished_at = NULL
            WHERE id = (
                SELECT id FROM job WHERE kind = %(kind)s AND title = %(title)s AND state = 'done'
                AND finished_at > now() - interval '1 minute' ORDER BY id DESC LIMIT 1)
            RETURNING id, done
            """,
            {"kind": kind, "title": title, "more": more},
        )
        row = await cursor.fetchone()
    return (row[0], row[1]) if row is not None else (await create(conn, kind, title, more), 0)


async def request_cancel(conn: Connection, job_id: int) -> None:
    """Ask a job to end; it does so at its next report."""
    await conn.execute("UPDATE job SET cancel_requested = true WHERE id = %s", (job_id,))


async def fail_stale(conn: Connection) -> None:
    """Jobs whose process died without a word are failed, so that nobody waits for them."""
    await conn.execute(
        """
        UPDATE job SET state = 'failed', finished_at = now(), message = 'its process ended before it did'
        WHERE state = 'running' AND heartbeat_at < now() - make_interval(secs => %s)
        """,
        (STALE_AFTER_S,),
    )


async def fail_running(conn: Connection) -> None:
    """Fail everything that claims to run: for a start at which nothing can be."""
    await conn.execute(
        """
        UPDATE job SET state = 'failed', finished_at = now(), message = 'its process ended before it did'
        WHERE state = 'running'
        """
    )


class JobReport:
    """What running work says of itself; written at most twice a second. `outcome` stays when it is done."""

    def __init__(self, db: Database, job_id: int) -> None:
        self.id = job_id
        self.outcome = ""
        self._db = db
        self._written = 0.0

    async def advance(self, done: int, *, total: int | None = None, message: str | None = None) -> None:
        """Report progress. Raises JobCancelled when somebody asked for the end."""
        now = time.monotonic()
        if now - self._written < WRITE_INTERVAL_S and done != total:
            return
        self._written = now
        async with self._db.transaction() as conn, conn.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(
                """
                UPDATE job SET done = %(done)s, total = coalesce(%(total)s, total),
                    message = coalesce(%(message)s, message), heartbeat_at = now()
                WHERE id = %(id)s RETURNING cancel_requested
                """,
                {"id": self.id, "done": done, "total": total, "message": message},
            )
            if await cursor.fetchone():
                raise JobCancelled


@asynccontextmanager
async def running(db: Database, job_id: int) -> AsyncGenerator[JobReport]:
    """Marks the job as running inside the block, and as done, cancelled or failed at its end."""
    async with db.transaction() as conn:
        await conn.execute(
            """
            UPDATE job SET state = 'running', started_at = coalesce(started_at, now()), heartbeat_at = now(),
                message = ''
            WHERE id = %s
            """,
            (job_id,),
        )
    report = JobReport(db, job_id)
    try:
        yield report
    except JobCancelled:
        await _finish(db, job_id, "cancelled", "cancelled")
    except asyncio.CancelledError:
        await asyncio.shield(_finish(db, job_id, "failed", "stopped with the process that ran it"))
        raise
    except Exception as error:
        await _finish(db, job_id, "failed", str(error) or type(error).__name__)
        raise
    else:
        await _finish(db, job_id, "done", report.outcome)


async def _finish(db: Database, job_id: int, state: State, message: str) -> None:
    async with db.transaction() as conn:
        await conn.execute(
            """
            UPDATE job SET state = %(state)s, finished_at = now(), message = %(message)s,
                done = CASE WHEN %(state)s = 'done' THEN coalesce(total, done) ELSE done END
            WHERE id = %(id)s
            """,
            {"id": job_id, "state": state, "message": message},
        )
