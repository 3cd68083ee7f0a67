"""The mirror: it follows the log, is filled anew where it must be, and is repaired where it drifted."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app import worker
from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import changes, state
from app.core.database import Database
from app.core.errors import Conflict
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.images import service as images
from app.search import mirror, mirror_copy, mirror_filling, store_mirror
from app.search.live import Live, stop
from app.search.mirror_status import read_status
from app.search.qdrant import Qdrant, connected
from app.search.qdrant_errors import MirrorForbidden, MirrorMisshapen, MirrorUnreachable
from app.search.records_mirror import MirrorState
from tests.app.search.fake_qdrant import FakeQdrant, Fault
from tests.app.search.scattered import directions, scatter
from tests.conftest import Likeness
from tests.factories import Gallery
from tests.waiting import until


@pytest.fixture
async def qdrant(mirrored: Settings) -> AsyncIterator[Qdrant]:
    async with connected(mirrored, backoff_s=(0.01,)) as qdrant:
        yield qdrant


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    """500 pictures in one collection; every third carries a label."""
    await gallery.embed()
    model = await gallery.model()
    labels = [["sea", "sand"][: 2 * (n % 3 == 0)] for n in range(500)]
    return await scatter(gallery.intake.db, anna, model, directions(500, model.dim, 1), [[birds.id]] * 500, labels)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails is tried once more, at once."""
    monkeypatch.setattr(mirror, "connected", partial(connected, backoff_s=(0.01,)))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower that does not wait for long."""
    monkeypatch.setattr(mirror, "RETRY_S", 0.1)
    monkeypatch.setattr(mirror, "POLL_S", 0.05)
    impatient(monkeypatch)


async def kept(db: Database) -> MirrorState:
    async with db.transaction() as conn:
        return await store_mirror.read_state(conn)


async def held(qdrant: Qdrant, db: Database) -> dict[int, dict[str, object]]:
    """The payloads in the collection in force, by id."""
    found = await kept(db)
    return dict([one async for page in qdrant.payloads(found.collection) for one in page])


async def test_it_is_filled_with_the_living_pictures(
    db: Database, anna: Viewer, birds: Collection, ids: list[int], mirrored: Settings, qdrant: Qdrant
) -> None:
    await images.trash(db, anna, ids[0])
    found = await mirror.sync(db, mirrored)
    points = await held(qdrant, db)
    assert sorted(points) == ids[1:]
    assert points[ids[3]]["collections"] == [birds.id]
    assert sorted(points[ids[3]]["labels"]) == ["sand", "sea"]  # pyright: ignore[reportArgumentType]
    assert points[ids[1]]["labels"] == []
    assert (found.points, found.expected) == (499, 499)
    assert found.collection == f"{found.alias}_v1"
    assert await qdrant.count(found.alias) == 499


async def test_it_follows_what_the_log_tells(
    gallery: Gallery, db: Database, anna: Viewer, birds: Collection, ids: list[int], mirrored: Settings, qdrant: Qdrant
) -> None:
    await mirror.sync(db, mirrored)
    before = (await kept(db)).collection
    fish = await gallery.collection(anna, "Fish")
    await images.trash(db, anna, ids[0])
    await images.trash(db, anna, ids[1])
    await images.restore(db, anna, ids[1])
    (fresh,) = await gallery.pictures(anna, birds, [1], ["dune"])
    await gallery.pictures(anna, fish, [1])
    await gallery.embed()
    found = await mirror.sync(db, mirrored)
    points = await held(qdrant, db)
    assert ids[0] not in points
    assert ids[1] in points
    assert sorted(points[fresh]["collections"]) == sorted([birds.id, fish.id])  # pyright: ignore[reportArgumentType]
    assert points[fresh]["labels"] == ["dune"]
    await images.delete_collection(db, anna, fish.id)
    await images.describe(db, anna, fresh, caption="", labels=["rock"])
    await mirror.sync(db, mirrored)
    points = await held(qdrant, db)
    assert points[fresh]["collections"] == [birds.id]
    assert points[fresh]["labels"] == ["rock"]
    assert found.collection == before, "all that without filling it anew"
    assert (await mirror.reconcile(db, mirrored, dry_run=True)).clean


async def test_entries_may_come_twice(
    db: Database, anna: Viewer, ids: list[int], mirrored: Settings, qdrant: Qdrant
) -> None:
    await mirror.sync(db, mirrored)
    await images.trash(db, anna, ids[0])
    await mirror.sync(db, mirrored)
    once = await held(qdrant, db)
    async with db.transaction() as conn:
        await store_mirror.write_state(conn, replace(await store_mirror.read_state(conn), position=0))
    await mirror.sync(db, mirrored)
    assert await held(qdrant, db) == once


async def test_a_pruned_log_fills_a_new_collection_and_drops_the_old(
    db: Database, anna: Viewer, ids: list[int], mirrored: Settings, qdrant: Qdrant
) -> None:
    first = await mirror.sync(db, mirrored)
    await images.trash(db, anna, ids[0])
    async with db.transaction() as conn:
        await changes.prune(conn, await changes.position(conn))
    second = await mirror.sync(db, mirrored)
    assert second.collection == f"{first.alias}_v2"
    assert second.alias == first.alias
    assert await qdrant.list_collections(first.alias) == [second.collection]
    assert await qdrant.count(first.alias) == 499


async def test_another_model_has_a_collection_of_its_own_and_its_alias_comes_last(
    gallery: Gallery, db: Database, ids: list[int], mirrored: Settings, qdrant: Qdrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(mirrored, search_engine="qdrant")
    live = Live(db, settings, gallery.embedders)
    first = await mirror.sync(db, mirrored)
    await live.refresh()
    async with db.transaction() as conn:
        other = await embedding_store.put_model(conn, "other", "other0123456789", 8)
        await embedding_store.append_embeddings(conn, other.id, ids[:100], directions(100, 8, 3))
        await state.replace(conn, embedding.ACTIVE_MODEL, str(other.id))
    await live.refresh()
    assert live.current()[0].model.identity == first.identity, (
        "what is mirrored answers until the other one is complete"
    )
    second = await mirror.sync(db, mirrored)
    assert second.identity == other.identity
    assert second.alias != first.alias
    assert await qdrant.count(second.alias) == 100
    assert await qdrant.list_collections(first.alias) == []


async def test_a_fill_that_was_cut_off_goes_on(
    db: Database, ids: list[int], fake: FakeQdrant, mirrored: Settings, qdrant: Qdrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F13: the server dies in the middle of an upload."""
    monkeypatch.setattr(mirror_filling, "PAGE", 100)
    impatient(monkeypatch)
    asked = 0

    def fault(method: str, path: str) -> Fault | None:
        nonlocal asked
        asked += method == "PUT" and path.endswith("/points")
        return "cut" if asked > 2 else None

    fake.fault = fault
    with pytest.raises(MirrorUnreachable):
        await mirror.sync(db, mirrored)
    begun = (await kept(db)).filling
    assert begun is not None
    assert begun.last_id == ids[199]
    status = await read_status(db, mirrored)
    assert status is not None
    assert (status.filling, status.filled_share) == (begun.collection, 0.4)
    fake.fault = lambda _method, _path: None
    fake.asked.clear()
    found = await mirror.sync(db, mirrored)
    assert found.collection == begun.collection
    assert fake.asked["PUT /collections/*/points"] == 3, "three pages were missing"
    assert (await mirror.reconcile(db, mirrored)).clean


async def test_a_fill_that_the_log_no_longer_reaches_begins_again(
    db: Database, anna: Viewer, ids: list[int], fake: FakeQdrant, mirrored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_filling, "PAGE", 100)
    impatient(monkeypatch)
    fake.fault = lambda method, path: "500" if path.endswith("/points") else None
    with pytest.raises(MirrorUnreachable):
        await mirror.sync(db, mirrored)
    await images.trash(db, anna, ids[0])
    async with db.transaction() as conn:
        await changes.prune(conn, await changes.position(conn))
    fake.fault = lambda _method, _path: None
    found = await mirror.sync(db, mirrored)
    assert found.collection == f"{found.alias}_v2"
    assert (await mirror.reconcile(db, mirrored)).clean


async def test_what_changes_during_a_fill_is_in_it_and_in_the_collection_before(
    db: Database, anna: Viewer, ids: list[int], mirrored: Settings, qdrant: Qdrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_filling, "PAGE", 100)
    first = await mirror.sync(db, mirrored)
    put = Qdrant.put
    seen: list[int] = []

    async def trashes_one(self: Qdrant, collection: str, points: list[object], dim: int) -> None:
        await put(self, collection, points, dim)  # pyright: ignore[reportArgumentType]
        if len(points) == 100:
            await images.trash(db, anna, ids[len(seen)])
            seen.append(await self.count(first.collection))

    monkeypatch.setattr(Qdrant, "put", trashes_one)
    second = await mirror.sync(db, mirrored, afresh=True)
    monkeypatch.undo()
    assert second.collection == f"{first.alias}_v2"
    assert seen == [500, 499, 498, 497, 496], "the collection in force follows meanwhile"
    assert sorted(await held(qdrant, db)) == ids[5:]


async def test_f14_drift_is_found_and_repaired(
    db: Database, anna: Viewer, ids: list[int], mirrored: Settings, qdrant: Qdrant
) -> None:
    found = await mirror.sync(db, mirrored)
    assert (await mirror.reconcile(db, mirrored)).clean
    right = await held(qdrant, db)
    await qdrant.delete(found.collection, ids[:100])
    model = await embedding.active_model(db)
    assert model is not None
    async with db.transaction() as conn:
        (point,) = await store_mirror.list_points(conn, model.id, ids[200:201])
    await qdrant.put(
        found.collection,
        [
            replace(point, image_id=10**6),
            replace(point, labels=["wrong"]),
            replace(point, image_id=ids[201]),
            replace(point, image_id=ids[202], collections=[7, 8]),
        ],
        model.dim,
    )
    looked = await mirror.reconcile(db, mirrored, dry_run=True)
    assert (looked.missing, looked.surplus, looked.changed, looked.repaired) == (100, 1, 3, False)
    assert await qdrant.count(found.collection) == 401
    repaired = await mirror.reconcile(db, mirrored)
    assert (repaired.missing, repaired.surplus, repaired.changed, repaired.repaired) == (100, 1, 3, True)
    assert await held(qdrant, db) == right
    assert (await mirror.reconcile(db, mirrored)).clean
    status = await read_status(db, mirrored)
    assert status is not None
    assert status.reconciled is not None
    assert status.reconciled.clean


async def test_a_payload_that_nobody_here_wrote_is_replaced(
    db: Database, ids: list[int], fake: FakeQdrant, mirrored: Settings, qdrant: Qdrant
) -> None:
    found = await mirror.sync(db, mirrored)
    right = await held(qdrant, db)
    with fake.lock:
        fake.local.set_payload(found.collection, {"bucket": 3}, [ids[0]])
        fake.local.set_payload(found.collection, {"draw": 3}, [ids[1]])
        fake.local.set_payload(found.collection, {"collections": "all"}, [ids[2]])
        fake.local.delete_payload(found.collection, ["labels"], [ids[3]])
    repaired = await mirror.reconcile(db, mirrored)
    assert repaired.missing + repaired.changed == 4
    assert await held(qdrant, db) == right


async def test_changes_under_way_are_no_drift(
    db: Database, anna: Viewer, ids: list[int], mirrored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mirror.sync(db, mirrored)
    payloads = Qdrant.payloads

    async def slowly(self: Qdrant, collection: str, buckets: object = None) -> AsyncIterator[object]:
        async for page in payloads(self, collection, buckets):  # pyright: ignore[reportArgumentType]
            if buckets is None:
                await images.trash(db, anna, ids[0])
            yield page

    async def none_follows(self: mirror_copy.Copy, model: object, kept: MirrorState) -> MirrorState:
        return kept

    await images.trash(db, anna, ids[1])
    monkeypatch.setattr(mirror_copy.Copy, "follow", none_follows)
    monkeypatch.setattr(Qdrant, "payloads", slowly)
    assert (await mirror.reconcile(db, mirrored, dry_run=True)).clean


async def test_small_passes_compare_the_same(
    db: Database, ids: list[int], mirrored: Settings, qdrant: Qdrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await mirror.sync(db, mirrored)
    await qdrant.delete(found.collection, ids[:50])
    monkeypatch.setattr("app.search.reconcile.COMPARED_AT_ONCE", 7)
    assert (await mirror.reconcile(db, mirrored)).missing == 50
    assert (await mirror.reconcile(db, mirrored)).clean


async def test_only_one_process_follows_at_once(
    db: Database, ids: list[int], mirrored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "LOCK_WAIT_S", 0.2)
    monkeypatch.setattr(mirror, "POLL_S", 0.05)
    async with db.session() as conn, store_mirror.locked(conn) as got:
        assert got
        with pytest.raises(Conflict, match="another process"):
            await mirror.sync(db, mirrored)
    await mirror.sync(db, mirrored)


async def test_it_does_not_hold_the_log_back(
    gallery: Gallery, db: Database, ids: list[int], mirrored: Settings
) -> None:
    found = await mirror.sync(db, mirrored)
    async with db.transaction() as conn:
        await changes.prune(conn, found.position)
        assert await changes.pruned_to(conn) == found.position
    assert (await mirror.sync(db, mirrored)).collection == found.collection


async def test_f13_the_follower_outlives_its_server_and_catches_up(
    db: Database,
    anna: Viewer,
    ids: list[int],
    fake: FakeQdrant,
    mirrored: Settings,
    qdrant: Qdrant,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.stop()
    running = asyncio.create_task(mirror.run(db, mirrored))

    async def has(count: int) -> bool:
        found = await kept(db)
        return bool(found.collection) and not found.error and await qdrant.count(found.collection) == count

    async def tells(words: str) -> bool:
        return words in (await kept(db)).error

    async def is_current() -> bool:
        status = await read_status(db, mirrored)
        return status is not None and status.reachable and status.lag == 0

    try:
        await until(lambda: tells("cannot be reached"))
        status = await read_status(db, mirrored)
        assert status is not None
        assert not status.reachable
        assert status.lag > 0
        fake.start()
        await until(lambda: has(500))
        fake.fault = lambda _method, _path: "500"
        await images.trash(db, anna, ids[0])
        await until(lambda: tells("HTTP 500"))
        status = await read_status(db, mirrored)
        assert status is not None
        assert status.lag == 1
        fake.fault = lambda _method, _path: None
        await until(is_current)
        assert await has(499)
    finally:
        await stop(running)


async def test_f14_what_was_lost_while_the_server_was_away_is_found_by_itself(
    db: Database, ids: list[int], fake: FakeQdrant, mirrored: Settings, qdrant: Qdrant, quick: None
) -> None:
    found = await mirror.sync(db, mirrored)
    running = asyncio.create_task(mirror.run(db, mirrored))

    async def repaired() -> bool:
        now = await kept(db)
        return now.reconciled is not None and now.reconciled.missing == 100 and now.points == 500

    try:
        fake.fault = lambda _method, _path: "500"
        async with db.transaction() as conn:
            await store_mirror.write_state(conn, replace(await store_mirror.read_state(conn), seen_at=None))
        await until(lambda: _tells_something(db))
        with fake.lock:
            fake.local.delete(found.collection, list(ids[:100]))
        fake.fault = lambda _method, _path: None
        await until(repaired)
        assert sorted(await held(qdrant, db)) == ids
    finally:
        await stop(running)


async def _tells_something(db: Database) -> bool:
    return bool((await kept(db)).error)


async def test_a_collection_that_is_gone_is_filled_again_and_a_lost_alias_made_again(
    db: Database, ids: list[int], fake: FakeQdrant, mirrored: Settings, qdrant: Qdrant
) -> None:
    found = await mirror.sync(db, mirrored)
    await qdrant.create("likeness_elsewhere_v1", 8)
    await qdrant.point_alias(found.alias, "likeness_elsewhere_v1")
    await qdrant.drop("likeness_elsewhere_v1")
    assert (await mirror.sync(db, mirrored)).collection == found.collection
    assert await qdrant.count(found.alias) == 500
    await qdrant.drop(found.collection)
    again = await mirror.sync(db, mirrored)
    assert await qdrant.count(again.alias) == 500


async def test_vectors_of_another_length_are_not_written_over(
    db: Database, ids: list[int], mirrored: Settings, qdrant: Qdrant
) -> None:
    found = await mirror.sync(db, mirrored)
    await qdrant.drop(found.collection)
    await qdrant.create(found.collection, 8)
    await qdrant.point_alias(found.alias, found.collection)
    with pytest.raises(MirrorMisshapen):
        await mirror.sync(db, mirrored)
    assert (await mirror.sync(db, mirrored, afresh=True)).points == 500


async def test_a_wrong_key_is_told(db: Database, ids: list[int], fake: FakeQdrant, mirrored: Settings) -> None:
    fake.key = "right"
    with pytest.raises(MirrorForbidden):
        await mirror.sync(db, replace(mirrored, qdrant_api_key="wrong"))
    await mirror.sync(db, replace(mirrored, qdrant_api_key="right"))


async def test_two_galleries_share_a_server(db: Database, ids: list[int], mirrored: Settings, qdrant: Qdrant) -> None:
    found = await mirror.sync(db, mirrored)
    async with db.transaction() as conn:
        await state.replace(conn, "volume", "anotherone")
        await conn.execute("DELETE FROM setting WHERE name = 'mirror'")
    other = await mirror.sync(db, mirrored)
    assert other.collection.startswith("likeness_anothero_")
    assert await qdrant.count(found.collection) == 500


async def test_there_is_no_status_without_a_server(db: Database, settings: Settings) -> None:
    assert await read_status(db, settings) is None


async def test_commands_without_a_mirror_or_a_model(
    likeness: Likeness, fake: FakeQdrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for verb in ("status", "sync", "reconcile"):
        refused = await asyncio.to_thread(likeness, "mirror", verb)
        assert (refused.exit_code, "LIKENESS_QDRANT_URL" in refused.output) == (1, True)
    monkeypatch.setenv("LIKENESS_QDRANT_URL", fake.url)
    refused = await asyncio.to_thread(likeness, "mirror", "sync")
    assert (refused.exit_code, "no model is active" in refused.output) == (1, True)
    refused = await asyncio.to_thread(likeness, "mirror", "reconcile")
    assert (refused.exit_code, "not been filled" in refused.output) == (1, True)
    assert (await asyncio.to_thread(likeness, "mirror", "reconcile", "--often")).exit_code == 2


async def test_commands(
    likeness: Likeness,
    ids: list[int],
    mirrored: Settings,
    qdrant: Qdrant,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    impatient(monkeypatch)
    assert mirrored.qdrant_url is not None
    monkeypatch.setenv("LIKENESS_QDRANT_URL", mirrored.qdrant_url)
    assert (await asyncio.to_thread(likeness, "mirror", "status")).exit_code == 1, "nothing has been filled"
    synced = await asyncio.to_thread(likeness, "mirror", "sync", "--json")
    assert synced.exit_code == 0
    told = json.loads(synced.stdout)
    assert (told["points"], told["expected"], told["lag"], told["reachable"]) == (500, 500, 0, True)
    assert "500 of 500" in (await asyncio.to_thread(likeness, "mirror", "status")).output
    await qdrant.delete(told["collection"], ids[:100])
    looked = await asyncio.to_thread(likeness, "mirror", "reconcile", "--dry-run")
    assert (looked.exit_code, "100 missing" in looked.output) == (1, True)
    repaired = await asyncio.to_thread(likeness, "mirror", "reconcile", "--json")
    assert (repaired.exit_code, json.loads(repaired.stdout)["missing"]) == (0, 100)
    looked = await asyncio.to_thread(likeness, "mirror", "reconcile", "--dry-run")
    assert (looked.exit_code, "no difference" in looked.output) == (0, True)
    again = await asyncio.to_thread(likeness, "mirror", "sync", "--afresh", "--json")
    assert json.loads(again.stdout)["collection"].endswith("_v2")


@pytest.mark.parametrize(
    ("changed", "expected", "age_s", "due"),
    [
        (True, 640, 6, True),
        (False, 640, 6, False),
        (False, 640, 601, True),
        (True, 10**6, 6, False),
        (True, 10**8, 601, False),
    ],
)
def test_counting_costs_little(changed: bool, expected: int, age_s: int, due: bool) -> None:
    counted_at = datetime.now(UTC) - timedelta(seconds=age_s)
    found = MirrorState(position=5, counted_position=4 if changed else 5, counted_at=counted_at, expected=expected)
    assert mirror.count_is_due(found) is due


async def test_the_worker_keeps_the_mirror_current(
    db: Database, conninfo: str, anna: Viewer, ids: list[int], mirrored: Settings, qdrant: Qdrant
) -> None:
    running = asyncio.create_task(worker.run(mirrored, conninfo))

    async def has(count: int) -> bool:
        found = await kept(db)
        return bool(found.collection) and await qdrant.count(found.collection) == count

    try:
        await until(lambda: has(500))
        await images.trash(db, anna, ids[0])
        await until(lambda: has(499))
    finally:
        await stop(running)
