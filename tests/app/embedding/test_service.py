"""The embed job: every picture gets one embedding or one reason, whatever dies on the way."""

import asyncio
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import changes
from app.embedding import service, store, store_failures
from app.embedding.records import Failure, Progress
from app.images import service as images
from ml.datasets.items import Item
from ml.images import load
from tests.factories import Gallery, picture
from tests.waiting import a_lock_is_waited_for, until


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds")


async def progress(gallery: Gallery) -> Progress:
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        return await store.count_progress(conn, model.id)


async def failures(gallery: Gallery) -> list[Failure]:
    async with gallery.intake.db.transaction() as conn:
        return await store_failures.list_failures(conn, 10)


async def stored(gallery: Gallery, ids: list[int]) -> dict[int, Any]:
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        found, vectors = await store.list_embeddings(conn, model.id, model.dim, ids)
    return dict(zip(found.tolist(), vectors, strict=True))


async def logged(gallery: Gallery) -> list[int]:
    """The pictures that the log calls embedded."""
    async with gallery.intake.db.transaction() as conn:
        return [entry.image_id for entry in await changes.list_after(conn, 0) if entry.kind == "embedded"]


def one_colour(seed: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (seed, seed, seed)).save(file, "PNG")
    return file.getvalue()


async def test_every_picture_gets_one_embedding_and_one_entry(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    ids = await gallery.pictures(anna, birds, range(40))  # more than one batch
    assert await gallery.embed() == 40
    assert set(await stored(gallery, ids)) == set(ids)
    assert sorted(await logged(gallery)) == ids
    assert await progress(gallery) == Progress(40, 0, 0)


async def test_again_does_nothing(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    ids = await gallery.pictures(anna, birds, range(3))
    await gallery.embed()
    assert await gallery.embed() == 0
    assert sorted(await logged(gallery)) == ids


async def test_what_came_meanwhile_is_embedded_the_next_time(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    await gallery.pictures(anna, birds, range(3))
    await gallery.embed()
    fresh = await gallery.pictures(anna, birds, [7, 8])
    assert await gallery.embed() == 2
    assert set(await stored(gallery, fresh)) == set(fresh)


async def test_f24_two_at_once_give_each_picture_one(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    ids = await gallery.pictures(anna, birds, range(20))
    await gallery.model()
    counts = await asyncio.gather(gallery.embed(), gallery.embed())
    assert sorted(counts) == [0, 20], "the second waits, and finds nothing left"
    assert sorted(await logged(gallery)) == ids


async def test_one_process_embeds_at_a_time(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    ids = await gallery.pictures(anna, birds, [1])
    db = gallery.intake.db
    async with db.session() as another:
        await store.lock_embedding(another)
        waiting = asyncio.create_task(gallery.embed())
        await until(lambda: a_lock_is_waited_for(db))
        assert await stored(gallery, ids) == {}
    assert await waiting == 1


async def test_a_writer_that_comes_late_changes_nothing(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await gallery.embed()
    before = (await stored(gallery, [image_id]))[image_id]
    model = await gallery.model()
    late = np.zeros((1, model.dim), np.float32)
    async with gallery.intake.db.transaction() as conn:
        assert await store.append_embeddings(conn, model.id, [image_id], late) == []
        assert await store.append_embeddings(conn, model.id, [99999], late) == [], "a picture that is gone"
    assert np.array_equal((await stored(gallery, [image_id]))[image_id], before)


async def test_f15_a_picture_whose_file_is_missing_gets_a_reason_and_the_rest_go_on(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    ids = await gallery.pictures(anna, birds, range(5))
    lost = await images.get_visible(gallery.intake.db, anna, ids[2])
    gallery.intake.blobs.remove(lost.digest)
    assert await gallery.embed() == 4
    (failure,) = await failures(gallery)
    assert (failure.image_id, failure.reason) == (ids[2], "the file of this picture is missing")
    assert await progress(gallery) == Progress(4, 0, 1)
    assert await gallery.embed() == 0, "a failure is not tried again by itself"


async def test_a_failure_is_tried_again_when_somebody_asks(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1])
    image = await images.get_visible(gallery.intake.db, anna, image_id)
    gallery.intake.blobs.remove(image.digest)
    await gallery.embed()
    gallery.intake.blobs.put_all([(image.digest, picture(1), {})])
    assert await service.retry_failed(gallery.intake.db) == 1
    assert await gallery.embed() == 1
    assert await failures(gallery) == []


async def test_a24_a_file_that_has_rotted_gets_a_reason(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    rotten, good = await gallery.pictures(anna, birds, [1, 2])
    image = await images.get_visible(gallery.intake.db, anna, rotten)
    gallery.intake.blobs.original(image.digest).write_bytes(b"no picture any more")
    assert await gallery.embed() == 1
    assert [one.image_id for one in await failures(gallery)] == [rotten]
    assert set(await stored(gallery, [rotten, good])) == {good}


async def test_one_colour_has_an_embedding(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    items = [Item(f"{seed}.png", f"{seed}.png", one_colour(seed)) for seed in (0, 128, 255)]
    ids = [one.image_id for one in await gallery.add(anna, birds, items) if one.image_id is not None]
    assert await gallery.embed() == 3
    for vector in (await stored(gallery, ids)).values():
        assert np.linalg.norm(vector) == pytest.approx(1, abs=2e-3)


async def test_a_picture_that_a_model_makes_nothing_of_spoils_no_batch(
    gallery: Gallery, anna: Viewer, birds: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = (await gallery.embedders.get("baseline")).model
    forward = model.forward
    black = model.preprocess(load(one_colour(0), resized_to=model.preprocess.size))

    def blind_to_black(batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        directions = np.array([not np.array_equal(prepared, black) for prepared in batch], np.float32)
        return forward(batch) * directions[:, None]

    monkeypatch.setattr(model, "forward", blind_to_black)
    items = [Item(f"{seed}.png", f"{seed}.png", picture(seed)) for seed in range(3)]
    items.insert(1, Item("black.png", "black.png", one_colour(0)))
    ids = [one.image_id for one in await gallery.add(anna, birds, items) if one.image_id is not None]
    assert await gallery.embed() == 3
    assert set(await stored(gallery, ids)) == {ids[0], ids[2], ids[3]}
    (failure,) = await failures(gallery)
    assert (failure.image_id, failure.reason) == (ids[1], "the model finds nothing in this picture to tell it by")


async def test_b9_a_picture_that_kills_its_process_is_quarantined(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    poison, good = await gallery.pictures(anna, birds, [1, 2])
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        for _ in range(store.MAX_ATTEMPTS):
            await store.put_attempts(conn, model.id, [poison])
    assert await gallery.embed() == 1
    assert set(await stored(gallery, [poison, good])) == {good}
    (failure,) = await failures(gallery)
    assert failure.image_id == poison
    assert "process ended" in failure.reason


async def test_b9_a_picture_that_was_begun_is_tried_again(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    begun, fresh = await gallery.pictures(anna, birds, [1, 2])
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        await store.put_attempts(conn, model.id, [begun])
    assert await gallery.embed() == 2
    assert await logged(gallery) == [fresh, begun], "alone, and after those that nothing is known of"
    async with gallery.intake.db.transaction() as conn:
        row = await (await conn.execute("SELECT count(*) FROM embedding_attempt")).fetchone()
    assert row == (0,)


async def test_trashed_pictures_wait_for_nothing(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await images.trash(gallery.intake.db, anna, image_id)
    assert await gallery.embed() == 0
    await images.restore(gallery.intake.db, anna, image_id)
    assert await gallery.embed() == 1


async def test_float16_moves_scores_by_little(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    """The largest difference of a score between what is stored and what was computed, over all pairs."""
    ids = await gallery.pictures(anna, birds, range(40))
    await gallery.embed()
    embedder = await gallery.embedders.get("baseline")
    exact = np.stack([embedder.embed_bytes(picture(seed)) for seed in range(40)])
    found = await stored(gallery, ids)
    half = np.stack([found[one] for one in ids])
    difference = float(np.abs(half @ half.T - exact @ exact.T).max())
    assert difference < 2e-3


async def test_when_the_wanted_model_is_complete_its_activation_is_queued(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    await gallery.pictures(anna, birds, [1])
    await gallery.model()  # known, and not active
    await service.embed_pending(gallery.workshop, "baseline")
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'search:build'")
        assert await cursor.fetchall() == [({"model_id": model.id, "job_id": None, "activate": True},)]


async def test_the_job_tells_how_far_it_is(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    await gallery.pictures(anna, birds, range(5))
    await gallery.embed()
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT state, done, total FROM job WHERE kind = 'embed'")
        assert await cursor.fetchall() == [("done", 5, 5)]
