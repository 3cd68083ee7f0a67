"""Where the mirror answers searches: models are switched and the log is pruned without any build."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from procrastinate import JobContext

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import changes
from app.core.database import Database
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.search import builds, checks, mirror, mirror_engine, store, store_mirror, tasks, upkeep
from app.search.records_mirror import Filling
from tests.app.search.scattered import directions, scatter
from tests.factories import Gallery


@pytest.fixture
def by_qdrant(mirrored: Settings) -> Settings:
    return replace(mirrored, search_engine="qdrant")


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    await gallery.embed()
    model = await gallery.model()
    return await scatter(gallery.intake.db, anna, model, directions(300, model.dim, 1), [[birds.id]] * 300)


def context(db: Database, settings: Settings) -> JobContext:
    """A task's context with the worker's parts."""
    return cast("Any", SimpleNamespace(additional_context={"db": db, "settings": settings}))


async def pruned_to(db: Database) -> int:
    async with db.transaction() as conn:
        return await changes.pruned_to(conn)


async def test_no_build_is_due_however_much_came(
    db: Database, gallery: Gallery, ids: list[int], by_qdrant: Settings
) -> None:
    model = await gallery.model()
    async with db.transaction() as conn:
        assert await upkeep.due(conn, gallery.settings, model.id) is not None
        assert await upkeep.due(conn, by_qdrant, model.id) is None
    await builds.tend(db, by_qdrant)
    async with db.transaction() as conn:
        queued = await (await conn.execute("SELECT count(*) FROM procrastinate_jobs")).fetchone()
    assert queued == (0,)


async def test_a_switch_of_models_builds_nothing_and_the_mirror_follows_it(
    db: Database, gallery: Gallery, ids: list[int], by_qdrant: Settings
) -> None:
    first = await mirror.sync(db, by_qdrant)
    async with db.transaction() as conn:
        other = await embedding_store.put_model(conn, "other", "e" * 64, 8)
        await embedding_store.append_embeddings(conn, other.id, ids, directions(len(ids), 8, 3))
    await tasks.build(context(db, by_qdrant), other.id, None, activate=True)
    assert await embedding.active_model(db) == await gallery.model(), "another model is wanted by now"
    wanting = replace(by_qdrant, model="other")
    await tasks.build(context(db, wanting), other.id, None, activate=True)
    assert await embedding.active_model(db) == other
    async with db.transaction() as conn:
        assert await store.list_versions(conn) == []
    second = await mirror.sync(db, by_qdrant)
    assert (second.identity, second.points) == (other.identity, len(ids))
    assert second.collection != first.collection


async def test_the_log_is_pruned_behind_the_mirror_and_the_newest_entries_stay(
    db: Database, ids: list[int], by_qdrant: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await builds.tend(db, by_qdrant)
    assert await pruned_to(db) == 0, "the mirror has followed nothing yet"
    position = (await mirror.sync(db, by_qdrant)).position
    await builds.tend(db, by_qdrant)
    assert await pruned_to(db) == 0, "there are few"
    monkeypatch.setattr(mirror_engine, "LOG_KEPT", 100)
    await builds.tend(db, by_qdrant)
    assert await pruned_to(db) == position - 100
    async with db.transaction() as conn:
        assert len(await changes.list_after(conn, 0)) == 100
        state = await store_mirror.read_state(conn)
        await store_mirror.write_state(conn, replace(state, position=position - 70))
        await changes.append(conn, [changes.Change("labelled", ids[0])] * 100)
    await builds.tend(db, by_qdrant)
    assert await pruned_to(db) == position - 70, "what the mirror has not followed stays"


async def test_what_a_filling_began_at_stays(
    db: Database, ids: list[int], by_qdrant: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await mirror.sync(db, by_qdrant)
    monkeypatch.setattr(mirror_engine, "LOG_KEPT", 0)
    async with db.transaction() as conn:
        filling = Filling("e" * 64, "likeness_x_v1", 50)
        await store_mirror.write_state(conn, replace(state, filling=filling))
    await builds.tend(db, by_qdrant)
    assert await pruned_to(db) == 50


async def test_an_index_that_answers_nothing_is_not_reviewed(
    db: Database, by_qdrant: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewed: list[str] = []

    async def note(_: Database, settings: Settings) -> None:
        reviewed.append(settings.search_engine)

    monkeypatch.setattr(checks, "review", note)
    for engine in ("faiss", "qdrant"):
        await tasks.review(context(db, replace(by_qdrant, search_engine=engine)), 0)
    assert reviewed == ["faiss"]
