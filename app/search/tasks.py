"""Background tasks of search."""

import structlog
from procrastinate import Blueprint, JobContext

from app.core.database import Database
from app.core.settings import Settings
from app.core.worker_parts import part
from app.search import builds, checks, mirror_engine
from app.search.upkeep import Kind

tasks = Blueprint()
log = structlog.get_logger()


@tasks.task(name="build", queue="search", pass_context=True)
async def build(
    context: JobContext,
    model_id: int,
    job_id: int | None,
    activate: bool,
    reason: str = "",
    kind: Kind = "retrain",
) -> None:
    """Build an index, and switch to its model if asked to; where the mirror answers searches, only switch."""
    db, settings = part(context, Database), part(context, Settings)
    if activate and settings.search_engine == "qdrant":
        await mirror_engine.switch_model(db, settings, model_id)
        return
    try:
        await builds.build(db, settings, model_id, job_id, activate=activate, reason=reason, kind=kind)
    except builds.BelowTarget as refused:
        log.warning("index not put in force", reason=refused.detail)  # its job tells people so


@tasks.periodic(cron="* * * * *")
@tasks.task(name="tend", queue="search", queueing_lock="tend", pass_context=True)
async def tend(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Rebuild by rule, and forget what has expired."""
    await builds.tend(part(context, Database), part(context, Settings))


@tasks.periodic(cron="23 */6 * * *")
@tasks.task(name="review", queue="search", queueing_lock="review", pass_context=True)
async def review(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Measure recall of the index in force, where it answers searches."""
    settings = part(context, Settings)
    if settings.search_engine == "faiss":
        await checks.review(part(context, Database), settings)
