"""The planner: which way it takes, and that no way loses what is there."""

from pathlib import Path

import numpy as np
import pytest

from app.search.index import Bitmap, Index, open_published
from app.search.index.main import MainIndex
from app.search.index.planner import ONE_BY_ONE, View, plan, search
from tests.app.search.index.galleries import Gallery, clustered, publish_gallery

QUERY = clustered(1, seed=3)[0]


@pytest.fixture
def main(ivf_gallery: Gallery) -> MainIndex:
    return open_published(ivf_gallery.directory)[0]


def view_of(index: Index) -> View:
    return index._view  # pyright: ignore[reportPrivateUsage]  (what a search under way has in hand)


def test_the_fewer_are_allowed_the_closer_it_looks(main: MainIndex):
    assert plan(main, 400, 10) is ONE_BY_ONE
    narrow, wide = plan(main, 1_200, 10), plan(main, 4_000, 10)
    assert narrow.nprobe == main.nlist
    assert 500 <= narrow.max_codes < 1_200
    assert main.nprobe <= wide.nprobe < main.nlist
    assert wide.max_codes == 0
    assert plan(main, 4_000, 100).nprobe > wide.nprobe
    assert plan(main, 4_000, 1_000) is ONE_BY_ONE


def test_one_cell_is_always_scanned_whole(exact_gallery: Gallery):
    main, _ = open_published(exact_gallery.directory)
    assert {plan(main, count, k).nprobe for count in (1, 30, 60) for k in (1, 60)} == {1}


def test_when_the_near_cells_are_empty_it_looks_further(ivf_gallery: Gallery, main: MainIndex):
    index = Index.open(ivf_gallery.directory)
    near = main.probe(QUERY, 4_000, None, plan(main, 4_000, 10).nprobe)
    assert len(near) < 800, "more would make the filter a narrow one"
    index.remove(near)
    rest = np.isin(ivf_gallery.ids, near, invert=True)
    found = index.search(QUERY, 10)
    assert len(found.ids) == 10
    assert found.scores[0] == pytest.approx((ivf_gallery.vectors[rest] @ QUERY).max(), abs=1e-5)


@pytest.mark.parametrize("k", [1, 7, 70, 400])
@pytest.mark.parametrize("fresh", [False, True])
def test_equal_vectors_stand_in_the_order_of_their_ids(k: int, fresh: bool, tmp_path: Path):
    copies = np.random.default_rng(0).permutation(np.arange(5_000, 5_300))
    others, rows = np.arange(2_000), clustered(2_000)
    copied = np.repeat(QUERY[None], 300, axis=0)
    ids, vectors = np.concatenate([others, copies]), np.concatenate([rows, copied])
    if fresh:
        ids, vectors = others, rows
    index = Index.open(publish_gallery(tmp_path / "1", ids, vectors, exact_below=100).directory)
    if fresh:
        index.add(copies, copied)
    assert index.stats.kind == "ivf"
    assert index.search(QUERY, k).ids[:300].tolist() == sorted(copies.tolist())[:k]


@pytest.mark.parametrize("kind", ["exact", "ivf"])
def test_a_search_under_way_is_not_disturbed(kind: str, request: pytest.FixtureRequest):
    index = Index.open(request.getfixturevalue(f"{kind}_gallery").directory)
    index.add([50_000], QUERY[None])
    under_way = view_of(index)
    before = search(under_way, QUERY, 30)
    index.remove(before.ids)
    index.add([50_001, 50_000], np.stack([QUERY, -QUERY]))
    after = search(under_way, QUERY, 30)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.scores.tolist() == before.scores.tolist()
    assert index.search(QUERY, 1).ids.tolist() == [50_001]


def test_allowed_ids_that_are_not_there_are_no_matter(ivf_gallery: Gallery):
    index = Index.open(ivf_gallery.directory)
    nowhere = Bitmap.from_ids([0, 1, 1_000_000])
    assert index.search(QUERY, 5, nowhere).ids.tolist() == []
    assert index.search(QUERY, 5, Bitmap()).ids.tolist() == []
    assert index.search(QUERY, 5, nowhere.union(Bitmap.from_ids([5]))).ids.tolist() == [5]
