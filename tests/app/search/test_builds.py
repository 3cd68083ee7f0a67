"""Builds: published whole, opened only when whole, and the one before is there when it is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import changes, jobs
from app.core.errors import Conflict
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.images import service as images
from app.search import builds, construction, store, upkeep
from app.search.live import Live
from app.search.records import IndexVersion
from app.search.searcher import version_dir
from tests.app.search.conftest import Finder
from tests.factories import Gallery


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(8))
    await gallery.embed()
    return ids


async def build(gallery: Gallery, exact_below: int = 20_000) -> IndexVersion:
    """Builds; the version that is active then."""
    model = await gallery.model()
    settings = replace(gallery.settings, exact_below=exact_below)
    await builds.build(gallery.intake.db, settings, model.id, None)
    return next(version for version in await versions(gallery) if version.is_active)


async def versions(gallery: Gallery) -> list[IndexVersion]:
    async with gallery.intake.db.transaction() as conn:
        return await store.list_versions(conn)


def files_of(gallery: Gallery, version: IndexVersion) -> list[Path]:
    return sorted(version_dir(gallery.settings.indexes_dir, version.id).iterdir())


async def queued_builds(gallery: Gallery) -> int:
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'search:build'")
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def test_a_build_is_published_activated_and_opened(
    gallery: Gallery, ids: list[int], live: Live, find: Finder
) -> None:
    await live.refresh()
    before = await find.like(3)
    version = await build(gallery)
    assert version.manifest["count"] == 8
    assert version.manifest["nlist"] == 1
    await live.refresh()
    searcher, _ = live.current()
    assert searcher.label == f"v{version.id}"
    assert (searcher.index.stats.main_count, searcher.index.stats.delta_count) == (8, 0)
    assert await find.like(3) == before
    async with gallery.intake.db.transaction() as conn:
        (job,) = [one for one in await jobs.list_recent(conn) if one.kind == "index"]
    assert (job.state, job.fraction) == ("done", 1.0)


async def test_what_comes_and_goes_after_the_build_is_followed(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], live: Live, find: Finder
) -> None:
    await build(gallery)
    await live.refresh()
    (fresh,) = await gallery.pictures(anna, birds, [30])
    await gallery.embed()
    await images.trash(gallery.intake.db, anna, ids[0])
    await live.refresh()
    assert (await find.like(30))[0] == fresh
    assert ids[0] not in await find.like(0)
    stats = live.current()[0].index.stats
    assert (stats.count, stats.main_count, stats.delta_count, stats.tombstones) == (8, 8, 1, 1)
    again = Live(gallery.intake.db, gallery.settings, gallery.embedders)
    await again.refresh()
    assert again.current()[0].index.count == 8, "a process that starts later replays the log"


async def test_b3_a_deletion_acts_though_the_index_is_old(
    gallery: Gallery, anna: Viewer, ids: list[int], live: Live, find: Finder
) -> None:
    await build(gallery)
    await live.refresh()
    await images.trash(gallery.intake.db, anna, ids[2])
    await images.purge(gallery.intake.db, gallery.intake.blobs, anna, ids[2])
    assert ids[2] not in await find.like(2, k=8), "before the follower knows"
    await live.refresh()
    assert ids[2] not in await find.like(2, k=8)
    assert ids[2] not in live.current()[0].index


async def test_ivf_is_used_above_exact_below(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder
) -> None:
    ids = await gallery.pictures(anna, birds, range(160))
    await gallery.embed()
    await live.refresh()
    exact = {seed: await find.like(seed, k=5) for seed in (0, 50, 159)}
    version = await build(gallery, exact_below=100)
    assert version.manifest["nlist"] > 1
    assert version.manifest["recall"] >= 0.95
    await live.refresh()
    stats = live.current()[0].index.stats
    assert (stats.kind, stats.count) == ("ivf", 160)
    for seed, found in exact.items():
        assert (await find.like(seed, k=5))[0] == found[0] == ids[seed]
    assert await find.like(0, k=5, label="nothing") == []


@pytest.mark.parametrize("name", ["index.faiss", "positions.npy", "manifest.json"])
async def test_f5_a_flipped_byte_is_refused_and_search_goes_on_without(
    gallery: Gallery, ids: list[int], live: Live, find: Finder, name: str
) -> None:
    version = await build(gallery)
    path = next(path for path in files_of(gallery, version) if path.name == name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.chmod(0o644)
    path.write_bytes(bytes(content))
    await live.refresh()
    assert live.current()[0].label == "live", "loaded from the database instead"
    assert (await find.like(3))[0] == ids[3]
    assert await queued_builds(gallery) == 1, "and built again"
    await live.refresh()
    assert await queued_builds(gallery) == 1, "but not asked for at each round"
    repaired = await build(gallery)
    await live.refresh()
    assert live.current()[0].label == f"v{repaired.id}"


async def test_b2_the_version_before_answers_when_the_newest_is_damaged(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], live: Live, find: Finder
) -> None:
    old = await build(gallery)
    (fresh,) = await gallery.pictures(anna, birds, [30])
    await gallery.embed()
    new = await build(gallery)
    assert new.id != old.id
    version_dir(gallery.settings.indexes_dir, new.id).joinpath("index.faiss").unlink()
    await live.refresh()
    assert live.current()[0].label == f"v{old.id}"
    assert (await find.like(30))[0] == fresh, "what came since is replayed from the log"


async def test_b2_a_failed_build_leaves_what_was(
    gallery: Gallery, ids: list[int], live: Live, find: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = await build(gallery)
    await live.refresh()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(construction.files, "publish", full)
    with pytest.raises(OSError, match="No space"):
        await build(gallery)
    await live.refresh()
    assert live.current()[0].label == f"v{version.id}"
    assert [one.id for one in await versions(gallery)] == [version.id]
    assert len(await find.like(3)) == 8
    async with gallery.intake.db.transaction() as conn:
        assert (await jobs.list_recent(conn, 1))[0].state == "failed"


async def test_two_versions_are_kept_and_the_log_behind_them_is_not(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], live: Live, find: Finder
) -> None:
    built: list[IndexVersion] = []
    for seed in (30, 31, 32):
        await gallery.pictures(anna, birds, [seed])
        await gallery.embed()
        built.append(await build(gallery))
    kept = await versions(gallery)
    assert [one.id for one in kept] == [built[2].id, built[1].id]
    folders = {path.name for path in gallery.settings.indexes_dir.iterdir() if path.is_dir()}
    assert folders == {str(one.id) for one in kept}
    async with gallery.intake.db.transaction() as conn:
        assert await changes.pruned_to(conn) == built[1].seq
        assert all(entry.seq > built[1].seq for entry in await changes.list_after(conn, 0))
    await live.refresh()
    assert len(await find.like(3, k=20)) == 11


async def test_a_build_is_asked_for_once(gallery: Gallery, ids: list[int]) -> None:
    first = await builds.request_build(gallery.intake.db, "asked for")
    assert await builds.request_build(gallery.intake.db, "asked for") == first
    assert await queued_builds(gallery) == 1


async def test_without_a_model_there_is_nothing_to_build(gallery: Gallery) -> None:
    with pytest.raises(Conflict):
        await builds.request_build(gallery.intake.db, "asked for")


async def test_an_empty_gallery_is_built_into_nothing(gallery: Gallery, live: Live) -> None:
    await gallery.embed()
    model = await gallery.model()
    await builds.build(gallery.intake.db, gallery.settings, model.id, None)
    assert await versions(gallery) == []
    await live.refresh()
    assert live.current()[0].index.count == 0


async def test_a_cancelled_build_publishes_nothing(gallery: Gallery, ids: list[int]) -> None:
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        job_id = await jobs.create(conn, "index", "Building", 100)
        await jobs.request_cancel(conn, job_id)
    await builds.build(gallery.intake.db, gallery.settings, model.id, job_id)
    async with gallery.intake.db.transaction() as conn:
        assert (await jobs.get(conn, job_id)).state == "cancelled"
    assert await versions(gallery) == []


async def test_enough_fresh_vectors_ask_for_a_build(
    gallery: Gallery, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await builds.tend(gallery.intake.db, gallery.settings)
    assert await queued_builds(gallery) == 0
    monkeypatch.setattr(upkeep, "EXACT_MIN_FRESH", 8)
    await builds.tend(gallery.intake.db, gallery.settings)
    assert await queued_builds(gallery) == 1


async def test_a_waiting_rebuild_neither_swallows_nor_undoes_the_switch_to_another_model(
    gallery: Gallery, ids: list[int]
) -> None:
    db = gallery.intake.db
    old = await gallery.model()
    await builds.request_build(db, "asked for")
    async with db.transaction() as conn:
        new = await embedding_store.put_model(conn, "another", "f" * 64, old.dim)
        await embedding.queue_build(conn, old.id, activate=False)
        await embedding.queue_build(conn, new.id, activate=True)
        await embedding.queue_build(conn, new.id, activate=True)
    assert await queued_builds(gallery) == 3

    wanting = replace(gallery.settings, model="another")
    await builds.build(db, wanting, new.id, None, activate=True)
    await builds.build(db, wanting, old.id, None)
    assert await embedding.active_model(db) == new


async def test_a_build_that_waited_does_not_switch_to_a_model_that_nobody_wants_any_more(
    gallery: Gallery, ids: list[int]
) -> None:
    db = gallery.intake.db
    old = await gallery.model()
    async with db.transaction() as conn:
        passed_over = await embedding_store.put_model(conn, "another", "f" * 64, old.dim)
    await builds.build(db, gallery.settings, passed_over.id, None, activate=True)
    assert await embedding.active_model(db) == old
