"""Background tasks of explore."""

import structlog
from procrastinate import Blueprint, JobContext

from app.core.database import Database
from app.core.errors import AppError
from app.core.worker_parts import part
from app.explore import running

tasks = Blueprint()
log = structlog.get_logger()


@tasks.task(name="propose", queue="explore", pass_context=True)
async def propose(context: JobContext, grouping_id: int, job_id: int) -> None:
    """Group the pictures of a collection."""
    try:
        await running.run(part(context, Database), grouping_id, job_id)
    except AppError as error:
        log.warning("pictures were not grouped", grouping_id=grouping_id, reason=error.detail)  # its page says so
