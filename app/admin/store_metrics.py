"""SQL of what Prometheus asks for."""

from psycopg.rows import class_row

from app.admin.records import JobCount, QueueDepth
from app.core.database import Connection


async def list_queues(conn: Connection) -> list[QueueDepth]:
    """What waits and runs, queue by queue."""
    async with conn.cursor(row_factory=class_row(QueueDepth)) as cursor:
        await cursor.execute(
            """
            SELECT job.queue_name AS queue,
                count(*) FILTER (WHERE job.status = 'todo') AS waiting,
                count(*) FILTER (WHERE job.status = 'doing') AS running,
                coalesce(extract(epoch FROM now() - min(event.at) FILTER (WHERE job.status = 'todo')), 0)::float8
                    AS oldest_s
            FROM procrastinate_jobs AS job
            LEFT JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'deferred'
            WHERE job.status IN ('todo', 'doing') GROUP BY job.queue_name ORDER BY job.queue_name
            """
        )
        return await cursor.fetchall()


async def list_job_counts(conn: Connection) -> list[JobCount]:
    """How many jobs there are, by kind and state."""
    async with conn.cursor(row_factory=class_row(JobCount)) as cursor:
        await cursor.execute("SELECT kind, state, count(*) FROM job GROUP BY kind, state ORDER BY kind, state")
        return await cursor.fetchall()
