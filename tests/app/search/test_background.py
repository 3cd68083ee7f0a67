"""What a score means: drawn from what the viewer may see, the same at every search, whatever is filtered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.images.records import Filters
from app.search import draw, service
from app.search.background import CHANCE, LEAST_SIZE, likeness, measure, words_for
from app.search.draw import Draw
from app.search.finders import Sample
from app.search.index.bitmaps import Bitmap
from app.search.index.engine import Index
from app.search.live import Live
from app.search.records import SearchOptions
from app.search.service import Engine
from app.search.spread import spread
from tests.app.search.conftest import Finder
from tests.factories import Gallery, picture


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, live: Live) -> list[int]:
    """Thirty searchable public pictures, of seeds 0 to 29."""
    ids = await gallery.pictures(anna, birds, range(30), ["robin"])
    await gallery.embed()
    await live.refresh()
    return ids


def a_sample(scores: list[float] | np.ndarray) -> Sample:
    return Sample(np.arange(len(scores)), np.asarray(scores, np.float32))


def an_index(count: int, dim: int = 8) -> Index:
    random = np.random.default_rng(1)
    vectors = random.standard_normal((count, dim)).astype(np.float32)
    index = Index.empty(dim)
    index.add(np.arange(count), vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return index


async def test_every_result_has_a_reading_that_falls_with_its_score(ids: list[int], find: Finder) -> None:
    results = await find.results(3, k=30)
    assert results.background is not None
    assert results.background.size == results.background.total == 30
    readings = [hit.likeness or 0 for hit in results.hits]
    assert readings == sorted(readings, reverse=True)
    assert readings[0] > 0.99 > readings[15]
    assert (results.hits[0].words, results.hits[-1].words) == ("same picture", CHANCE)


async def test_a_reading_does_not_change_when_a_filter_narrows(
    gallery: Gallery, anna: Viewer, live: Live, ids: list[int], find: Finder
) -> None:
    fish = await gallery.collection(anna, "Fish", public=True)
    trout = await gallery.pictures(anna, fish, [40, 41], ["trout"])
    await gallery.embed()
    await live.refresh()
    everything = await find.results(40, k=32)
    reading = {hit.image.id: hit.likeness for hit in everything.hits}
    today = datetime.now(UTC).date()
    for filters in (
        Filters(label="trout"),
        Filters(fish.id),
        Filters(words=("TROUT",)),
        Filters(label="trout", after=today - timedelta(1)),
    ):
        narrowed = await service.search_by_picture(find.engine, NOBODY, picture(40), SearchOptions(5, filters))
        assert {hit.image.id: hit.likeness for hit in narrowed.hits} == {one: reading[one] for one in trout}
        assert narrowed.background == everything.background


async def test_a18_a_private_picture_moves_nobody_elses_readings(
    gallery: Gallery, anna: Viewer, live: Live, ids: list[int], find: Finder
) -> None:
    before = await find.results(3, k=8)
    ben = await gallery.person("ben")
    await gallery.pictures(ben, await gallery.collection(ben, "Private"), range(100, 130))
    await gallery.embed()
    await live.refresh()
    after, own = await find.results(3, k=8), await find.results(3, ben, k=8)
    assert after.background == before.background
    assert [hit.likeness for hit in after.hits] == [hit.likeness for hit in before.hits]
    assert own.background != before.background
    assert own.background is not None
    assert own.background.size == 60


async def test_examples_are_no_part_of_their_background(engine: Engine, ids: list[int]) -> None:
    results = await service.search_by_images(engine, NOBODY, ids[:2], SearchOptions(5))
    assert results.background is not None
    assert results.background.size == 28


async def test_a_small_gallery_has_no_reading(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, engine: Engine
) -> None:
    await gallery.pictures(anna, birds, range(LEAST_SIZE - 1))
    await gallery.embed()
    await live.refresh()
    results = await service.search_by_picture(engine, NOBODY, picture(1), SearchOptions(30, min_likeness=0.99))
    assert results.background is None
    assert {hit.likeness for hit in results.hits} == {None}
    assert len(results.hits) == LEAST_SIZE - 1  # what cannot be told leaves nothing out


@pytest.mark.parametrize("least", [0.2, 0.9, 0.999])
async def test_the_least_likeness_is_kept(engine: Engine, ids: list[int], find: Finder, least: float) -> None:
    everything = await find.results(3, k=30)
    expected = [hit.image.id for hit in everything.hits if (hit.likeness or 0) >= least]
    options = SearchOptions(30, min_likeness=least)
    results = await service.search_by_picture(engine, NOBODY, picture(3), options)
    assert [hit.image.id for hit in results.hits] == expected
    assert 1 <= len(expected) < 30


def test_half_is_where_chance_brings_one_picture() -> None:
    counts: list[int] = []
    for seed in range(40):
        scores = np.tanh(np.random.default_rng(seed).normal(0.3, 0.1, 20_000)).astype(np.float32)
        seen = measure(a_sample(scores[:511]))
        assert seen is not None
        whole = replace(seen, total=len(scores))
        counts.append(sum(likeness(whole, float(score)) >= 0.5 for score in np.sort(scores)[-50:]))
    assert 0.4 < np.mean(counts) < 2.5  # 511 pictures tell the width of 20,000 only so well


def test_a_few_true_matches_do_not_move_the_centre() -> None:
    scores = np.random.default_rng(3).normal(0.2, 0.05, 400)
    without, with_some = measure(a_sample(scores)), measure(a_sample(np.concatenate([scores, np.full(20, 0.9)])))
    assert without is not None
    assert with_some is not None
    assert with_some.centre == pytest.approx(without.centre, abs=0.01)
    assert with_some.scale == pytest.approx(without.scale, rel=0.1)


@given(scores=st.lists(st.floats(-1, 1, width=32), min_size=LEAST_SIZE, max_size=60), asked=st.floats(-1, 1))
def test_a_reading_lies_between_0_and_1_and_rises_with_the_score(scores: list[float], asked: float) -> None:
    seen = measure(a_sample(scores))
    assert seen is not None
    readings = [likeness(seen, score) for score in (-1, min(asked, 0), max(asked, 0), 1)]
    assert readings == sorted(readings)
    assert 0 <= readings[0] <= readings[-1] <= 1


def test_too_few_pictures_tell_nothing() -> None:
    assert measure(a_sample([0.1] * (LEAST_SIZE - 1))) is None
    assert measure(a_sample([0.1] * LEAST_SIZE)) is not None


@pytest.mark.parametrize(
    ("score", "reading", "words"),
    [
        (1.0, None, "same picture"),
        (0.985, None, "near copy"),
        (0.9, None, None),
        (1.0, 0.9999, "same picture"),
        (0.99, 0.7, "near copy"),
        (0.99, 0.05, CHANCE),  # a model to which all pictures are nearly the same
        (0.7, 0.9, "very alike"),
        (0.7, 0.5, "alike"),
        (0.99, 0.49, "loosely alike"),
        (0.7, 0.1, "loosely alike"),
        (0.7, 0.09, CHANCE),
    ],
)
def test_c18_a_score_has_words(score: float, reading: float | None, words: str | None) -> None:
    assert words_for(score, reading) == words


@given(st.sets(st.integers(0, 400), max_size=60), st.sets(st.integers(0, 400), max_size=60), st.integers(1, 40))
def test_the_draw_is_of_the_least_spread(allowed: set[int], gone: set[int], size: int) -> None:
    index = an_index(401)
    index.remove(sorted(gone))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(draw, "SAMPLE", size)
        patched.setattr(draw, "POOL", 50)
        drawn = Draw().draw(index, (1, 1), frozenset({1}), Bitmap.from_ids(sorted(allowed)))
    held = np.array(sorted(allowed - gone), np.int64)
    assert drawn.ids.tolist() == held[np.argsort(spread(held))][:size].tolist()
    assert np.array_equal(drawn.vectors, index.vectors(drawn.ids))


def test_a_draw_is_kept_until_the_log_goes_on() -> None:
    index, allowed, both = an_index(100), Bitmap.from_ids(range(50)), frozenset({1, 2})
    drawing = Draw()
    first = drawing.draw(index, (1, 1), both, allowed)
    assert drawing.draw(index, (1, 1), both, allowed) is first
    assert drawing.draw(index, (2, 1), both, allowed) is first  # nothing of it has changed
    index.remove([int(first.ids[0])])
    assert drawing.draw(index, (3, 1), both, allowed).ids.tolist() == first.ids[1:].tolist()
    other = an_index(100, 4)
    assert drawing.draw(other, (3, 1), both, allowed).vectors.shape == (50, 4)


@pytest.mark.parametrize("total", [600, 10_000, 300_000])
def test_how_many_there_are_is_told_from_the_draw(total: int) -> None:
    ids = np.arange(1, total + 1)
    least = ids[np.argsort(spread(ids))[: draw.SAMPLE]]
    seen = measure(Sample(least, np.zeros(len(least), np.float32)))
    assert seen is not None
    assert seen.total == pytest.approx(total, rel=0.15)
    assert seen.size == draw.SAMPLE
