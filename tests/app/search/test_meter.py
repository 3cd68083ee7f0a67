"""The recall meter: what it measures, how seldom, and that it keeps nothing of a search."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core.database import Database
from app.search import builds, store_recall
from app.search.finders import FaissFinder
from app.search.index import files, ivf
from app.search.index.bitmaps import Bitmap
from app.search.index.engine import Index
from app.search.index.planner import Neighbours
from app.search.live import Live
from app.search.meter import RecallMeter, compare
from app.search.records import Recall
from app.search.searcher import Searcher
from app.search.service import Engine
from tests.app.search.building import random_vectors, versions
from tests.app.search.conftest import Finder
from tests.factories import Gallery

COUNT, DIM = 5_000, 32


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """IVF over vectors without structure: recall falls with every cell that is left out."""
    vectors = random_vectors(COUNT, DIM)
    ids = np.arange(COUNT)
    folder = tmp_path_factory.mktemp("indexes") / "1"
    built = ivf.build(lambda: [(ids, vectors)], dim=DIM, n=COUNT, exact_below=100)
    files.publish(built, folder, seq=1, model_identity="a model")
    return Index.open(folder)


@pytest.fixture
def crippled(index: Index) -> Iterator[Index]:
    """The same that looks into the two nearest cells only, as if somebody had mistaken its rules."""
    main = index._view.main
    assert main is not None
    measured, main.rules = main.rules, replace(main.rules, reach=-9)
    yield index
    main.rules = measured


def mean_recall(index: Index, allowed: Bitmap) -> float:
    compared = [compare(index, query, 10, allowed) for query in random_vectors(40, DIM, seed=7)]
    return float(np.mean([one[0] for one in compared if one is not None]))


def everything() -> Bitmap:
    return Bitmap.from_ids(np.arange(COUNT))


def test_what_is_answered_exactly_has_recall_1(index: Index) -> None:
    few = Bitmap.from_ids(np.arange(0, COUNT, 50))
    assert mean_recall(index, few) == 1.0


def test_a_calibrated_index_finds_about_its_target_and_a_crippled_one_far_less(crippled: Index) -> None:
    assert mean_recall(crippled, everything()) < 0.7


def test_a_calibrated_index_is_near_what_its_build_measured(index: Index) -> None:
    assert mean_recall(index, everything()) >= 0.9


def test_where_nothing_can_be_found_there_is_nothing_to_measure(index: Index) -> None:
    assert compare(index, random_vectors(1, DIM)[0], 10, Bitmap()) is None


def test_an_index_that_changes_between_the_two_searches_is_not_measured() -> None:
    class Changing(Index):
        def search(self, query: object, k: int, allowed: Bitmap | None = None, *, exact: bool = False) -> Neighbours:
            found = super().search(random_vectors(1, DIM)[0], k, allowed, exact=exact)
            self.add([100 + self.count], random_vectors(1, DIM, seed=self.count))
            return found

    changing = Changing(DIM)
    changing.add(np.arange(20), random_vectors(20, DIM))
    assert compare(changing, random_vectors(1, DIM)[0], 10, everything()) is None


async def todays(db: Database, searcher: Searcher) -> list[Recall]:
    async with db.transaction() as conn:
        return await store_recall.list_todays_recall(conn, searcher.model.id)


def metered(engine: Engine, threads: ThreadPoolExecutor, *, share: int, pause_s: float) -> RecallMeter:
    """Lets the engine's searches be measured."""
    assert isinstance(engine.finder, FaissFinder)
    meter = RecallMeter(engine.db, threads, share=share, pause_s=pause_s)
    engine.finder = replace(engine.finder, meter=meter)
    return meter


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, live: Live) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(8))
    await gallery.embed()
    await live.refresh()
    return ids


async def test_searches_are_measured_by_version_and_nothing_of_them_is_kept(
    gallery: Gallery, ids: list[int], live: Live, engine: Engine, find: Finder, threads: ThreadPoolExecutor
) -> None:
    meter = metered(engine, threads, share=1, pause_s=0)
    await find.like(3, k=5)
    await meter.settle()
    await builds.build(gallery.intake.db, gallery.settings, (await gallery.model()).id, None)
    await live.refresh()
    await find.like(3, k=5)
    await meter.settle()
    (version,) = await versions(gallery)
    built, before = await todays(engine.db, live.current()[0])
    assert (built.version_id, built.queries, built.recall) == (version.id, 1, 1.0)
    assert (before.version_id, before.queries, before.recall) == (None, 1, 1.0)
    assert built.took_ms > 0
    async with engine.db.transaction() as conn:
        cursor = await conn.execute("SELECT * FROM recall_sample")
        assert {column.name for column in cursor.description or []} == {
            "at", "model_id", "version_id", "subject", "collection_id", "queries", "k", "eligible", "total",
            "recall", "took_ms", "exact_ms",
        }  # fmt: skip
        rows = await cursor.fetchall()
    assert all(row[6:9] == (5, 8, 8) for row in rows)


async def test_one_search_in_many_is_measured_and_none_within_the_pause(
    ids: list[int], live: Live, engine: Engine, find: Finder, threads: ThreadPoolExecutor
) -> None:
    meter = metered(engine, threads, share=3, pause_s=0)
    for _ in range(7):
        await find.like(3)
        await meter.settle()
    (one,) = await todays(engine.db, live.current()[0])
    assert one.queries == 3
    meter = metered(engine, threads, share=1, pause_s=60)
    for _ in range(3):
        await find.like(3)
        await meter.settle()
    (one,) = await todays(engine.db, live.current()[0])
    assert one.queries == 4


async def test_a_measurement_is_never_waited_for(
    ids: list[int], live: Live, engine: Engine, find: Finder, threads: ThreadPoolExecutor
) -> None:
    meter = metered(engine, threads, share=1, pause_s=0)
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    held = threads.submit(lambda: asyncio.run_coroutine_threadsafe(release.wait(), loop).result())
    for _ in range(3):
        assert (await find.like(3))[0] == ids[3]
    release.set()
    await asyncio.wrap_future(held)
    await meter.settle()
    (one,) = await todays(engine.db, live.current()[0])
    assert one.queries == 1, "those that came while one was measured were let pass"


async def test_old_measurements_are_forgotten(
    gallery: Gallery, ids: list[int], live: Live, engine: Engine, find: Finder, threads: ThreadPoolExecutor
) -> None:
    meter = metered(engine, threads, share=1, pause_s=0)
    await find.like(3)
    await meter.settle()
    async with engine.db.transaction() as conn:
        await conn.execute("UPDATE recall_sample SET at = now() - interval '25 hours'")
    assert await todays(engine.db, live.current()[0]) == []
    await builds.tend(engine.db, gallery.settings)
    async with engine.db.transaction() as conn:
        kept = await (await conn.execute("SELECT count(*) FROM recall_sample")).fetchone()
        await conn.execute("UPDATE recall_sample SET at = now() - interval '31 days'")
    await builds.tend(engine.db, gallery.settings)
    async with engine.db.transaction() as conn:
        left = await (await conn.execute("SELECT count(*) FROM recall_sample")).fetchone()
    assert (kept, left) == ((1,), (0,))
