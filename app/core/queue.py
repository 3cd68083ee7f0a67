"""The job queue: procrastinate in the same database, so a job and its data commit together."""

from copy import deepcopy
from typing import Any

import procrastinate
from procrastinate import Blueprint
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg.rows import scalar_row

from app.core.database import Connection, with_search_path

MAX_ATTEMPTS = 5
HEARTBEAT_S = 5.0
DEAD_AFTER_S = 20.0

_deferrer = procrastinate.App(connector=procrastinate.PsycopgConnector())


def make_queue(conninfo: str, tasks: dict[str, Blueprint]) -> procrastinate.App:
    """The worker's side: every slice's tasks under the slice's name ("embedding:embed")."""
    connector = procrastinate.PsycopgConnector(conninfo=with_search_path(conninfo), min_size=1, max_size=4, timeout=10)
    app = procrastinate.App(connector=connector, worker_defaults={"update_heartbeat_interval": HEARTBEAT_S})
    for slice_name, blueprint in tasks.items():
        # A copy: the blueprint's own tasks would be renamed, and a second queue in this process not find them.
        app.add_tasks_from(deepcopy(blueprint), namespace=slice_name)
    return app


async def enqueue(
    conn: Connection, task: str, *, queueing_lock: str | None = None, lock: str | None = None, **arguments: Any
) -> None:
    """Queue a task by name inside the caller's transaction.

    With a `queueing_lock`, one waiting job is enough: a second is not added. Jobs of one `lock` (the queueing lock
    without one) never run side by side.
    """
    deferrer = _deferrer.configure_task(
        task, connection=conn, queueing_lock=queueing_lock, lock=lock or queueing_lock, queue=task.split(":")[0]
    )
    try:
        async with conn.transaction():
            await deferrer.defer_async(**arguments)
    except AlreadyEnqueued:
        return


async def rescue(app: procrastinate.App, *, dead_after_s: float = DEAD_AFTER_S) -> int:
    """Queue again what a dead worker held, at most MAX_ATTEMPTS times; then it is failed. Returns how many."""
    manager = app.job_manager
    stalled: list[Job] = list(await manager.get_stalled_jobs(seconds_since_heartbeat=dead_after_s))
    for job in stalled:
        if job.attempts >= MAX_ATTEMPTS or not await _queued_again(manager, job):
            await manager.finish_job(job, status=Status.FAILED, delete_job=False)
    await manager.prune_stalled_workers(seconds_since_heartbeat=dead_after_s)
    return len(stalled)


async def _queued_again(manager: JobManager, job: Job) -> bool:
    """False when one with the same queueing lock waits already: that one will do the work."""
    try:
        await manager.retry_job(job)
    except UniqueViolation:
        return False
    return True


async def worker_is_alive(conn: Connection) -> bool:
    """True while some worker's heart beats."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT EXISTS (
                SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s))
            """,
            (DEAD_AFTER_S,),
        )
        return bool(await cursor.fetchone())


async def count_open(conn: Connection, queue: str) -> int:
    """How many jobs of a queue wait or run."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing')",
            (queue,),
        )
        return await cursor.fetchone() or 0


async def release_all(conn: Connection) -> None:
    """Forget every worker and hand their jobs back: for a start at which none can be alive."""
    await conn.execute("UPDATE procrastinate_workers SET last_heartbeat = 'epoch'")
