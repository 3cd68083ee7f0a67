"""Compaction: what came and went is gathered in the cells of before, while those serve."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import jobs
from app.core.settings import IndexLayout
from app.images import service as images
from app.search import builds, construction, upkeep
from app.search.index.files import open_published
from app.search.index.ivf import BuiltIndex
from app.search.live import Live
from app.search.records import IndexVersion
from app.search.upkeep import Kind
from tests.app.search.building import build, fill, flip, folder_of, versions
from tests.factories import Gallery

COUNT = 1_200


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    await gallery.embed()
    assert anna.account_id is not None
    return await fill(gallery, anna.account_id, birds.id, COUNT)


@pytest.fixture
async def before(gallery: Gallery, ids: list[int]) -> IndexVersion:
    """An index with trained cells, in force."""
    return await build(gallery, exact_below=100)


async def add(gallery: Gallery, anna: Viewer, birds: Collection, count: int, seed: int = 2) -> list[int]:
    assert anna.account_id is not None
    return await fill(gallery, anna.account_id, birds.id, count, seed)


async def compact(gallery: Gallery, layout: IndexLayout = "auto") -> IndexVersion:
    """The version that a build of the kind "compact" makes."""
    settings = replace(gallery.settings, exact_below=100, index_layout=layout)
    model = await gallery.model()
    await builds.build(gallery.intake.db, settings, model.id, None, reason="some came", kind="compact")
    return (await versions(gallery))[0]


def same_cells(gallery: Gallery, one: IndexVersion, other: IndexVersion) -> bool:
    ours, theirs = (open_published(folder_of(gallery, version))[0].shape.centroids for version in (one, other))
    return np.array_equal(ours, theirs)


async def test_a_compacted_version_has_the_cells_of_before_and_all_that_came(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], before: IndexVersion, live: Live
) -> None:
    await add(gallery, anna, birds, 100)
    await images.trash(gallery.intake.db, anna, ids[0])
    after = await compact(gallery)
    assert after.is_active
    assert same_cells(gallery, before, after)
    assert (after.manifest["count"], after.manifest["trained_count"]) == (COUNT + 99, COUNT)
    assert after.manifest["recall"] >= 0.95
    assert after.manifest["reason"] == f"some came; in the cells of {before.label}"
    await live.refresh()
    stats = live.current()[0].index.stats
    assert (stats.main_count, stats.delta_count, stats.tombstones) == (COUNT + 99, 0, 0)
    again = await compact(gallery)
    assert again.manifest["trained_count"] == COUNT, "it is carried on"


async def test_a_build_by_hand_trains(gallery: Gallery, anna: Viewer, birds: Collection, before: IndexVersion) -> None:
    await add(gallery, anna, birds, 100)
    after = await build(gallery, exact_below=100)
    assert not same_cells(gallery, before, after)
    assert after.manifest["trained_count"] == COUNT + 100


async def test_what_finds_too_little_in_the_cells_of_before_is_trained_in_the_same_job(
    gallery: Gallery, anna: Viewer, birds: Collection, before: IndexVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(gallery, anna, birds, 100)
    honest = construction.ivf.build

    def worse_in_old_cells(*arguments: Any, **options: Any) -> BuiltIndex:
        built = honest(*arguments, **options)
        return built if options["reuse"] is None else replace(built, setting=built.setting._replace(recall=0.9))

    monkeypatch.setattr(construction.ivf, "build", worse_in_old_cells)
    after = await compact(gallery)
    assert after.is_active
    assert after.manifest["recall"] >= 0.95
    assert after.manifest["trained_count"] == COUNT + 100
    words = f"some came; trained anew: in the cells of {before.label} recall was 0.900"
    assert after.manifest["reason"] == words
    async with gallery.intake.db.transaction() as conn:
        assert words in next(job for job in await jobs.list_recent(conn) if job.kind == "index").message


async def test_cells_that_do_not_fit_are_trained_anew(
    gallery: Gallery, anna: Viewer, birds: Collection, before: IndexVersion
) -> None:
    half = await compact(gallery, "float16")
    assert half.manifest["reason"].endswith(f"trained anew: {before.label} has the layout {before.manifest['layout']}")
    assert (half.manifest["layout"], half.manifest["storage"]) == ("float16", "float16")
    await add(gallery, anna, birds, 2 * COUNT)
    grown = await compact(gallery, "float16")
    assert f"trained anew: {half.label} has {half.manifest['nlist']} cells, " in grown.manifest["reason"]
    assert grown.manifest["nlist"] > 2 * half.manifest["nlist"]
    flip(folder_of(gallery, grown) / "index.faiss")
    mended = await compact(gallery, "float16")
    assert mended.manifest["reason"].endswith(f"trained anew: {grown.label} is damaged")


async def test_an_exact_index_has_no_cells_to_take(gallery: Gallery, ids: list[int]) -> None:
    exact = await build(gallery)
    after = await compact(gallery)
    assert after.manifest["reason"] == f"some came; trained anew: {exact.label} is exact"
    assert after.manifest["nlist"] > 1


@pytest.mark.parametrize(("came", "kind"), [(100, "compact"), (COUNT, "retrain")])
async def test_the_rule_says_which_kind_is_queued(
    gallery: Gallery,
    anna: Viewer,
    birds: Collection,
    before: IndexVersion,
    came: int,
    kind: Kind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upkeep, "MIN_FRESH", 50)
    await add(gallery, anna, birds, came)
    await builds.tend(gallery.intake.db, gallery.settings)
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'search:build'")
        (asked,) = await cursor.fetchone() or ({},)
    assert asked["kind"] == kind


async def test_the_settings_reach_the_build(gallery: Gallery, ids: list[int]) -> None:
    settings = replace(gallery.settings, exact_below=100, index_layout="plain", target_recall=0.7)
    await builds.build(gallery.intake.db, settings, (await gallery.model()).id, None)
    (easy,) = await versions(gallery)
    assert (easy.manifest["layout"], easy.manifest["target_recall"]) == ("plain", 0.7)
    await builds.build(gallery.intake.db, replace(settings, target_recall=0.99), (await gallery.model()).id, None)
    hard = (await versions(gallery))[0]
    assert hard.manifest["nprobe"] > easy.manifest["nprobe"]
    assert hard.manifest["recall"] >= 0.99
