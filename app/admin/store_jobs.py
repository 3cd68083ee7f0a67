"""SQL of jobs as somebody may see them."""

from typing import LiteralString

from psycopg.rows import class_row

from app.core.database import Connection
from app.core.errors import NotFound
from app.core.jobs import Job

_MAY_SEE: LiteralString = """
    (%(owner)s::bigint IS NULL
     OR EXISTS (SELECT FROM import WHERE import.job_id = job.id AND import.owner_id = %(owner)s))
"""


async def list_jobs(conn: Connection, owner_id: int | None, before_id: int | None, limit: int) -> list[Job]:
    """The jobs of an owner's imports, or all for None; newest first, below `before_id`."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(
            "SELECT job.* FROM job WHERE "
            + _MAY_SEE
            + " AND (%(before)s::bigint IS NULL OR job.id < %(before)s) ORDER BY job.id DESC LIMIT %(limit)s",
            {"owner": owner_id, "before": before_id, "limit": limit},
        )
        return await cursor.fetchall()


async def get_job(conn: Connection, owner_id: int | None, job_id: int) -> Job:
    """One of those. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(
            "SELECT job.* FROM job WHERE job.id = %(id)s AND " + _MAY_SEE, {"owner": owner_id, "id": job_id}
        )
        job = await cursor.fetchone()
    if job is None:
        raise NotFound("no such job")
    return job
