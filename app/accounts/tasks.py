"""Background tasks of accounts."""

from procrastinate import Blueprint, JobContext

from app.accounts import service_events
from app.core.database import Database
from app.core.worker_parts import part

tasks = Blueprint()


@tasks.periodic(cron="37 3 * * *")
@tasks.task(name="forget_events", queue="accounts", pass_context=True)
async def forget_events(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Forget security events of more than 90 days ago."""
    await service_events.forget_old(part(context, Database))
