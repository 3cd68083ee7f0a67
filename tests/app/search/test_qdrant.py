"""Qdrant as an engine: the same answers as FAISS, its faults told in plain words."""

import asyncio
import os
import warnings
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from litestar.testing import AsyncTestClient

from app import main
from app.accounts.records import NOBODY, Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.errors import Unavailable
from app.core.settings import Settings
from app.embedding.lane import QueryLane
from app.images import service as images
from app.images.records import Filters
from app.search import mirror, service
from app.search.finders import FaissFinder, opened_finder
from app.search.index.bitmaps import Bitmap
from app.search.live import Live
from app.search.qdrant import BATCH, Qdrant, connected
from app.search.qdrant_errors import (
    MirrorError,
    MirrorForbidden,
    MirrorMisshapen,
    MirrorMissing,
    MirrorNonsense,
    MirrorUnreachable,
)
from app.search.qdrant_finder import QdrantFinder
from app.search.records import SearchOptions
from app.search.records_mirror import Point
from app.search.scope import Scope
from app.search.service import Engine
from tests.app.search.fake_qdrant import FakeQdrant, Fault
from tests.app.search.scattered import directions, scatter
from tests.factories import Gallery
from tests.waiting import until

QUICK = (0.01, 0.01)


@pytest.fixture
def points() -> list[Point]:
    vectors = directions(300, 16, 0).astype("<f2")
    return [Point(n + 1, vector.tobytes(), [n % 5 + 1], ["odd"] * (n % 2)) for n, vector in enumerate(vectors)]


@pytest.fixture
async def qdrant(mirrored: Settings) -> AsyncIterator[Qdrant]:
    async with connected(mirrored, backoff_s=QUICK) as qdrant:
        yield qdrant


async def test_points_are_written_found_and_deleted(qdrant: Qdrant, points: list[Point]) -> None:
    name = "likeness_test_a_v1"
    await qdrant.create(name, 16)
    await qdrant.put(name, points, 16)
    await qdrant.put(name, points[:10], 16)
    assert await qdrant.count(name) == 300, "written twice is written once"
    await qdrant.delete(name, [1, 2, 9999])
    assert await qdrant.count(name) == 298
    pages = [page async for page in qdrant.payloads(name)]
    assert sorted(image_id for page in pages for image_id, _ in page) == list(range(3, 301))
    some = [page async for page in qdrant.payloads(name, [3, 4])]
    assert sorted(image_id for page in some for image_id, _ in page) == [3, 4, 259, 260]
    await qdrant.check(name, 16)
    await qdrant.drop(name)
    await qdrant.drop(name)


async def test_an_alias_moves_in_one_step_and_names_stay_apart(qdrant: Qdrant, points: list[Point]) -> None:
    for name in ("likeness_test_a_v1", "likeness_test_a_v2"):
        await qdrant.create(name, 16)
    await qdrant.put("likeness_test_a_v2", points[:3], 16)
    await qdrant.point_alias("likeness_test_a", "likeness_test_a_v1")
    assert await qdrant.count("likeness_test_a") == 0
    await qdrant.point_alias("likeness_test_a", "likeness_test_a_v2")
    assert await qdrant.count("likeness_test_a") == 3
    assert await qdrant.list_collections("likeness_test_") == ["likeness_test_a_v1", "likeness_test_a_v2"]
    assert await qdrant.list_collections("likeness_others_") == []


async def test_another_kind_of_vectors_is_refused_with_a_remedy(qdrant: Qdrant) -> None:
    await qdrant.create("likeness_test_a_v1", 16)
    with pytest.raises(MirrorMisshapen, match="vectors of 16 numbers") as refused:
        await qdrant.check("likeness_test_a_v1", 384)
    assert "--afresh" in (refused.value.hint or "")
    with pytest.raises(MirrorMissing):
        await qdrant.check("likeness_test_b_v1", 16)
    with pytest.raises(MirrorMissing):
        await qdrant.put("likeness_test_b_v1", [Point(1, bytes(32), [], [])], 16)


async def test_a_wrong_key_is_told_and_never_shown(fake: FakeQdrant, mirrored: Settings) -> None:
    fake.key = "right"
    async with connected(replace(mirrored, qdrant_api_key="wrong"), backoff_s=QUICK) as qdrant:
        with pytest.raises(MirrorForbidden) as refused:
            await qdrant.list_collections("likeness_")
    assert "wrong" not in f"{refused.value} {refused.value.hint}"
    assert fake.asked.total() == 1, "a refusal is not tried again"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with connected(replace(mirrored, qdrant_api_key="right"), backoff_s=QUICK) as qdrant:
            assert await qdrant.list_collections("likeness_") == []


@pytest.mark.parametrize(
    ("fault", "kind", "tries"),
    [
        ("500", MirrorUnreachable, 3),
        ("429", MirrorUnreachable, 3),
        ("hang", MirrorUnreachable, 3),
        ("cut", MirrorUnreachable, 3),
        ("html", MirrorNonsense, 1),
    ],
)
async def test_f13_faults_are_tried_again_and_then_told(
    fake: FakeQdrant, mirrored: Settings, fault: Fault, kind: type[MirrorError], tries: int
) -> None:
    fake.fault, fake.hang_s = (lambda _method, _path: fault), 1.5
    async with connected(mirrored, timeout_s=1, backoff_s=QUICK) as qdrant:
        with pytest.raises(kind) as told:
            await qdrant.list_collections("likeness_")
    assert fake.asked.total() == tries
    assert str(fake.port) not in str(told.value), "people who search are not told where it stands"
    assert told.value.retry_after_s


async def test_f13_a_passing_fault_is_outlived(fake: FakeQdrant, mirrored: Settings, points: list[Point]) -> None:
    async with connected(mirrored, backoff_s=QUICK) as qdrant:
        await qdrant.create("likeness_test_a_v1", 16)
        plan: list[Fault | None] = ["500", None, "cut", None]
        faults = iter(plan)
        fake.fault = lambda method, path: next(faults, None) if path.endswith("/points") else None
        await qdrant.put("likeness_test_a_v1", points, 16)
        assert await qdrant.count("likeness_test_a_v1") == 300
        assert len(points) > BATCH, "two uploads, each of which failed once"


async def test_f13_nobody_there(mirrored: Settings, fake: FakeQdrant) -> None:
    fake.stop()
    async with connected(mirrored, backoff_s=QUICK) as qdrant:
        with pytest.raises(MirrorUnreachable, match="cannot be reached"):
            await qdrant.list_collections("likeness_")


async def test_payload_indexes_are_there_before_the_first_point(fake: FakeQdrant, qdrant: Qdrant) -> None:
    await qdrant.create("likeness_test_a_v1", 16)
    kinds = {field: schema["type"] for field, schema in fake.indexes["likeness_test_a_v1"].items()}
    assert kinds == {"collections": "integer", "labels": "keyword", "bucket": "integer", "draw": "integer"}


@pytest.fixture
async def by_qdrant(gallery: Gallery, mirrored: Settings) -> AsyncIterator[Engine]:
    """An engine like a web process's whose setting is `qdrant`; its follower goes on only when told to."""
    settings = replace(mirrored, search_engine="qdrant")
    live = Live(gallery.intake.db, settings, gallery.embedders)
    with ThreadPoolExecutor(1) as threads:
        async with opened_finder(settings, live, threads) as finder:
            lane = QueryLane(gallery.intake.decoder, max_waiting=1)
            yield Engine(gallery.intake.db, gallery.intake.blobs, lane, live, finder, settings.max_upload_bytes)


async def test_it_says_so_while_the_mirror_is_not_filled(by_qdrant: Engine) -> None:
    with pytest.raises(Unavailable, match="not filled yet: no worker follows it"):
        await by_qdrant.live.refresh()
    with pytest.raises(Unavailable):
        by_qdrant.live.current()


async def test_both_engines_find_the_same_for_everybody(
    gallery: Gallery, anna: Viewer, engine: Engine, by_qdrant: Engine, mirrored: Settings
) -> None:
    db = gallery.intake.db
    people = [anna, *[await gallery.person(name) for name in ("ben", "cleo", "dan")], NOBODY]
    rooms = [await gallery.collection(anna, "Public", public=True)]
    for name in ("ben", "cleo", "dan"):
        room = await gallery.collection(anna, f"With {name}")
        await collections.add_member(db, anna, room.id, name, "viewer")
        rooms.append(room)
    await gallery.embed()
    model = await gallery.model()
    random = np.random.default_rng(7)
    standing = [
        sorted(random.choice([one.id for one in rooms], random.integers(1, 3), replace=False)) for _ in range(500)
    ]
    labels = [
        ["sea"] * int(random.random() < 0.3) + ['it\'s "half" \\ señor'] * int(random.random() < 0.1)
        for _ in range(500)
    ]
    vectors = directions(500, model.dim, 1)
    vectors[100:110] = vectors[99]  # copies: the ids decide
    ids = await scatter(db, anna, model, vectors, [[int(one) for one in row] for row in standing], labels)
    for image_id in ids[:5]:
        await images.trash(db, anna, image_id)
    await mirror.sync(db, mirrored)
    await engine.live.refresh()
    await by_qdrant.live.refresh()
    chosen = [Filters(), Filters(label="sea"), Filters(label='it\'s "half" \\ señor')]
    for number, query in enumerate(directions(200, model.dim, 2)):
        options = SearchOptions(10, chosen[number % 3])
        vector = vectors[99] if number % 20 == 0 else query
        viewer = people[number % 5]
        one = await service.search_by_vector(engine, viewer, vector.tolist(), options)
        two = await service.search_by_vector(by_qdrant, viewer, vector.tolist(), options)
        assert [hit.image.id for hit in two.hits] == [hit.image.id for hit in one.hits]
        assert [hit.score for hit in two.hits] == pytest.approx([hit.score for hit in one.hits], abs=1e-6)
        assert two.index.startswith("qdrant:likeness_")


@pytest.fixture
async def scattered(gallery: Gallery, anna: Viewer, birds: Collection, mirrored: Settings) -> list[int]:
    """60 pictures in one collection, mirrored."""
    await gallery.embed()
    model = await gallery.model()
    ids = await scatter(gallery.intake.db, anna, model, directions(60, model.dim, 3), [[birds.id]] * 60)
    await mirror.sync(gallery.intake.db, mirrored)
    return ids


async def test_a_scope_is_kept_to(
    gallery: Gallery,
    birds: Collection,
    engine: Engine,
    by_qdrant: Engine,
    scattered: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = await gallery.model()
    await engine.live.refresh()
    await by_qdrant.live.refresh()
    searcher, held = by_qdrant.live.current()[0], engine.live.current()[0]
    finder = by_qdrant.finder
    assert isinstance(finder, QdrantFinder)
    assert isinstance(engine.finder, FaissFinder)
    some = Bitmap.from_ids(scattered[::7])
    scopes = [
        Scope([birds.id]),
        Scope([birds.id], without=scattered[:3]),
        Scope([birds.id], only=some),
        Scope([birds.id], only=some, without=scattered[:8]),
        Scope([birds.id], label="nothing has it"),
        Scope([birds.id + 1]),
        Scope([]),
        Scope([birds.id], only=Bitmap()),
    ]
    for limit in (10_000, 2):
        monkeypatch.setattr("app.search.qdrant_finder.MAX_NAMED", limit)
        for k in (1, 5, 100):
            for number, scope in enumerate(scopes):
                (vector,) = directions(1, model.dim, 100 + number)
                wanted = await engine.finder.nearest(held, vector, k, scope)
                found = await finder.nearest(searcher, vector, k, scope)
                assert found.ids.tolist() == wanted.ids.tolist(), scope
                assert found.scores == pytest.approx(wanted.scores, abs=1e-6)


async def test_both_draw_the_same_background(
    gallery: Gallery,
    birds: Collection,
    engine: Engine,
    by_qdrant: Engine,
    scattered: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = await gallery.model()
    await engine.live.refresh()
    await by_qdrant.live.refresh()
    for module in ("app.search.draw", "app.search.qdrant_finder"):
        monkeypatch.setattr(f"{module}.SAMPLE", 20)
    (vector,) = directions(1, model.dim, 9)
    for scope in (Scope([birds.id]), Scope([birds.id], without=scattered[:30]), Scope([])):
        wanted = await engine.finder.background(engine.live.current()[0], vector, scope)
        found = await by_qdrant.finder.background(by_qdrant.live.current()[0], vector, scope)
        assert sorted(found.ids.tolist()) == sorted(wanted.ids.tolist())
        assert sorted(found.scores.tolist()) == pytest.approx(sorted(wanted.scores.tolist()), abs=1e-6)


async def test_no_index_is_held_and_a_stale_mirror_shows_nothing_it_must_not(
    gallery: Gallery, anna: Viewer, birds: Collection, by_qdrant: Engine, scattered: list[int], mirrored: Settings
) -> None:
    db = gallery.intake.db
    await by_qdrant.live.refresh()
    searcher, memberships = by_qdrant.live.current()
    assert searcher.held is None
    assert memberships.allowed([birds.id]).count() == 0
    with pytest.raises(Unavailable, match="holds no index"):
        _ = searcher.index
    found = await service.search_by_images(by_qdrant, anna, scattered[:1], SearchOptions(100))
    assert sorted(hit.image.id for hit in found.hits) == scattered[1:]
    await images.trash(db, anna, scattered[5])
    found = await service.search_by_images(by_qdrant, anna, scattered[:1], SearchOptions(100))
    assert scattered[5] not in [hit.image.id for hit in found.hits], "B4: the rows are checked in SQL"
    await collections.update(db, anna, birds.id, name="Birds", description="", is_public=False)
    assert not (await service.search_by_vector(by_qdrant, NOBODY, [1.0] * searcher.model.dim, SearchOptions(5))).hits
    before = searcher.position
    await mirror.sync(db, mirrored)
    await by_qdrant.live.refresh()
    assert by_qdrant.live.current()[0].position > before


async def test_f13_a_search_without_qdrant_is_refused_for_now_and_works_again(
    anna: Viewer, by_qdrant: Engine, scattered: list[int], fake: FakeQdrant
) -> None:
    await by_qdrant.live.refresh()
    options = SearchOptions(5)
    assert len((await service.search_by_images(by_qdrant, anna, scattered[:1], options)).hits) == 5
    fake.stop()
    with pytest.raises(Unavailable) as refused:
        await service.search_by_images(by_qdrant, anna, scattered[:1], options)
    assert refused.value.status == 503
    assert refused.value.retry_after_s
    fake.start()
    assert len((await service.search_by_images(by_qdrant, anna, scattered[:1], options)).hits) == 5


async def test_many_searches_at_once(anna: Viewer, by_qdrant: Engine, scattered: list[int]) -> None:
    await by_qdrant.live.refresh()
    found = await asyncio.gather(
        *(service.search_by_images(by_qdrant, anna, [one], SearchOptions(3)) for one in scattered[:20])
    )
    assert [len(one.hits) for one in found] == [3] * 20


async def test_the_web_answers_from_it(
    conninfo: str, gallery: Gallery, scattered: list[int], mirrored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "Decoder", lambda *_, **__: nullcontext(gallery.intake.decoder))
    app = main.create_app(replace(mirrored, search_engine="qdrant"), conninfo)
    async with AsyncTestClient(app, base_url="http://testserver.local") as client:

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready)
        checks = {one["name"]: one["ok"] for one in (await client.get("/readyz")).json()["checks"]}
        assert checks["index"]
        found = (await client.get(f"/api/v1/images/{scattered[0]}/similar?k=5")).json()
        assert len(found["results"]) == 5
        assert found["index"].startswith("qdrant:likeness_")
        assert (await client.get(f"/images/{scattered[0]}/similar")).status_code == 200


async def test_f13_the_web_says_503_and_lives_on(
    conninfo: str,
    gallery: Gallery,
    scattered: list[int],
    mirrored: Settings,
    fake: FakeQdrant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main, "Decoder", lambda *_, **__: nullcontext(gallery.intake.decoder))
    app = main.create_app(replace(mirrored, search_engine="qdrant"), conninfo)
    async with AsyncTestClient(app, base_url="http://testserver.local") as client:
        address = f"/api/v1/images/{scattered[0]}/similar"

        async def answers(status: int) -> bool:
            return (await client.get(address)).status_code == status

        await until(lambda: answers(200))
        fake.stop()
        refused = await client.get(address)
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert fake.url not in refused.text
        assert (await client.get("/livez")).status_code == 200
        fake.start()
        assert await answers(200)


def test_a_real_server_is_tested_where_one_is_named() -> None:
    if "LIKENESS_QDRANT_URL" not in os.environ:
        pytest.skip("LIKENESS_QDRANT_URL names no Qdrant server: only the fake one was asked")
