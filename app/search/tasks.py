"""Background tasks of search."""

import structlog
from procrastinate import Blueprint, JobContext

from app.core.database import Database
from app.core.settings import Settings
from app.core.worker_parts import part
from app.search import builds, checks

tasks = Blueprint()
log = structlog.get_logger()


@tasks.task(name="build", queue="search", pass_context=True)
async def build(context: JobContext, model_id: int, job_id: int | None, activate: bool, reason: str = "") -> None:
    """Build an index, and switch to its model if asked to."""
    db, settings = part(context, Database), part(context, Settings)
    try:
        await builds.build(db, settings, model_id, job_id, activate=activate, reason=reason)
    except builds.BelowTarget as refused:
        log.warning("index not put in force", reason=refused.detail)  # its job tells people so


@tasks.periodic(cron="* * * * *")
@tasks.task(name="tend", queue="search", queueing_lock="tend", pass_context=True)
async def tend(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Rebuild by rule, and forget what has expired."""
    await builds.tend(part(context, Database))


@tasks.periodic(cron="23 */6 * * *")
@tasks.task(name="review", queue="search", queueing_lock="review", pass_context=True)
async def review(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Measure recall of the index in force, where somebody may notice that it has fallen."""
    await checks.review(part(context, Database), part(context, Settings))
