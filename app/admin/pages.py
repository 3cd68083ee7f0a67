"""The admin's page: how the gallery is, jobs live."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_admin
from app.admin import service
from app.admin.index_card import IndexView, LifeView, index_view, life_view
from app.admin.mirror_card import MirrorView, mirror_view
from app.admin.records import Check, Counts, User
from app.core import jobs
from app.core.database import Database
from app.core.jobs import Job
from app.core.pages import Notice, redirect, render
from app.core.settings import Settings
from app.core.words import duration_text, time_text
from app.embedding import service as embedding
from app.embedding.records import Failure
from app.ingest import store as ingest_store
from app.search.live import Live


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as the page shows it; `url` is the page of the import that it runs, if it runs one."""

    id: int
    url: str
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
class FailureView:
    """A picture that could not be embedded."""

    image_id: int
    filename: str
    reason: str
    at_text: str


@dataclass(frozen=True, slots=True)
class AdminPage:
    index: IndexView
    life: LifeView
    mirror: MirrorView | None
    counts: Counts
    jobs: list[JobView]
    health: list[Check]
    failures: list[FailureView]
    users: list[User]


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
        index=index_view(overview.index, overview.life),
        life=life_view(overview.index, overview.life),
        mirror=mirror_view(overview.mirror) if overview.mirror is not None else None,
        counts=overview.counts,
        jobs=[_job_view(job, overview.imports) for job in overview.jobs],
        health=overview.health,
        failures=[_failure_view(one) for one in overview.failures],
        users=overview.users,
    )
    return render(request, "admin/index.html", context, fragment="admin/_live.html", title="Admin")


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
        imports = await ingest_store.find_by_jobs(conn, [job_id])
    return render(
        request, "admin/job.html", JobPart(_job_view(found, imports)), fragment="admin/_job.html", title=found.title
    )


@post("/admin/jobs/{job_id:int}/cancel")
async def cancel(db: NamedDependency[Database], job_id: FromPath[int]) -> Redirect:
    """Ask a job to end."""
    async with db.transaction() as conn:
        await jobs.get(conn, job_id)
        await jobs.request_cancel(conn, job_id)
    return redirect("/admin", Notice("info", "The job will end in a moment."))


def _job_view(job: Job, imports: dict[int, int]) -> JobView:
    unit = "%" if job.kind == "index" else "B" if job.kind == "fetch" else "pictures"
    pictures = unit == "pictures"
    return JobView(
        id=job.id,
        url=f"/imports/{imports[job.id]}" if job.id in imports else "",
        kind=job.kind,
        title=job.title,
        state=job.state,
        done=job.done,
        total=job.total,
        fraction_pct=round(job.fraction * 100),
        rate_text=f"{job.rate:.1f} pictures/s" if pictures and job.rate else "",
        eta_text=f"{duration_text(job.eta_s)} left" if job.eta_s is not None else "",
        message=job.message,
        started_text=time_text(job.started_at),
        finished_text=time_text(job.finished_at),
        cancellable=not job.ended and not job.cancel_requested,
    )


def _failure_view(one: Failure) -> FailureView:
    return FailureView(one.image_id, one.filename, one.reason, time_text(one.attempted_at))


router = Router(
    "/",
    route_handlers=[admin, retry, job, cancel],
    guards=[require_admin],
    include_in_schema=False,
)
