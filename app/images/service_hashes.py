"""The perceptual hashes of pictures that were taken in before they were kept."""

import asyncio

import structlog

from app.core.blobs import THUMBNAIL_WIDTHS, BlobStore
from app.core.database import Database
from app.core.errors import NotFound
from app.core.queue import enqueue
from app.images import service_families, store_writes
from ml.decoder import Decoder
from ml.images import PictureRefused

BATCH = 8  # originals in memory at once
HASH_TASK = "images:hash_unhashed"
HASH_LOCK = "hashes"

log = structlog.get_logger()


async def queue_unhashed(db: Database) -> None:
    """Queue the work, if there is any."""
    async with db.transaction() as conn:
        if await store_writes.list_unhashed(conn, after_id=0, limit=1):
            await enqueue(conn, HASH_TASK, queueing_lock=HASH_LOCK)


async def hash_unhashed(db: Database, blobs: BlobStore, decoder: Decoder) -> int:
    """Hash every picture that has no hash, as it would be at ingest. Returns how many there were.

    Can be killed at any moment and run again. A picture whose original is missing or refused is passed over once in
    each run, and there is one run for each start of the worker: by then the file may be back.
    """
    after_id = hashed = 0
    while True:
        async with db.transaction() as conn:
            batch = await store_writes.list_unhashed(conn, after_id=after_id, limit=BATCH)
        if not batch:
            return hashed
        hashes = await asyncio.gather(*(_hash(blobs, decoder, image_id, digest) for image_id, digest in batch))
        for (image_id, _), perceptual_hash in zip(batch, hashes, strict=True):
            if perceptual_hash is None:
                continue
            # One row, one commit: holding no other row, it cannot deadlock with an import of the same pictures.
            async with db.transaction() as conn:
                await store_writes.set_perceptual_hash(conn, image_id, perceptual_hash)
                await service_families.queue_comparison(conn)
            hashed += 1
        after_id = batch[-1][0]


async def _hash(blobs: BlobStore, decoder: Decoder, image_id: int, digest: bytes) -> bytes | None:
    try:
        data = await asyncio.to_thread(blobs.read, blobs.original(digest))
        return (await asyncio.wrap_future(decoder.submit_inspect(data, THUMBNAIL_WIDTHS))).perceptual_hash
    except (NotFound, OSError, PictureRefused) as error:
        log.warning("no perceptual hash", image_id=image_id, reason=str(error))
        return None
