"""The admin's page: how the gallery is, rebuild, jobs live."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_admin
from app.admin import service
from app.admin.records import Check, Counts, IndexState, UserRow
from app.core import jobs
from app.core.database import Database
from app.core.jobs import Job
from app.core.pages import Notice, redirect, render
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding.records import Failure
from app.images.tiles import size_text
from app.search import builds
from app.search.live import Live


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as the page shows it."""

    id: int
    kind: str
    title: str
    state: str
    done: int
    total: int | None
    fraction_pct: int
    rate_text: str
    eta_text: str
    message: str
    started_text: str
    finished_text: str
    cancellable: bool


@dataclass(frozen=True, slots=True)
class IndexView:
    """The index in force, with its words."""

    state: str
    model: str
    identity_short: str
    count: int
    main_count: int
    delta_count: int
    tombstones: int
    kind: str
    nlist: int | None
    nprobe: int | None
    recall: float | None
    built_text: str
    age_text: str
    lag: int
    size_text: str
    version: str


@dataclass(frozen=True, slots=True)
class FailureView:
    """A picture that could not be embedded."""

    image_id: int
    filename: str
    reason: str
    at_text: str


@dataclass(frozen=True, slots=True)
class AdminPage:
    index: IndexView
    counts: Counts
    jobs: list[JobView]
    health: list[Check]
    failures: list[FailureView]
    users: list[UserRow]


@dataclass(frozen=True, slots=True)
class JobPart:
    job: JobView


@get("/admin")
async def admin(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    live: NamedDependency[Live],
) -> Template:
    """How the gallery is."""
    overview = await service.overview(db, settings, live)
    context = AdminPage(
        index=_index_view(overview.index),
        counts=overview.counts,
        jobs=[_job_view(job) for job in overview.jobs],
        health=overview.health,
        failures=[_failure_view(one) for one in overview.failures],
        users=overview.users,
    )
    return render(request, "admin/index.html", context, fragment="admin/_index.html", title="Admin")


@post("/admin/index/rebuild")
async def rebuild(db: NamedDependency[Database]) -> Redirect:
    """Queue a build of the index; search goes on meanwhile."""
    await builds.request_build(db)
    return redirect("/admin", Notice("info", "The index is being rebuilt. Search goes on meanwhile."))


@post("/admin/failures/retry")
async def retry(db: NamedDependency[Database]) -> Redirect:
    """Try again what could not be embedded."""
    count = await embedding.retry_failed(db)
    return redirect("/admin", Notice("info", f"{count} pictures will be tried again."))


@get("/admin/jobs/{job_id:int}")
async def job(request: Request[Any, Any, Any], db: NamedDependency[Database], job_id: FromPath[int]) -> Template:
    """One job; the page's part polls this while the job runs."""
    async with db.transaction() as conn:
        found = await jobs.get(conn, job_id)
    return render(request, "admin/job.html", JobPart(_job_view(found)), fragment="admin/_job.html", title=found.title)


@post("/admin/jobs/{job_id:int}/cancel")
async def cancel(db: NamedDependency[Database], job_id: FromPath[int]) -> Redirect:
    """Ask a job to end."""
    async with db.transaction() as conn:
        await jobs.get(conn, job_id)
        await jobs.request_cancel(conn, job_id)
    return redirect("/admin", Notice("info", "The job will end in a moment."))


def duration_text(seconds: float) -> str:
    """A duration in words: "40 s", "12 min", "3 h", "5 days"."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def _job_view(job: Job) -> JobView:
    unit = "%" if job.kind == "index" else "B" if job.kind == "fetch" else "pictures"
    pictures = unit == "pictures"
    return JobView(
        id=job.id,
        kind=job.kind,
        title=job.title,
        state=job.state,
        done=job.done,
        total=job.total,
        fraction_pct=round(job.fraction * 100),
        rate_text=f"{job.rate:.1f} pictures/s" if pictures and job.rate else "",
        eta_text=f"{duration_text(job.eta_s)} left" if job.eta_s is not None else "",
        message=job.message,
        started_text=_time_text(job.started_at),
        finished_text=_time_text(job.finished_at),
        cancellable=not job.ended and not job.cancel_requested,
    )


def _index_view(index: IndexState) -> IndexView:
    age = (datetime.now(UTC) - index.built_at).total_seconds() if index.built_at else None
    return IndexView(
        state=index.state,
        model=index.model,
        identity_short=index.identity_short,
        count=index.count,
        main_count=index.main_count,
        delta_count=index.delta_count,
        tombstones=index.tombstones,
        kind=index.kind,
        nlist=index.nlist,
        nprobe=index.nprobe,
        recall=index.recall,
        built_text=_time_text(index.built_at) or "not yet: fresh pictures are searched exactly",
        age_text=duration_text(age) if age is not None else "",
        lag=index.lag,
        size_text=size_text(index.size_bytes) if index.size_bytes else "",
        version=index.version,
    )


def _failure_view(one: Failure) -> FailureView:
    return FailureView(one.image_id, one.filename, one.reason, _time_text(one.attempted_at))


def _time_text(at: datetime | None) -> str:
    return f"{at:%-d %b %Y, %H:%M} UTC" if at else ""


router = Router(
    "/",
    route_handlers=[admin, rebuild, retry, job, cancel],
    guards=[require_admin],
    include_in_schema=False,
)
