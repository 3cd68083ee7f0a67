"""The record of long work: how it stands, how it ends, how it is cancelled."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.core import jobs
from app.core.database import Database
from app.core.errors import NotFound
from app.core.jobs import Job, State


async def make(db: Database, total: int | None = 10) -> int:
    async with db.transaction() as conn:
        return await jobs.create(conn, "import", "Importing birds", total)


async def read(db: Database, job_id: int) -> Job:
    async with db.transaction() as conn:
        return await jobs.get(conn, job_id)


async def test_a_job_runs_and_is_done(db: Database) -> None:
    job_id = await make(db)
    assert (await read(db, job_id)).state == "queued"
    async with jobs.running(db, job_id) as report:
        assert (await read(db, job_id)).state == "running"
        await report.advance(4, message="reading")
        under_way = await read(db, job_id)
        assert (under_way.done, under_way.total, under_way.message) == (4, 10, "reading")
        assert under_way.fraction == pytest.approx(0.4)
    ended = await read(db, job_id)
    assert (ended.state, ended.fraction, ended.ended) == ("done", 1.0, True)
    assert ended.finished_at is not None


async def test_progress_is_written_at_most_twice_a_second_but_for_the_last(db: Database) -> None:
    job_id = await make(db)
    async with jobs.running(db, job_id) as report:
        await report.advance(1)
        await report.advance(2)
        assert (await read(db, job_id)).done == 1
        await report.advance(10, total=10)
        assert (await read(db, job_id)).done == 10


async def test_a_failure_keeps_its_reason_and_goes_on_up(db: Database) -> None:
    job_id = await make(db)
    with pytest.raises(ValueError, match="the disk is on fire"):
        async with jobs.running(db, job_id):
            raise ValueError("the disk is on fire")
    job = await read(db, job_id)
    assert (job.state, job.message) == ("failed", "the disk is on fire")


async def test_a_cancelled_job_ends_at_its_next_report(db: Database) -> None:
    job_id = await make(db)
    reached = False
    async with jobs.running(db, job_id) as report:
        async with db.transaction() as conn:
            await jobs.request_cancel(conn, job_id)
        await report.advance(1)
        reached = True
    assert not reached
    assert (await read(db, job_id)).state == "cancelled"


async def test_a_job_whose_process_stops_says_so(db: Database) -> None:
    job_id = await make(db)
    began = asyncio.Event()

    async def work() -> None:
        async with jobs.running(db, job_id):
            began.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    job = await read(db, job_id)
    assert (job.state, job.message) == ("failed", "stopped with the process that ran it")


async def test_jobs_of_dead_processes_are_failed_and_living_ones_are_not(db: Database) -> None:
    dead, alive, queued = await make(db), await make(db), await make(db)
    async with db.transaction() as conn:
        await conn.execute("UPDATE job SET state = 'running', heartbeat_at = now() WHERE id = %s", (alive,))
        await conn.execute(
            "UPDATE job SET state = 'running', heartbeat_at = now() - interval '1 hour' WHERE id = %s", (dead,)
        )
        await jobs.fail_stale(conn)
    states: list[State] = [(await read(db, one)).state for one in (dead, alive, queued)]
    assert states == ["failed", "running", "queued"]
    async with db.transaction() as conn:
        await jobs.fail_running(conn)
    assert (await read(db, alive)).state == "failed"


async def test_those_under_way_are_listed_first(db: Database) -> None:
    old, new = await make(db), await make(db)
    async with jobs.running(db, new):
        pass
    async with db.transaction() as conn:
        assert [job.id for job in await jobs.list_recent(conn)] == [old, new]
        active = await jobs.find_active(conn, "import")
        assert active is not None
        assert active.id == old
        assert await jobs.find_active(conn, "embed") is None


async def test_an_unknown_job_is_not_found(db: Database) -> None:
    with pytest.raises(NotFound):
        await read(db, 999)


def test_rate_and_time_left() -> None:
    began = datetime.now(UTC) - timedelta(seconds=10)
    job = Job(1, "embed", "", "running", 50, 150, "", False, began, began, began, None)
    assert job.rate == pytest.approx(5, rel=0.1)
    assert job.eta_s == pytest.approx(20, rel=0.1)
    unknown = Job(1, "embed", "", "running", 0, None, "", False, began, began, began, None)
    assert (unknown.rate, unknown.eta_s, unknown.fraction) == (None, None, 0.0)
