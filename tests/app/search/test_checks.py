"""Checks: each kind of damage is found, and how much the index in force finds is measured where it may have fallen."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import state
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.images import service as images
from app.search import builds, checks, measurement, store_recall, upkeep
from app.search.index import tuning
from app.search.index.bitmaps import Bitmap
from app.search.index.engine import Index
from app.search.index.planner import Neighbours
from app.search.index.vectors import Vectors
from app.search.records import IndexCheck
from tests.app.search.building import build, fill, flip, folder_of
from tests.factories import Gallery


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(8))
    await gallery.embed()
    return ids


async def check(gallery: Gallery) -> IndexCheck:
    return await checks.check(gallery.intake.db, gallery.settings)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


async def test_without_an_index_there_is_nothing_wrong(gallery: Gallery) -> None:
    assert await check(gallery) == IndexCheck([], None, None, [])


async def test_all_is_well_with_what_came_and_went_since(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int]
) -> None:
    version = await build(gallery)
    await gallery.pictures(anna, birds, [30])
    await gallery.embed()
    await images.trash(gallery.intake.db, anna, ids[0])
    found = await check(gallery)
    assert found.problems == []
    assert found.active is not None
    assert found.active.id == version.id
    measured = found.measured
    assert measured is not None
    assert (measured.indexed, measured.living, measured.missing, measured.surplus) == (8, 8, [], [])
    assert [(one.subject, one.queries, one.recall) for one in measured.recalls] == [("all", 8, 1.0), ("newest", 8, 1.0)]
    assert 0 < measured.p50_ms <= measured.p99_ms


@pytest.mark.parametrize(
    ("damage", "name", "words"),
    [
        (cut, "index.faiss", "bytes, "),
        (flip, "index.faiss", "SHA-256"),
        (flip, "positions.npy", "SHA-256"),
        (flip, "manifest.json", "manifest is damaged"),
        (Path.unlink, "positions.npy", "cannot be read"),
        (Path.unlink, "manifest.json", "cannot be read"),
    ],
)
async def test_damaged_files_are_found(
    gallery: Gallery, ids: list[int], damage: Callable[[Path], None], name: str, words: str
) -> None:
    old, new = await build(gallery), await build(gallery)
    damage(folder_of(gallery, new) / name)
    found = await check(gallery)
    assert [(one.version, bool(one.problems)) for one in found.versions] == [(new.id, True), (old.id, False)]
    assert words in found.versions[0].problems[0]
    assert found.measured is None
    assert found.problems[0].startswith(f"{new.label}: ")


async def test_rows_that_their_files_do_not_fit_are_found(gallery: Gallery, ids: list[int]) -> None:
    db = gallery.intake.db
    first, second = await build(gallery), await build(gallery)
    folder_of(gallery, first).rename(folder_of(gallery, first).with_name("elsewhere"))
    assert "cannot be read" in (await check(gallery)).problems[0]
    folder_of(gallery, first).with_name("elsewhere").rename(folder_of(gallery, first))
    async with db.transaction() as conn:
        await conn.execute("UPDATE index_version SET seq = seq + 1 WHERE id = %s", (first.id,))
    assert "its files stand at" in (await check(gallery)).problems[0]
    async with db.transaction() as conn:
        other = await embedding_store.put_model(conn, "another", "f" * 64, (await gallery.model()).dim)
        await conn.execute("UPDATE index_version SET seq = seq - 1 WHERE id = %s", (first.id,))
        await conn.execute("UPDATE index_version SET model_id = %s WHERE id = %s", (other.id, second.id))
        await state.replace(conn, embedding.ACTIVE_MODEL, str(other.id))
    assert f"{second.label}: its files are of another model" in (await check(gallery)).problems[0]


async def test_drift_is_found_and_named(gallery: Gallery, ids: list[int]) -> None:
    await build(gallery)
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("DELETE FROM embedding WHERE image_id = %s", (ids[2],))
    found = await check(gallery)
    assert found.problems == [f"pictures not in the database: 1 ({ids[2]})"]
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("UPDATE image SET trashed_at = now() WHERE id = %s", (ids[3],))
    await build(gallery)
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("UPDATE image SET trashed_at = NULL WHERE id = %s", (ids[3],))
    found = await check(gallery)
    assert found.problems[0] == f"pictures missing from the index: 1 ({ids[3]})"


@pytest.fixture
async def many(gallery: Gallery, anna: Viewer, birds: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """An IVF index over 1,200 vectors without structure, and a planner that may be as careless as it likes."""
    await gallery.embed()
    assert anna.account_id is not None
    await fill(gallery, anna.account_id, birds.id, 1_200)
    monkeypatch.setattr(tuning, "ONE_BY_ONE", 50)
    await build(gallery, exact_below=100)


def cripple(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every index that is opened from now on looks into the nearest cells only."""
    honest = Index.open

    def opened(folder: Path) -> Index:
        index = honest(folder)
        main = index._view.main
        assert main is not None
        main.rules = replace(main.rules, reach=-9, reach_at_1=-9, reach_at_10=-9, reach_at_50=-9, reach_at_100=-9)
        return index

    monkeypatch.setattr(measurement.Index, "open", opened)


async def test_recall_is_measured_on_the_whole_the_newest_and_each_large_collection(
    gallery: Gallery, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await check(gallery)
    assert found.problems == []
    assert found.measured is not None
    recalls = found.measured.recalls
    assert [(one.words, one.queries) for one in recalls] == [
        ("all pictures", 200),
        ("the newest pictures", 200),
        ("the collection Birds", 100),
    ]
    assert all(one.recall >= 0.93 for one in recalls)
    cripple(monkeypatch)
    found = await check(gallery)
    assert len(found.problems) == 3
    assert found.problems[2].startswith("recall of the collection Birds is 0.")


async def test_a_picture_that_finds_only_itself_has_found_nothing(
    gallery: Gallery, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await build(gallery)
    honest = Index.search

    def only_the_best(
        index: Index, query: Vectors, k: int, allowed: Bitmap | None = None, *, exact: bool = False
    ) -> Neighbours:
        return honest(index, query, k if exact else 1, allowed, exact=exact)

    monkeypatch.setattr(Index, "search", only_the_best)
    measured = (await check(gallery)).measured
    assert measured is not None
    assert [one.recall for one in measured.recalls] == [0, 0]


async def test_a_review_keeps_what_it_measured_and_fallen_recall_asks_for_a_build(
    gallery: Gallery, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = gallery.intake.db
    model = await gallery.model()
    cripple(monkeypatch)
    await checks.review(db, gallery.settings)
    async with db.transaction() as conn:
        await conn.execute("UPDATE index_version SET created_at = created_at - interval '2 days'")
        (version_id,) = await (await conn.execute("SELECT id FROM index_version")).fetchone() or (0,)
        reviewed = await store_recall.list_reviewed_recall(conn, version_id)
        proposal = await upkeep.due(conn, gallery.settings, model.id)
    assert [one.words for one in reviewed] == ["all pictures", "the collection Birds", "the newest pictures"]
    assert proposal is not None
    assert (proposal.kind, proposal.cause, proposal.waits_for) == ("retrain", "recall", "")
    await builds.tend(db, gallery.settings)
    async with db.transaction() as conn:
        (message,) = await (await conn.execute("SELECT message FROM job WHERE state = 'queued'")).fetchone() or ("",)
    assert "has fallen to 0." in message


async def test_an_exact_index_is_not_reviewed(gallery: Gallery, ids: list[int]) -> None:
    version = await build(gallery)
    await checks.review(gallery.intake.db, gallery.settings)
    async with gallery.intake.db.transaction() as conn:
        assert await store_recall.list_reviewed_recall(conn, version.id) == []
