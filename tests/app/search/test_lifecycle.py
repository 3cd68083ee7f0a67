"""The life of versions: the gate, what is put in force by hand, the way back, what is kept and deleted."""

from datetime import timedelta

import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import changes, jobs, state
from app.core.errors import Conflict, NotFound
from app.core.jobs import Job
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.search import builds, lifecycle, store, upkeep
from app.search.builds import BelowTarget
from app.search.live import Live
from app.search.records import IndexVersion
from tests.app.search.building import build, find_too_little, flip, folder_of, versions
from tests.app.search.conftest import Finder
from tests.factories import Gallery


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(8))
    await gallery.embed()
    return ids


async def last_job(gallery: Gallery) -> Job:
    async with gallery.intake.db.transaction() as conn:
        return next(job for job in await jobs.list_recent(conn) if job.kind == "index")


async def active(gallery: Gallery) -> list[int]:
    return [one.id for one in await versions(gallery) if one.is_active]


async def activate(gallery: Gallery, version_id: int, *, below_target: bool = False) -> IndexVersion:
    return await lifecycle.activate(gallery.intake.db, gallery.settings, version_id, below_target=below_target)


async def build_badly(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> IndexVersion:
    with monkeypatch.context() as patch:
        find_too_little(patch)
        with pytest.raises(BelowTarget):
            await build(gallery)
    return (await versions(gallery))[0]


async def test_a_build_below_its_target_is_kept_and_not_put_in_force(
    gallery: Gallery, ids: list[int], live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = await build(gallery)
    bad = await build_badly(gallery, monkeypatch)
    assert bad.below_target
    assert not good.below_target
    assert await active(gallery) == [good.id]
    assert folder_of(gallery, bad).is_dir()
    job = await last_job(gallery)
    assert job.state == "failed"
    assert "recall 0.500" in job.message
    assert f"likeness index activate {bad.id} --below-target" in job.message
    await live.refresh()
    assert live.current()[0].label == good.label


async def test_the_very_first_build_is_not_searched_either_when_it_finds_too_little(
    gallery: Gallery, ids: list[int], live: Live, find: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await build_badly(gallery, monkeypatch)
    await live.refresh()
    assert live.current()[0].label == "live"
    assert (await find.like(3))[0] == ids[3]


async def test_a_model_is_not_switched_to_by_an_index_that_finds_too_little(
    gallery: Gallery, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    db = gallery.intake.db
    model = await gallery.model()
    async with db.transaction() as conn:
        before = await embedding_store.put_model(conn, "before", "f" * 64, model.dim)
        await state.replace(conn, embedding.ACTIVE_MODEL, str(before.id))
    find_too_little(monkeypatch)
    with pytest.raises(BelowTarget):
        await builds.build(db, gallery.settings, model.id, None, activate=True)
    assert await embedding.active_model(db) == before


async def test_an_admin_may_overrule_the_target(
    gallery: Gallery, ids: list[int], live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    await build(gallery)
    bad = await build_badly(gallery, monkeypatch)
    with pytest.raises(BelowTarget) as refused:
        await activate(gallery, bad.id)
    assert "0.500" in refused.value.detail
    assert refused.value.hint is not None
    assert "--below-target" in refused.value.hint
    assert (await activate(gallery, bad.id, below_target=True)).is_active
    assert await active(gallery) == [bad.id]
    await live.refresh()
    assert live.current()[0].label == bad.label


async def test_only_what_can_answer_is_put_in_force(gallery: Gallery, ids: list[int]) -> None:
    db = gallery.intake.db
    old, new = await build(gallery), await build(gallery)
    with pytest.raises(NotFound):
        await activate(gallery, 999)
    flip(folder_of(gallery, old) / "index.faiss")
    with pytest.raises(Conflict, match="SHA-256"):
        await activate(gallery, old.id)
    async with db.transaction() as conn:
        other = await embedding_store.put_model(conn, "another", "f" * 64, (await gallery.model()).dim)
        await store.insert_version(conn, 900, other.id, new.seq, new.manifest)
    with pytest.raises(Conflict, match="is an index of another, and baseline answers searches"):
        await activate(gallery, 900)
    async with db.transaction() as conn:
        await changes.prune(conn, new.seq + 1)
    with pytest.raises(Conflict, match="log no longer reaches back"):
        await activate(gallery, new.id)
    assert await active(gallery) == [new.id]


async def test_a_rollback_is_followed_and_loses_nothing_that_came_since(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], live: Live, find: Finder
) -> None:
    old = await build(gallery)
    (fresh,) = await gallery.pictures(anna, birds, [30])
    await gallery.embed()
    new = await build(gallery)
    await live.refresh()
    assert live.current()[0].label == new.label
    assert (await lifecycle.rollback(gallery.intake.db, gallery.settings)).id == old.id
    await live.refresh()
    assert live.current()[0].label == old.label
    assert (await find.like(30))[0] == fresh
    with pytest.raises(Conflict, match=f"no version before {old.label}"):
        await lifecycle.rollback(gallery.intake.db, gallery.settings)


async def test_without_a_version_there_is_no_way_back(gallery: Gallery) -> None:
    with pytest.raises(Conflict, match="no version is in force"):
        await lifecycle.rollback(gallery.intake.db, gallery.settings)


async def test_a_version_is_deleted_with_its_files_and_the_active_one_never(gallery: Gallery, ids: list[int]) -> None:
    db, settings = gallery.intake.db, gallery.settings
    old, new = await build(gallery), await build(gallery)
    with pytest.raises(Conflict, match="in force"):
        await lifecycle.delete(db, settings, new.id)
    await lifecycle.delete(db, settings, old.id)
    assert [one.id for one in await versions(gallery)] == [new.id]
    assert [path.name for path in settings.indexes_dir.iterdir()] == [str(new.id)]
    with pytest.raises(NotFound):
        await lifecycle.delete(db, settings, old.id)


async def test_a_row_whose_files_are_gone_can_be_deleted(gallery: Gallery, ids: list[int]) -> None:
    old, _ = await build(gallery), await build(gallery)
    folder_of(gallery, old).rename(folder_of(gallery, old).with_name("elsewhere"))
    await lifecycle.delete(gallery.intake.db, gallery.settings, old.id)
    assert old.id not in [one.id for one in await versions(gallery)]


async def test_the_active_version_is_kept_however_old(
    gallery: Gallery, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = await build(gallery), await build(gallery)
    await lifecycle.rollback(gallery.intake.db, gallery.settings)
    worse = await build_badly(gallery, monkeypatch)
    worst = await build_badly(gallery, monkeypatch)
    assert [one.id for one in await versions(gallery)] == [worst.id, worse.id, old.id]
    assert await active(gallery) == [old.id]
    assert folder_of(gallery, old).is_dir()
    assert not folder_of(gallery, new).exists()


async def test_the_reason_of_a_build_stays_with_its_job_and_its_version(gallery: Gallery, ids: list[int]) -> None:
    db = gallery.intake.db
    job_id = await builds.request_build(db, "9 pictures came")
    async with db.transaction() as conn:
        assert (await jobs.get(conn, job_id)).message == "9 pictures came"
        (asked,) = await (
            await conn.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'search:build'")
        ).fetchone() or ({},)
    await builds.build(db, gallery.settings, **asked)
    (version,) = await versions(gallery)
    assert version.manifest["reason"] == "9 pictures came"
    job = await last_job(gallery)
    assert job.state == "done"
    assert job.message == f"{version.label} is in force: recall 1.000 at nprobe 1 (9 pictures came)"


async def due_now(gallery: Gallery) -> bool:
    """Whether the rules start a build by themselves."""
    await builds.tend(gallery.intake.db, gallery.settings)
    async with gallery.intake.db.transaction() as conn:
        job = await jobs.find_active(conn, "index")
    return job is not None


async def age(gallery: Gallery, version: IndexVersion) -> None:
    """Let a version be older than any pause."""
    async with gallery.intake.db.transaction() as conn:
        await conn.execute(
            "UPDATE index_version SET created_at = created_at - %s WHERE id = %s",
            (upkeep.PAUSE + timedelta(minutes=1), version.id),
        )


async def test_what_was_rolled_back_is_not_undone_by_what_came_since_but_by_growth(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "EXACT_MIN_FRESH", 4)
    for _ in range(2):
        await build(gallery)
    await lifecycle.rollback(gallery.intake.db, gallery.settings)
    await gallery.pictures(anna, birds, range(100, 106))
    await gallery.embed()
    assert not await due_now(gallery)
    async with gallery.intake.db.transaction() as conn:
        proposal = await upkeep.due(conn, gallery.settings, (await gallery.model()).id)
    assert proposal is not None
    assert proposal.kind == "compact"
    assert "put in force by hand" in proposal.waits_for
    await gallery.pictures(anna, birds, range(106, 110))
    await gallery.embed()
    assert await due_now(gallery), "the gallery is more than twice what the version was built for"


async def test_a_build_by_hand_ends_the_hold(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "EXACT_MIN_FRESH", 4)
    for _ in range(2):
        await build(gallery)
    await lifecycle.rollback(gallery.intake.db, gallery.settings)
    await build(gallery)
    await gallery.pictures(anna, birds, range(100, 106))
    await gallery.embed()
    assert await due_now(gallery)


async def test_a_build_under_way_does_not_undo_what_is_chosen_meanwhile(gallery: Gallery, ids: list[int]) -> None:
    db = gallery.intake.db
    old, _ = await build(gallery), await build(gallery)
    job_id = await builds.request_build(db, "8 pictures came")
    await lifecycle.rollback(db, gallery.settings)
    await builds.build(db, gallery.settings, (await gallery.model()).id, job_id, reason="8 pictures came")
    assert await active(gallery) == [old.id]
    job = await last_job(gallery)
    assert job.state == "done"
    assert f"not in force: {old.label} was put so by hand meanwhile" in job.message


async def test_a_build_that_fell_short_is_not_tried_again_at_once(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "EXACT_MIN_FRESH", 4)
    await build(gallery)
    await gallery.pictures(anna, birds, range(100, 106))
    await gallery.embed()
    bad = await build_badly(gallery, monkeypatch)
    assert not await due_now(gallery)
    await age(gallery, bad)
    assert await due_now(gallery)


async def test_pictures_that_came_and_went_ask_for_nothing(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "EXACT_MIN_FRESH", 9)
    async with gallery.intake.db.transaction() as conn:
        for _ in range(20):
            model = await gallery.model()
            await changes.append(conn, [changes.Change("embedded", ids[0], model_id=model.id)])
    assert not await due_now(gallery)
