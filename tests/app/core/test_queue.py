"""The queue: a job and its data are one commit; one waiting is enough; a dead worker's job is not lost."""

import asyncio
from typing import Any

import procrastinate
import pytest
from procrastinate import Blueprint, JobContext

from app.core.database import Database
from app.core.queue import MAX_ATTEMPTS, count_open, enqueue, make_queue, release_all, rescue, worker_is_alive


async def rows(db: Database) -> list[tuple[Any, ...]]:
    async with db.transaction() as conn:
        cursor = await conn.execute(
            "SELECT task_name, queue_name, args, status::text, attempts FROM procrastinate_jobs ORDER BY id"
        )
        return await cursor.fetchall()


async def test_b6_a_job_commits_with_its_data(db: Database) -> None:
    async with db.transaction() as conn:
        await enqueue(conn, "embedding:embed", colour="red")
    assert await rows(db) == [("embedding:embed", "embedding", {"colour": "red"}, "todo", 0)]


async def test_b6_a_job_is_rolled_back_with_its_data(db: Database) -> None:
    async def fail() -> None:
        async with db.transaction() as conn:
            await enqueue(conn, "embedding:embed")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await rows(db) == []


async def test_one_waiting_job_of_a_queueing_lock_is_enough(db: Database) -> None:
    for _ in range(3):
        async with db.transaction() as conn:
            await enqueue(conn, "embedding:embed", queueing_lock="embed")
    assert len(await rows(db)) == 1


async def test_a_second_of_a_lock_leaves_the_rest_of_its_transaction_whole(db: Database) -> None:
    async with db.transaction() as conn:
        await enqueue(conn, "embedding:embed", queueing_lock="embed")
    async with db.transaction() as conn:
        await conn.execute("INSERT INTO setting VALUES ('before', '1')")
        await enqueue(conn, "embedding:embed", queueing_lock="embed")
        await conn.execute("INSERT INTO setting VALUES ('after', '1')")
    async with db.transaction() as conn:
        cursor = await conn.execute("SELECT name FROM setting WHERE name IN ('before', 'after')")
        assert len(await cursor.fetchall()) == 2


async def test_a_job_under_way_does_not_keep_the_next_from_waiting(db: Database) -> None:
    async with db.transaction() as conn:
        await enqueue(conn, "embedding:embed", queueing_lock="embed")
        await conn.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        await enqueue(conn, "embedding:embed", queueing_lock="embed")
        assert await count_open(conn, "embedding") == 2
        assert await count_open(conn, "search") == 0


def recorder(ran: list[str], began: asyncio.Event) -> Blueprint:
    tasks = Blueprint()

    @tasks.task(name="note", queue="notes", pass_context=True)
    async def note(context: JobContext, words: str) -> None:
        ran.append(f"begin {words}")
        began.set()
        await asyncio.sleep(0.05)
        ran.append(f"end {words}")

    return tasks


async def run_all(queue: procrastinate.App) -> None:
    await queue.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="successful", concurrency=4)


async def test_a_worker_runs_what_was_queued_by_name(db: Database, conninfo: str) -> None:
    ran: list[str] = []
    began = asyncio.Event()
    async with db.transaction() as conn:
        await enqueue(conn, "notes:note", words="hello")
    queue = make_queue(conninfo, {"notes": recorder(ran, began)})
    async with queue.open_async():
        await run_all(queue)
    assert ran == ["begin hello", "end hello"]
    assert await rows(db) == [], "finished jobs are pruned"


async def test_f24_jobs_of_one_lock_never_run_side_by_side(db: Database, conninfo: str) -> None:
    ran: list[str] = []
    began = asyncio.Event()
    queue = make_queue(conninfo, {"notes": recorder(ran, began)})
    async with db.transaction() as conn:
        await enqueue(conn, "notes:note", queueing_lock="one", words="a")
    async with queue.open_async():
        first = asyncio.create_task(run_all(queue))
        await asyncio.wait_for(began.wait(), 10)
        async with db.transaction() as conn:
            await enqueue(conn, "notes:note", queueing_lock="one", words="b")
        await first
        await run_all(queue)
    assert ran == ["begin a", "end a", "begin b", "end b"]


async def test_t5_a_dead_workers_job_is_queued_again_but_not_for_ever(db: Database, conninfo: str) -> None:
    queue = make_queue(conninfo, {})
    async with db.transaction() as conn:
        await enqueue(conn, "notes:note", words="a")
        await enqueue(conn, "notes:note", words="b")
        cursor = await conn.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        worker = await cursor.fetchone()
        assert worker is not None
        await conn.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", worker)
        await conn.execute("UPDATE procrastinate_jobs SET attempts = %s WHERE args ->> 'words' = 'b'", (MAX_ATTEMPTS,))
        assert not await worker_is_alive(conn)
    async with queue.open_async():
        assert await rescue(queue) == 2
        assert await rescue(queue) == 0
    assert [row[3] for row in await rows(db)] == ["todo", "failed"]


async def test_a_worker_with_a_heartbeat_is_alive_and_is_not_robbed(db: Database, conninfo: str) -> None:
    queue = make_queue(conninfo, {})
    async with db.transaction() as conn:
        await enqueue(conn, "notes:note", words="a")
        cursor = await conn.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id")
        worker = await cursor.fetchone()
        assert worker is not None
        await conn.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", worker)
        assert await worker_is_alive(conn)
    async with queue.open_async():
        assert await rescue(queue) == 0
        async with db.transaction() as conn:
            await release_all(conn)
            assert not await worker_is_alive(conn)
        assert await rescue(queue) == 1
    assert [row[3] for row in await rows(db)] == ["todo"]


async def test_a_dead_workers_job_gives_way_to_the_one_that_waits_in_its_place(db: Database, conninfo: str) -> None:
    done: list[str] = []
    tasks = Blueprint()

    @tasks.task(name="embed", queue="embedding")
    async def embed() -> None:
        done.append("embedded")

    async with db.transaction() as conn:
        await enqueue(conn, "embedding:embed", queueing_lock="embed")
    async with make_queue(conninfo, {"embedding": tasks}).open_async() as queue:
        worker = await queue.job_manager.register_worker()
        assert await queue.job_manager.fetch_job(queues=None, worker_id=worker) is not None
        async with db.transaction() as conn:
            await enqueue(conn, "embedding:embed", queueing_lock="embed")
            await release_all(conn)
        assert await rescue(queue) == 1
        await queue.run_worker_async(wait=False, install_signal_handlers=False)
    assert done == ["embedded"]
