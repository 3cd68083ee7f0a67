"""The follower: what is committed is searched, what is taken back is gone, without a rebuild."""

import asyncio

import pytest

from app.accounts.records import NOBODY, Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import changes, state
from app.core.changes import Change
from app.core.errors import Unavailable
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.images import service as images
from app.search import live as following
from app.search.live import Live, stop
from tests.app.search.conftest import Finder
from tests.factories import Gallery
from tests.waiting import until


async def test_before_there_is_a_model_it_says_so(live: Live) -> None:
    with pytest.raises(Unavailable, match="no model is active"):
        await live.refresh()
    with pytest.raises(Unavailable):
        live.current()


async def test_a_new_picture_is_found_without_a_rebuild(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder
) -> None:
    (first,) = await gallery.pictures(anna, birds, [1])
    await gallery.embed()
    await live.refresh()
    assert await find.like(2) == [first]
    (second,) = await gallery.pictures(anna, birds, [2])
    await gallery.embed()
    assert await find.like(2) == [first], "not before the follower has read the log"
    await live.refresh()
    assert await find.like(2) == [second, first]


async def test_b3_a_trashed_picture_is_gone_and_a_restored_one_is_back(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder
) -> None:
    db = gallery.intake.db
    first, second = await gallery.pictures(anna, birds, [1, 2])
    await gallery.embed()
    await live.refresh()
    await images.trash(db, anna, second)
    await live.refresh()
    assert await find.like(2) == [first]
    assert live.current()[0].index.count == 1
    await images.restore(db, anna, second)
    await live.refresh()
    assert await find.like(2) == [second, first]
    await images.trash(db, anna, second)
    await images.purge(db, gallery.intake.blobs, anna, second)
    await live.refresh()
    assert await find.like(2) == [first]


async def test_collections_are_joined_and_left_without_a_rebuild(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder
) -> None:
    fish = await gallery.collection(anna, "Fish", public=True)
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await gallery.embed()
    await live.refresh()
    assert await find.like(1, collection_id=fish.id) == []
    await gallery.pictures(anna, fish, [1])
    await live.refresh()
    assert await find.like(1, collection_id=fish.id) == [image_id]
    await images.delete_collection(gallery.intake.db, anna, birds.id)
    await live.refresh()
    assert await find.like(1) == [image_id]
    await images.delete_collection(gallery.intake.db, anna, fish.id)
    await live.refresh()
    assert await find.like(1) == []


async def test_a_follower_that_starts_late_knows_the_same(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live
) -> None:
    ids = await gallery.pictures(anna, birds, range(4))
    await gallery.embed()
    await live.refresh()
    await images.trash(gallery.intake.db, anna, ids[0])
    await live.refresh()
    late = Live(gallery.intake.db, gallery.settings, gallery.embedders)
    await late.refresh()
    for follower in (live, late):
        searcher, memberships = follower.current()
        assert searcher.index.count == 3
        assert memberships.allowed([birds.id]).count() == 4, "memberships outlive the trash"
        assert [one in searcher.index for one in ids] == [False, True, True, True]
    assert live.current()[0].position == late.current()[0].position


async def test_a_follower_that_the_log_no_longer_reaches_loads_afresh(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder
) -> None:
    db = gallery.intake.db
    (first,) = await gallery.pictures(anna, birds, [1])
    await gallery.embed()
    await live.refresh()
    (second,) = await gallery.pictures(anna, birds, [2])
    await gallery.embed()
    async with db.transaction() as conn:
        await changes.prune(conn, await changes.position(conn))
    await live.refresh()
    assert await find.like(2) == [second, first]


async def test_the_log_of_another_model_changes_nothing(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live
) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await gallery.embed()
    await live.refresh()
    async with gallery.intake.db.transaction() as conn:
        other = await embedding_store.put_model(conn, "other", "other@1", 8)
        await changes.append(conn, [Change("embedded", image_id, model_id=other.id)])
    await live.refresh()
    assert live.current()[0].index.count == 1


async def test_b5_another_model_is_swapped_in_as_a_whole(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same weights under another identity: nothing of the model before may answer."""
    db = gallery.intake.db
    await gallery.pictures(anna, birds, [1, 2])
    await gallery.embed()
    await live.refresh()
    before = live.current()[0]
    embedder = before.embedder
    async with db.transaction() as conn:
        other = await embedding_store.put_model(conn, "baseline", "baseline@another", embedder.model.dim)
        await state.replace(conn, embedding.ACTIVE_MODEL, str(other.id))
    with pytest.raises(Unavailable, match="have changed"):
        await live.refresh()
    assert live.current()[0] is before, "what answered goes on answering"
    monkeypatch.setattr(embedder.model, "identity", "baseline@another", raising=False)
    await live.refresh()
    assert live.current()[0].model.id == other.id
    assert await find.like(1) == [], "nothing is embedded by it yet"
    await embedding.embed_pending(gallery.workshop, "baseline")
    await live.refresh()
    assert len(await find.like(1)) == 2


async def test_it_runs_by_itself_and_outlives_a_lost_connection(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.05)
    db = gallery.intake.db
    running = asyncio.create_task(live.run())

    async def holds(count: int) -> bool:
        return live.ready and live.current()[0].index.count == count

    try:
        await gallery.pictures(anna, birds, [1])
        await gallery.embed()
        await until(lambda: holds(1))
        async with db.transaction() as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
        await gallery.pictures(anna, birds, [2])
        await gallery.embed()
        await until(lambda: holds(2))
    finally:
        await stop(running)


async def test_sharing_and_hiding_act_at_once_whatever_the_follower_knows(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder
) -> None:
    """B4: rights are read from the database at each search."""
    db = gallery.intake.db
    ben = await gallery.person("ben")
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await gallery.embed()
    await live.refresh()
    assert await find.like(1, ben) == [image_id]
    await collections.update(db, anna, birds.id, name="Birds", description="", is_public=False)
    assert await find.like(1, ben) == []
    assert await find.like(1, NOBODY) == []
    assert await find.like(1, anna) == [image_id]
    await collections.add_member(db, anna, birds.id, "ben", "viewer")
    assert await find.like(1, ben) == [image_id]
