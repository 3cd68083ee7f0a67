"""The verbs of jobs: look, cancel, try again. One sees those of one's own imports, an admin all."""

from dataclasses import dataclass

from app.accounts.records import Viewer
from app.accounts.service import require_account
from app.admin import store_jobs
from app.core import jobs
from app.core.database import Database
from app.core.errors import Conflict
from app.core.jobs import Job
from app.embedding import service as embedding
from app.ingest import service as ingest
from app.ingest import store as ingest_store
from app.search import builds

RETRYABLE = ("embed", "index")
"""Kinds that can be begun again as they are; imports can too, which go on from where they were."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of jobs with the imports that they run, by job; no `next_cursor`: the end."""

    jobs: list[Job]
    imports: dict[int, int]
    next_cursor: int | None


async def list_jobs(db: Database, viewer: Viewer, cursor: int | None, limit: int) -> JobPage:
    """Newest first. Raises SignInNeeded."""
    async with db.transaction() as conn:
        found = await store_jobs.list_jobs(conn, _owner(viewer), cursor, limit + 1)
        imports = await ingest_store.find_by_jobs(conn, [job.id for job in found])
    more = len(found) > limit
    return JobPage(found[:limit], imports, found[limit - 1].id if more else None)


async def get_job(db: Database, viewer: Viewer, job_id: int) -> tuple[Job, int | None]:
    """One job, and the import that it runs, if it runs one. Raises NotFound, SignInNeeded."""
    async with db.transaction() as conn:
        job = await store_jobs.get_job(conn, _owner(viewer), job_id)
        return job, (await ingest_store.find_by_jobs(conn, [job.id])).get(job.id)


async def cancel_job(db: Database, viewer: Viewer, job_id: int) -> None:
    """Ask a job to end, which it does at its next report. Raises NotFound, and Conflict for one that has ended."""
    async with db.transaction() as conn:
        job = await store_jobs.get_job(conn, _owner(viewer), job_id)
        if job.ended:
            raise Conflict("this job has ended", title="Too late")
        await jobs.request_cancel(conn, job_id)


async def retry_job(db: Database, viewer: Viewer, job_id: int) -> int:
    """Do again what a job that failed or was cancelled was for, as a job of its own; returns that one.

    Embedding makes its job when its turn comes: then the old one is returned. Raises NotFound, Conflict.
    """
    async with db.transaction() as conn:
        job = await store_jobs.get_job(conn, _owner(viewer), job_id)
        import_id = (await ingest_store.find_by_jobs(conn, [job.id])).get(job.id)
    if job.state not in ("failed", "cancelled"):
        raise Conflict("this job has not failed")
    if import_id is not None:
        await ingest.go_on(db, viewer, import_id)
        return (await ingest.get(db, viewer, import_id, shown=0)).job.id
    if job.kind == "embed":
        await embedding.queue_embedding(db)
        return job_id
    if job.kind == "index":
        return await builds.request_build(db, f"again, after: {job.message}" if job.message else "again")
    raise Conflict("a job of this kind cannot be tried again")


def _owner(viewer: Viewer) -> int | None:
    """Whose imports' jobs are asked for; None: all."""
    account_id = require_account(viewer)
    return None if viewer.is_admin else account_id
