"""Search: what is most alike, of what one may see, and nothing else."""

import asyncio

import numpy as np
import pytest

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.core.errors import Conflict, Gone, Invalid, NotFound, Unavailable
from app.images import service as images
from app.images.records import Filters
from app.search import service, service_queries
from app.search.live import Live
from app.search.records import SearchOptions
from app.search.service import Engine
from app.search.service_scopes import resolve_scopes
from tests.app.ingest.hostile import REFUSED
from tests.app.search.conftest import Finder
from tests.factories import Gallery, picture


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, live: Live) -> list[int]:
    """Twelve searchable pictures, public, of seeds 0 to 11."""
    ids = await gallery.pictures(anna, birds, range(6), ["even"])
    ids += await gallery.pictures(anna, birds, range(6, 12), ["odd", "even too"])
    await gallery.embed()
    await live.refresh()
    return ids


async def test_a_picture_that_is_here_comes_first_with_score_1(ids: list[int], find: Finder) -> None:
    for seed in (0, 5, 11):
        results = await find.results(seed, k=12)
        assert results.hits[0].image.id == ids[seed]
        assert results.hits[0].score == pytest.approx(1, abs=1e-3)
        scores = [hit.score for hit in results.hits]
        assert scores == sorted(scores, reverse=True)
        assert {hit.image.id for hit in results.hits} == set(ids)


async def test_order_is_that_of_the_cosines(gallery: Gallery, ids: list[int], find: Finder) -> None:
    embedder = await gallery.embedders.get("baseline")
    vectors = np.stack([embedder.embed_bytes(picture(seed)) for seed in range(12)])
    expected = [ids[seed] for seed in np.argsort(-(vectors @ vectors[3]))]
    assert await find.like(3, k=12) == expected


async def test_a_saved_again_and_scaled_picture_is_found(engine: Engine, ids: list[int]) -> None:
    other = picture(4, (192, 128), "JPEG")
    results = await service.search_by_picture(engine, NOBODY, other, SearchOptions(1))
    assert results.hits[0].image.id == ids[4]
    assert results.hits[0].score > 0.9


async def test_by_a_stored_picture_itself_is_left_out(ids: list[int], find: Finder) -> None:
    found = await find.near(ids[3], k=12)
    assert ids[3] not in found
    assert sorted([*found, ids[3]]) == ids


async def test_k_is_kept_and_has_its_bounds(engine: Engine, ids: list[int], find: Finder) -> None:
    assert len(await find.like(1, k=5)) == 5
    assert len(await find.like(1, k=1000)) == 12
    for k in (0, -1, 1001, 10_000):
        with pytest.raises(Invalid):
            await find.like(1, k=k)
        with pytest.raises(Invalid):
            await find.near(ids[0], k=k)


async def test_filters_by_collection_and_label(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, ids: list[int], find: Finder
) -> None:
    fish = await gallery.collection(anna, "Fish", public=True)
    trout = await gallery.pictures(anna, fish, [20, 21], ["odd"])
    await gallery.embed()
    await live.refresh()
    assert sorted(await find.like(1, collection_id=fish.id)) == trout
    assert sorted(await find.like(1, label="odd")) == [*ids[6:], *trout]
    assert sorted(await find.like(1, label="even too")) == ids[6:]
    assert sorted(await find.like(1, label="odd", collection_id=birds.id)) == ids[6:]
    assert await find.like(1, label="nothing") == []


async def test_a23_private_pictures_of_others_never_appear(
    gallery: Gallery, anna: Viewer, live: Live, ids: list[int], engine: Engine, find: Finder
) -> None:
    ben = await gallery.person("ben")
    private = await gallery.collection(ben, "Private")
    hidden = await gallery.pictures(ben, private, [50, 51], ["odd"])
    await gallery.embed()
    await live.refresh()
    for viewer in (NOBODY, anna):
        assert sorted(await find.like(50, viewer, k=100)) == ids
        assert not set(hidden) & set(await find.like(50, viewer, k=100, label="odd"))
        assert not set(hidden) & set(await find.near(ids[0], viewer, k=100))
        assert await find.like(50, viewer, collection_id=private.id) == []
        with pytest.raises(NotFound):
            await find.near(hidden[0], viewer)
    assert (await find.like(50, ben))[0] == hidden[0]


async def test_a18_private_near_copies_change_nothing_for_others(
    gallery: Gallery, anna: Viewer, live: Live, ids: list[int], find: Finder
) -> None:
    def told(results: service.Results) -> list[tuple[int, float, str]]:
        return [(hit.image.id, hit.score, hit.collection) for hit in results.hits]

    before = [told(await find.results(seed, viewer, k=8)) for seed in (1, 7) for viewer in (NOBODY, anna)]
    ben = await gallery.person("ben")
    await gallery.pictures(ben, await gallery.collection(ben, "Copies"), range(12))  # the very same bytes
    await gallery.pictures(ben, await gallery.collection(ben, "More"), range(100, 130))
    await gallery.embed()
    await live.refresh()
    after = [told(await find.results(seed, viewer, k=8)) for seed in (1, 7) for viewer in (NOBODY, anna)]
    assert after == before


async def test_a18_the_filter_acts_inside_the_search(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, ids: list[int]
) -> None:
    private = await gallery.pictures(anna, await gallery.collection(anna, "Private"), [50], ["odd"])
    await gallery.embed()
    await live.refresh()
    _, memberships = live.current()
    async with gallery.intake.db.transaction() as conn:
        for viewer, filters, expected in (
            (NOBODY, Filters(), ids),
            (anna, Filters(), ids + private),
            (anna, Filters(birds.id), ids),
            (anna, Filters(birds.id, "odd"), ids[6:]),
        ):
            scope = (await resolve_scopes(conn, viewer, filters)).narrowed
            labelled = None if scope.label is None else await live.labelled(scope.label)
            allowed = memberships.allowed(scope.collections)
            if labelled is not None:
                allowed = allowed.intersect(labelled)
            assert [one for one in ids + private if one in allowed] == expected


async def test_b4_a_lagging_index_shows_nothing_that_is_gone_and_still_fills_k(
    gallery: Gallery, anna: Viewer, ids: list[int], find: Finder
) -> None:
    nearest = await find.like(1, k=3)
    for image_id in nearest:
        await images.trash(gallery.intake.db, anna, image_id)
    found = await find.like(1, k=5)  # the follower has not been told
    assert len(found) == 5
    assert not set(nearest) & set(found)


async def test_a_stored_picture_that_waits_for_its_embedding_says_so(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], find: Finder
) -> None:
    (fresh,) = await gallery.pictures(anna, birds, [77])
    with pytest.raises(Conflict, match="waits for its embedding"):
        await find.near(fresh)


@pytest.mark.parametrize("name", sorted(REFUSED))
async def test_a_query_that_is_no_picture_is_refused_in_words(engine: Engine, ids: list[int], name: str) -> None:
    with pytest.raises(Invalid) as refused:
        await service.search_by_picture(engine, NOBODY, REFUSED[name], SearchOptions(5))
    assert len(refused.value.detail) > 10
    with pytest.raises(Invalid):
        await service_queries.create_query(engine, NOBODY, REFUSED[name], name)


async def test_b19_too_many_at_once_are_told_to_come_again(engine: Engine, ids: list[int], find: Finder) -> None:
    answers = await asyncio.gather(find.like(1), find.like(2), return_exceptions=True)
    (refused,) = [one for one in answers if isinstance(one, Unavailable)]
    assert refused.retry_after_s
    assert await find.like(1)


async def test_c5_a_query_is_kept_and_answers_as_the_search_did(
    engine: Engine, anna: Viewer, ids: list[int], find: Finder
) -> None:
    query_id = await service_queries.create_query(engine, anna, picture(3), "folder/mine.png")
    query, results = await service_queries.run_query(engine, anna, query_id, SearchOptions(5))
    assert query.filename == "mine.png"
    assert [hit.image.id for hit in results.hits] == await find.like(3, k=5)
    assert results.hits[0].score == pytest.approx(1, abs=1e-3)
    assert (await service_queries.query_thumbnail(engine, anna, query_id))[:4] == b"RIFF"


async def test_a_query_is_private_to_its_owner(gallery: Gallery, engine: Engine, anna: Viewer, ids: list[int]) -> None:
    query_id = await service_queries.create_query(engine, anna, picture(3), "mine.png")
    for viewer in (NOBODY, await gallery.person("ben"), await gallery.person("root", admin=True)):
        with pytest.raises(NotFound):
            await service_queries.run_query(engine, viewer, query_id, SearchOptions(5))
        with pytest.raises(NotFound):
            await service_queries.query_thumbnail(engine, viewer, query_id)


async def test_a_query_expires(gallery: Gallery, engine: Engine, ids: list[int]) -> None:
    query_id = await service_queries.create_query(engine, NOBODY, picture(3), "mine.png")
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("UPDATE query SET expires_at = now()")
    with pytest.raises(NotFound):
        await service_queries.run_query(engine, NOBODY, query_id, SearchOptions(5))


async def test_a_query_of_another_model_is_gone(gallery: Gallery, engine: Engine, ids: list[int]) -> None:
    query_id = await service_queries.create_query(engine, NOBODY, picture(3), "mine.png")
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("INSERT INTO model (name, identity, dim) VALUES ('old', 'old@1', 8)")
        await conn.execute("UPDATE query SET model_id = (SELECT id FROM model WHERE name = 'old')")
    with pytest.raises(Gone):
        await service_queries.run_query(engine, NOBODY, query_id, SearchOptions(5))
