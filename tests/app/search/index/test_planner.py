"""The planner: which way it takes, and that no way loses what is there."""

from pathlib import Path

import numpy as np
import pytest

from app.search.index import Bitmap, Index
from app.search.index.layout import LEVEL_WIDTH
from app.search.index.planner import View, search, search_main
from app.search.index.vectors import NORM_TOLERANCE
from tests.app.search.index.galleries import DEEP, DIM, Gallery, clustered, publish_gallery

QUERY = clustered(1, seed=3)[0]


def view_of(index: Index) -> View:
    return index._view  # pyright: ignore[reportPrivateUsage]  (what a search under way has in hand)


def test_it_looks_into_few_cells_and_into_more_for_more(ivf_gallery: Gallery):
    view = view_of(Index.open(ivf_gallery.directory))
    few, many = (search_main(view, QUERY, k).cells for k in (5, 300))
    assert few is not None
    assert many is not None
    assert len(few) < len(many) < 64


def test_one_cell_is_always_scanned_whole(exact_gallery: Gallery):
    view = view_of(Index.open(exact_gallery.directory))
    assert search_main(view, QUERY, 3).cells is None


def test_it_can_be_told_to_compare_everything(ivf_gallery: Gallery):
    view = view_of(Index.open(ivf_gallery.directory))
    best = np.argsort(-(ivf_gallery.vectors @ QUERY))[:50]
    assert search(view, QUERY, 50, exact=True).ids.tolist() == ivf_gallery.ids[best].tolist()


def test_when_the_near_cells_are_empty_it_looks_further(ivf_gallery: Gallery):
    index = Index.open(ivf_gallery.directory)
    near = ivf_gallery.ids[np.argsort(-(ivf_gallery.vectors @ QUERY))[:700]]
    index.remove(near)
    rest = np.isin(ivf_gallery.ids, near, invert=True)
    found = index.search(QUERY, 10)
    assert len(found.ids) == 10
    assert found.scores[0] == pytest.approx((ivf_gallery.vectors[rest] @ QUERY).max(), abs=0.01)


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


@pytest.mark.parametrize("dim", [DIM, DEEP, 4 * DEEP])
@pytest.mark.parametrize("length", [1 - 0.9 * NORM_TOLERANCE, 1, 1 + 0.9 * NORM_TOLERANCE])
def test_what_may_be_among_the_best_is_read_whole_and_little_else(dim: int, length: float, tmp_path: Path):
    ids, vectors = np.arange(3_000), clustered(3_000, dim=dim) * np.float32(length)
    directory = publish_gallery(tmp_path / "1", ids, vectors, exact_below=100, layout="panorama").directory
    main = view_of(Index.open(directory)).main
    assert main is not None
    assert main.rotation is not None
    positions, turned = main.positions(ids), main.rotation.forward(vectors)
    for query in main.rotation.forward(clustered(20, seed=5, dim=dim)):
        scores = turned @ query
        least = float(np.partition(scores, -10)[-10])
        rows, found = main.scores_from(positions, query, least)
        assert set(np.flatnonzero(scores >= least)) <= set(rows)
        np.testing.assert_allclose(found, scores[rows], atol=1e-5)
        assert dim <= 2 * LEVEL_WIDTH or len(rows) < 1_500
