"""Background tasks of ingest."""

import structlog
from procrastinate import Blueprint, JobContext

from app.core.errors import AppError
from app.core.worker_parts import part
from app.ingest import service, service_uploads
from app.ingest.pipeline import Intake
from ml.datasets.items import DataSetError

tasks = Blueprint()
log = structlog.get_logger()


@tasks.task(name="run", queue="ingest", pass_context=True)
async def run(context: JobContext, import_id: int, *, again: bool, position: int | None = None) -> None:
    """Run an import from where it was; a worker that takes over from a dead one goes on there."""
    intake = part(context, Intake)
    try:
        await service.run(intake, import_id, again=again, position=position)
    except (AppError, DataSetError) as error:
        # Its job says so to those who wait for it.
        log.warning("an import ended before its time", import_id=import_id, reason=str(error))
    else:
        await service_uploads.settle(intake, import_id)


@tasks.periodic(cron="47 3 * * *")
@tasks.task(name="sweep", queue="ingest", pass_context=True)
async def sweep(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Erase archives that nobody goes on with."""
    await service_uploads.sweep(part(context, Intake))
