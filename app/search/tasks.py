"""Background tasks of search."""

from procrastinate import Blueprint, JobContext

from app.core.database import Database
from app.core.settings import Settings
from app.core.worker_parts import part
from app.search import builds

tasks = Blueprint()


@tasks.task(name="build", queue="search", pass_context=True)
async def build(context: JobContext, model_id: int, job_id: int | None, activate: bool) -> None:
    """Build an index, and switch to its model if asked to."""
    await builds.build(part(context, Database), part(context, Settings), model_id, job_id, activate=activate)


@tasks.periodic(cron="* * * * *")
@tasks.task(name="tend", queue="search", queueing_lock="tend", pass_context=True)
async def tend(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Rebuild by rule, and forget what has expired."""
    await builds.tend(part(context, Database))
