"""Pictures that were taken in before perceptual hashes were kept get theirs; a bad file costs itself only."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from app import worker
from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core.database import Database
from app.core.settings import Settings
from app.images import service
from app.images.service_families import COMPARE_TASK
from app.images.service_hashes import BATCH, HASH_TASK, hash_unhashed, queue_unhashed
from tests.factories import Gallery
from tests.waiting import until


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds")


async def hashes(db: Database) -> dict[int, bytes | None]:
    async with db.transaction() as conn:
        return dict(await (await conn.execute("SELECT id, perceptual_hash FROM image")).fetchall())


async def forget(db: Database, ids: Sequence[int]) -> None:
    """As if these had been taken in before."""
    async with db.transaction() as conn:
        await conn.execute("UPDATE image SET perceptual_hash = NULL WHERE id = ANY(%s)", (list(ids),))


async def queued(db: Database) -> list[str]:
    async with db.transaction() as conn:
        cursor = await conn.execute("SELECT task_name FROM procrastinate_jobs WHERE queue_name = 'images'")
        return [name for (name,) in await cursor.fetchall()]


async def test_earlier_pictures_get_the_hash_that_ingest_gives(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    intake = gallery.intake
    ids = await gallery.pictures(anna, birds, range(BATCH + 3))
    await service.trash(intake.db, anna, ids[0])  # it may come back
    given = await hashes(intake.db)
    await forget(intake.db, ids[:-1])
    assert await hash_unhashed(intake.db, intake.blobs, intake.decoder) == len(ids) - 1
    assert await hashes(intake.db) == given
    assert await hash_unhashed(intake.db, intake.blobs, intake.decoder) == 0


async def test_a_missing_or_broken_original_costs_itself_only(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    intake = gallery.intake
    ids = await gallery.pictures(anna, birds, range(BATCH + 3))
    given = await hashes(intake.db)
    await forget(intake.db, ids)
    missing, broken, unreadable = [
        intake.blobs.original((await service.get_visible(intake.db, anna, image_id)).digest) for image_id in ids[:3]
    ]
    missing.unlink()
    broken.write_bytes(b"no picture")
    unreadable.unlink()
    unreadable.mkdir()
    async with asyncio.timeout(60):
        assert await hash_unhashed(intake.db, intake.blobs, intake.decoder) == len(ids) - 3
    assert await hashes(intake.db) == {**given, **dict.fromkeys(ids[:3])}


async def test_the_work_is_queued_once_and_only_when_there_is_some(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    ids = await gallery.pictures(anna, birds, range(3))
    await queue_unhashed(db)
    assert await queued(db) == [COMPARE_TASK]
    await forget(db, ids)
    for _ in range(2):
        await queue_unhashed(db)
    assert sorted(await queued(db)) == sorted([COMPARE_TASK, HASH_TASK])


async def test_a_worker_that_starts_does_it(
    gallery: Gallery, anna: Viewer, birds: Collection, settings: Settings, conninfo: str
) -> None:
    db = gallery.intake.db
    ids = await gallery.pictures(anna, birds, range(3))
    given = await hashes(db)
    await forget(db, ids)
    working = asyncio.create_task(worker.run(settings, conninfo))

    async def done() -> bool:
        return await hashes(db) == given or working.done()

    try:
        await until(done)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    assert await hashes(db) == given
