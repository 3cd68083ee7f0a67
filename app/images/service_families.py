"""Which pictures may be copies of each other: each new one is compared with all others, once."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np

from app.core.database import Connection, Database
from app.core.queue import enqueue
from app.images import store_families
from app.images.families import KnownHashes, settle
from app.images.records import Uncompared
from ml.perceptual import BITS

BATCH = 512
"""Pictures a commit: half a second among a million."""
LOADED = 100_000  # hashes read at once
COMPARE_TASK = "images:compare"
COMPARE_LOCK = "compare"


async def queue_uncompared(db: Database) -> None:
    """Queue the work, if there is any."""
    async with db.transaction() as conn:
        if await store_families.list_uncompared(conn, 1):
            await queue_comparison(conn)


async def queue_comparison(conn: Connection) -> None:
    """For whoever adds pictures or hashes, in the same transaction."""
    await enqueue(conn, COMPARE_TASK, queueing_lock=COMPARE_LOCK)


async def compare_uncompared(db: Database) -> int:
    """Compare every picture that waits with all that do not, and with each other. Returns how many there were.

    Can be killed at any moment and run again: what a batch found is kept together with the fact that it waits no more.
    """
    compared, loaded_s, rested = 0, 0.0, True
    known: KnownHashes | None = None
    async with db.session() as guard:
        # A run that was taken for dead may still go on.
        await store_families.lock_comparison(guard)
        while True:
            async with db.transaction() as conn:
                batch = await store_families.list_uncompared(conn, BATCH)
                if not batch and rested:
                    await store_families.prune_families(conn)
                    return compared
            if not batch:
                # What took long to load is kept for as long again: an import has its next batch soon.
                await asyncio.sleep(loaded_s)
                rested = True
                continue
            if known is None:
                started = time.monotonic()
                known = await _load(db)
                loaded_s = time.monotonic() - started
            await _compare(db, known, batch)
            compared += len(batch)
            rested = False


async def _load(db: Database) -> KnownHashes:
    known = KnownHashes()
    after_id = 0
    while True:
        async with db.transaction() as conn:
            part = await store_families.list_known(conn, after_id=after_id, limit=LOADED)
        if part is None:
            return known
        after_id, rows = part
        await asyncio.to_thread(known.load, rows)


async def _compare(db: Database, known: KnownHashes, batch: Sequence[Uncompared]) -> None:
    hashes = sorted({one.perceptual_hash for one in batch if one.perceptual_hash is not None})
    rows = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, BITS // 8)
    pairs = await asyncio.to_thread(known.pair, rows)
    named = {node[1] for pair in pairs for node in pair if node[0] == "hash"}
    digests = {one.digest for one in batch if one.digest is not None}
    async with db.transaction() as conn:
        await store_families.delete_uncompared(conn, [one.id for one in batch])
        # A picture that has got another hash by now begins anew.
        await store_families.forget_members(conn, [one.image_id for one in batch])
        relatives = await store_families.list_relatives(conn, sorted(named), sorted(digests))
        settled = settle(pairs, relatives)
        await store_families.insert_members(conn, settled.members)
        await store_families.merge_families(conn, settled.merged)
    known.follow(settled)
