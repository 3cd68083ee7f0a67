"""Background tasks of training."""

import structlog
from procrastinate import Blueprint, JobContext

from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.errors import AppError
from app.core.settings import Settings
from app.core.worker_parts import part
from app.training import service, service_evaluations

tasks = Blueprint()
log = structlog.get_logger()


@tasks.task(name="run", queue="training", pass_context=True)
async def run(context: JobContext, training_id: int) -> None:
    """Run a training in a process of its own; a worker that takes over from a dead one goes on from the checkpoint."""
    try:
        await service.run(part(context, Database), part(context, Settings), part(context, BlobStore), training_id)
    except (AppError, OSError) as error:
        log.warning("a training ended before its time", training_id=training_id, reason=str(error))  # its page says so


@tasks.task(name="evaluate", queue="training", pass_context=True)
async def evaluate(context: JobContext, evaluation_id: int) -> None:
    """Run an evaluation in a process of its own."""
    try:
        await service_evaluations.run(
            part(context, Database), part(context, Settings), part(context, BlobStore), evaluation_id
        )
    except (AppError, OSError) as error:
        log.warning("an evaluation failed", evaluation_id=evaluation_id, reason=str(error))  # its page says so
