"""Jobs as JSON: long work, how far it is, its cancel and its retry."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, Parameter

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.admin import service_jobs
from app.core.database import Database
from app.core.jobs import Job, State

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


class JobOut(msgspec.Struct):
    """One job. `total` is null while it is unknown; `done` came at `rate` a second, the rest takes about `eta_s`.

    `import_id` is the import that it runs, null for other kinds. `cancelling`: it was asked to end.
    """

    job_id: int
    kind: str
    title: str
    state: State
    message: str
    done: int
    total: int | None
    rate: float | None
    eta_s: float | None
    cancelling: bool
    import_id: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobList(msgspec.Struct):
    """One page of jobs, newest first. `next_cursor` asks for the next one; null: this is the last."""

    jobs: list[JobOut]
    next_cursor: int | None


@get("/", operation_id="listJobs", summary="List jobs")
async def list_jobs(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE_SIZE, description="From 1 to 500.")] = PAGE_SIZE,
    cursor: Annotated[int | None, Parameter(description="`next_cursor` of the page before.")] = None,
) -> JobList:
    """The jobs of one's own imports; all for an admin."""
    page = await service_jobs.list_jobs(db, viewer, cursor, limit)
    listed = [_job_out(job, page.imports.get(job.id)) for job in page.jobs]
    return JobList(listed, page.next_cursor)


@get("/{job_id:int}", operation_id="getJob", summary="Get a job")
async def get_job(db: NamedDependency[Database], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> JobOut:
    """How far a job is. 404 for another's."""
    return _job_out(*await service_jobs.get_job(db, viewer, job_id))


@post("/{job_id:int}/cancel", operation_id="cancelJob", summary="Cancel a job", status_code=202)
async def cancel_job(db: NamedDependency[Database], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> JobOut:
    """Ask a job to end, which it does within moments; what it has done stays. 409 for one that has ended."""
    await service_jobs.cancel_job(db, viewer, job_id)
    return _job_out(*await service_jobs.get_job(db, viewer, job_id))


@post("/{job_id:int}/retry", operation_id="retryJob", summary="Try a job again", status_code=202)
async def retry_job(db: NamedDependency[Database], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> JobOut:
    """Do again what a failed or cancelled job was for, as a job of its own, with which it answers.

    Embedding makes its job when its turn comes: until then the old one is told. 409 for one that has not failed.
    """
    again = await service_jobs.retry_job(db, viewer, job_id)
    return _job_out(*await service_jobs.get_job(db, viewer, again))


def _job_out(job: Job, import_id: int | None) -> JobOut:
    return JobOut(
        job_id=job.id,
        kind=job.kind,
        title=job.title,
        state=job.state,
        message=job.message,
        done=job.done,
        total=job.total,
        rate=None if job.rate is None else round(job.rate, 2),
        eta_s=None if job.eta_s is None else round(job.eta_s, 1),
        cancelling=job.cancel_requested and not job.ended,
        import_id=import_id,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


router = Router(
    "/api/v1/jobs",
    route_handlers=[list_jobs, get_job, cancel_job, retry_job],
    guards=[require_signed_in],
    tags=["jobs"],
)
