"""Background tasks of pictures."""

from procrastinate import Blueprint, JobContext

from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.settings import Settings
from app.core.worker_parts import part
from app.images import service, service_counts, service_families, service_hashes
from ml.decoder import Decoder

tasks = Blueprint()


@tasks.periodic(cron="17 3 * * *")
@tasks.task(name="empty_trash", queue="images", pass_context=True)
async def empty_trash(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Erase what has been in the trash for longer than the settings say."""
    days = part(context, Settings).trash_days
    await service.purge_expired(part(context, Database), part(context, BlobStore), days)


@tasks.periodic(cron="*/5 * * * *")
@tasks.task(name="fold_counts", queue="images", pass_context=True)
async def fold_counts(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  # the scheduler passes it
    """Put together what changes appended to the counts of pictures."""
    await service_counts.fold_counts(part(context, Database))


@tasks.task(name="hash_unhashed", queue="images", pass_context=True)
async def hash_unhashed(context: JobContext) -> None:
    """Give pictures that were taken in before perceptual hashes were kept theirs."""
    await service_hashes.hash_unhashed(part(context, Database), part(context, BlobStore), part(context, Decoder))


@tasks.task(name="compare", queue="images", pass_context=True)
async def compare(context: JobContext) -> None:
    """Compare new pictures with all others, for the filter by copies."""
    await service_families.compare_uncompared(part(context, Database))
