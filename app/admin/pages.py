"""The admin's page: how the gallery is, jobs live."""

import os
from dataclasses import dataclass
from typing import Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_admin
from app.accounts.records import Viewer
from app.admin import service, service_failures, service_jobs, service_models
from app.admin.index_card import IndexView, LifeView, index_view, life_view
from app.admin.jobs_card import JobView, job_view
from app.admin.mirror_card import MirrorView, mirror_view
from app.admin.models_card import ModelsView, models_view
from app.admin.records import Check, Counts, User
from app.admin.service import Overview
from app.admin.settings_card import SettingView, list_settings
from app.admin.storage_card import QueueView, StorageView, queue_views, storage_view
from app.core import jobs
from app.core.database import Database
from app.core.pages import Notice, redirect, render, wants_fragment
from app.core.settings import Settings
from app.core.words import time_text
from app.embedding.records import Failure
from app.ingest import store as ingest_store
from app.ingest.records import Quarantined
from app.search.live import Live


@dataclass(frozen=True, slots=True)
class FailureView:
    """A picture that could not be embedded; `url` is empty where it is somebody else's, for an admin sees none."""

    image_id: int
    url: str
    filename: str
    owner: str
    model: str
    reason: str
    at_text: str


@dataclass(frozen=True, slots=True)
class LivePart:
    """What the page asks for again while one looks at it."""

    index: IndexView
    life: LifeView
    mirror: MirrorView | None
    counts: Counts
    jobs: list[JobView]
    health: list[Check]
    queues: list[QueueView]


@dataclass(frozen=True, slots=True)
class AdminPage(LivePart):
    """All of it; `refused_count` is how many files imports refused, of which `refused` are the first."""

    storage: StorageView
    models: ModelsView
    failures: list[FailureView]
    refused: list[Quarantined]
    refused_count: int
    users: list[User]
    settings: list[SettingView]


@dataclass(frozen=True, slots=True)
class JobPart:
    job: JobView


@get("/admin")
async def admin(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    live: NamedDependency[Live],
    viewer: NamedDependency[Viewer],
) -> Template:
    """How the gallery is; to htmx, what of it changes by itself."""
    overview = await service.overview(db, settings, live)
    networks = await service_models.find_networks((one.model for one in overview.life.versions), settings.models_dir)
    part = _live_part(overview, networks)
    if wants_fragment(request):
        return render(request, "admin/_live.html", part, title="Admin")
    listed, reason = await service_models.list_models(db, settings)
    failures = await service_failures.list_failures(db)
    quarantine = await service_failures.list_refused(db)
    context = AdminPage(
        index=part.index,
        life=part.life,
        mirror=part.mirror,
        counts=part.counts,
        jobs=part.jobs,
        health=part.health,
        queues=part.queues,
        storage=storage_view(overview.storage),
        models=models_view(listed, reason, settings),
        failures=[_failure_view(one, viewer) for one in failures.failures],
        refused=quarantine.refused,
        refused_count=quarantine.count,
        users=overview.users,
        settings=list_settings(settings, os.environ),
    )
    return render(request, "admin/index.html", context, title="Admin")


@get("/admin/jobs/{job_id:int}")
async def job(request: Request[Any, Any, Any], db: NamedDependency[Database], job_id: FromPath[int]) -> Template:
    """One job; the page's part polls this while the job runs."""
    async with db.transaction() as conn:
        found = await jobs.get(conn, job_id)
        imports = await ingest_store.find_by_jobs(conn, [job_id])
    return render(
        request, "admin/job.html", JobPart(job_view(found, imports)), fragment="admin/_job.html", title=found.title
    )


@post("/admin/jobs/{job_id:int}/cancel")
async def cancel(db: NamedDependency[Database], job_id: FromPath[int]) -> Redirect:
    """Ask a job to end."""
    async with db.transaction() as conn:
        await jobs.get(conn, job_id)
        await jobs.request_cancel(conn, job_id)
    return redirect("/admin", Notice("info", "The job will end in a moment."))


@post("/admin/jobs/{job_id:int}/retry")
async def retry(db: NamedDependency[Database], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> Redirect:
    """Do again what a job that failed was for."""
    await service_jobs.retry_job(db, viewer, job_id)
    return redirect("/admin", Notice("info", "It is tried again."))


def _live_part(overview: Overview, networks: dict[str, str]) -> LivePart:
    return LivePart(
        index=index_view(overview.index, overview.life),
        life=life_view(overview.index, overview.life, networks),
        mirror=mirror_view(overview.mirror) if overview.mirror is not None else None,
        counts=overview.counts,
        jobs=[job_view(job, overview.imports) for job in overview.jobs],
        health=overview.health,
        queues=queue_views(overview.queues),
    )


def _failure_view(one: Failure, viewer: Viewer) -> FailureView:
    return FailureView(
        image_id=one.image_id,
        url=f"/images/{one.image_id}" if one.owner == viewer.name else "",
        filename=one.filename,
        owner=one.owner,
        model=one.model,
        reason=one.reason,
        at_text=time_text(one.attempted_at),
    )


router = Router(
    "/",
    route_handlers=[admin, job, cancel, retry],
    guards=[require_admin],
    include_in_schema=False,
)
