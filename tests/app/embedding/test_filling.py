"""Several models at once: who comes first, who is passed over, and what an orderly end leaves behind."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import changes, jobs, state
from app.embedding import filling, store
from app.embedding.models import register
from app.embedding.records import ModelRow
from app.embedding.service import ACTIVE_MODEL, embed_pending, queue_embedding
from ml.models.model import ModelError
from tests.factories import Gallery


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds")


@pytest.fixture
def second(tiny: Path) -> str:
    """A second model's name."""
    return str(tiny)


async def row(gallery: Gallery, name: str) -> ModelRow:
    return await register(gallery.intake.db, name, await gallery.embedders.get(name))


async def embedded(gallery: Gallery) -> list[tuple[int | None, int]]:
    """(model, picture) in the order of the log."""
    async with gallery.intake.db.transaction() as conn:
        entries = await changes.list_after(conn, 0)
    return [(entry.model_id, entry.image_id) for entry in entries if entry.kind == "embedded"]


async def activations(gallery: Gallery) -> int:
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'search:build'")
        found = await cursor.fetchone()
    return found[0] if found else 0


async def attempts(gallery: Gallery) -> list[int]:
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT attempts FROM embedding_attempt WHERE reason IS NULL")
        return [found[0] for found in await cursor.fetchall()]


async def test_the_active_model_comes_first_then_the_wanted_one_then_another(
    gallery: Gallery, anna: Viewer, birds: Collection, second: str
) -> None:
    await gallery.embed()
    ids = await gallery.pictures(anna, birds, range(3))
    wanted, other = f"{second}:mean", second
    await queue_embedding(gallery.intake.db, other)
    assert await embed_pending(gallery.workshop, wanted) == 9
    models = [(await row(gallery, name)).id for name in ("baseline", wanted, other)]
    assert await embedded(gallery) == [(model, image) for model in models for image in ids]
    assert len(set(models)) == 3


async def test_a_picture_that_comes_in_while_another_model_is_filled_does_not_wait_for_it(
    gallery: Gallery, anna: Viewer, birds: Collection, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "BATCH", 2)
    old = await gallery.pictures(anna, birds, range(10))
    await gallery.embed()
    active, wanted = await row(gallery, "baseline"), await row(gallery, second)
    model = (await gallery.embedders.get(second)).model
    forward = model.forward
    loop = asyncio.get_running_loop()
    uploaded: list[int] = []

    def upload_first(batch: list[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Somebody uploads a picture while the second model's first batch is in the network."""
        if not uploaded:
            coming = asyncio.run_coroutine_threadsafe(gallery.pictures(anna, birds, [99]), loop)
            uploaded.extend(coming.result(20))
        return forward(batch)

    monkeypatch.setattr(model, "forward", upload_first)
    await embed_pending(gallery.workshop, second)
    order = (await embedded(gallery))[len(old) :]
    place = order.index((active.id, uploaded[0]))
    assert place == 2, "right behind the batch that was under way"
    assert sorted(image for which, image in order if which == wanted.id) == sorted(old + uploaded)


async def test_b6_what_was_asked_for_outlives_its_job_and_is_done_once(
    gallery: Gallery, anna: Viewer, birds: Collection, second: str
) -> None:
    await gallery.embed()
    ids = await gallery.pictures(anna, birds, range(2))
    await queue_embedding(gallery.intake.db, second)
    await queue_embedding(gallery.intake.db, "/nowhere/at/all")
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("DELETE FROM procrastinate_jobs")  # as often as it dies with its worker
    assert await embed_pending(gallery.workshop, "baseline") == 4
    more = await gallery.pictures(anna, birds, [9])
    assert await embed_pending(gallery.workshop, "baseline") == 1
    model = await row(gallery, second)
    assert [image for which, image in await embedded(gallery) if which == model.id] == ids
    assert more


async def test_a_wanted_model_that_cannot_be_used_stops_nobody(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    await gallery.embed()
    ids = await gallery.pictures(anna, birds, range(2))
    assert await embed_pending(gallery.workshop, "/nowhere/at/all") == 2
    assert [image for _, image in await embedded(gallery)] == ids
    assert await activations(gallery) == 0


async def test_when_no_model_can_be_used_it_is_told(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    await gallery.pictures(anna, birds, range(2))
    with pytest.raises(ModelError, match="no model named"):
        await embed_pending(gallery.workshop, "/nowhere/at/all")


async def test_only_the_wanted_model_is_activated_and_only_when_it_is_complete(
    gallery: Gallery, anna: Viewer, birds: Collection, second: str
) -> None:
    await gallery.pictures(anna, birds, range(2))
    await gallery.embed()
    await queue_embedding(gallery.intake.db, second)
    await embed_pending(gallery.workshop, "baseline")
    assert await activations(gallery) == 0, "filled beside it, not asked for"
    await embed_pending(gallery.workshop, second)
    assert await activations(gallery) == 1
    async with gallery.intake.db.transaction() as conn:
        assert await state.find(conn, ACTIVE_MODEL) == str((await row(gallery, "baseline")).id)


async def test_a_job_that_is_cancelled_leaves_nothing_begun_and_activates_nothing(
    gallery: Gallery, anna: Viewer, birds: Collection, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "BATCH", 2)
    monkeypatch.setattr(jobs, "WRITE_INTERVAL_S", 0)
    await gallery.pictures(anna, birds, range(8))
    await gallery.embed()
    model = (await gallery.embedders.get(second)).model
    forward = model.forward
    loop = asyncio.get_running_loop()

    async def cancel() -> None:
        async with gallery.intake.db.transaction() as conn:
            job = await jobs.find_active(conn, "embed")
            assert job is not None
            await jobs.request_cancel(conn, job.id)

    def cancelled_meanwhile(batch: list[NDArray[np.generic]]) -> NDArray[np.float32]:
        asyncio.run_coroutine_threadsafe(cancel(), loop).result(20)
        return forward(batch)

    monkeypatch.setattr(model, "forward", cancelled_meanwhile)
    assert await embed_pending(gallery.workshop, second) == 2, "the batch under way is kept"
    assert await attempts(gallery) == []
    assert await activations(gallery) == 0
    monkeypatch.setattr(model, "forward", forward)
    assert await embed_pending(gallery.workshop, second) == 6


async def test_b21_a_worker_that_is_stopped_leaves_nothing_begun(
    gallery: Gallery, anna: Viewer, birds: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "BATCH", 2)
    ids = await gallery.pictures(anna, birds, range(6))
    model = (await gallery.embedders.get("baseline")).model
    reached = asyncio.Event()
    forward = model.forward
    loop = asyncio.get_running_loop()

    def tell(batch: list[NDArray[np.generic]]) -> NDArray[np.float32]:
        loop.call_soon_threadsafe(reached.set)
        return forward(batch)

    monkeypatch.setattr(model, "forward", tell)
    working = asyncio.create_task(gallery.embed())
    await reached.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await attempts(gallery) == []
    await gallery.embed()
    assert sorted(image for _, image in await embedded(gallery)) == ids


async def test_b9_ten_kills_while_fresh_pictures_are_embedded_cost_none_of_them(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    """What a kill leaves behind: pictures noted as begun, each by another kill, and never ended."""
    ids = await gallery.pictures(anna, birds, range(20))
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        for start in range(0, 20, 2):
            await store.put_attempts(conn, model.id, ids[start : start + 2])
    assert await gallery.embed() == 20
    assert sorted(image for _, image in await embedded(gallery)) == ids
