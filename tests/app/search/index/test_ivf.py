"""Building: what goes in, what is refused, and whether the recall that is told is true."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.search.index import BuiltIndex, Chunk, Index, Vectors, build, publish
from app.search.index.ivf import LayoutChoice
from tests.app.search.index.galleries import DEEP, DIM, clustered


def _chunks(vectors: Vectors, size: int = 700) -> list[Chunk]:
    ids = np.arange(len(vectors)) + 10
    return [(ids[i : i + size], vectors[i : i + size]) for i in range(0, len(vectors), size)]


def _build(vectors: Vectors, exact_below: int = 100) -> BuiltIndex:
    return build(lambda: _chunks(vectors), dim=vectors.shape[1], n=len(vectors), exact_below=exact_below)


@pytest.mark.parametrize("n", [0, 1, 100])
def test_few_vectors_stay_in_one_cell(n: int):
    built = _build(clustered(n))
    assert (built.count, built.nlist, built.setting.nprobe, built.setting.recall) == (n, 1, 1, 1.0)


@pytest.mark.parametrize(("layout", "dim"), [("plain", DIM), ("float16", DIM), ("panorama", DEEP)])
def test_the_recall_it_tells_holds_for_fresh_queries(layout: LayoutChoice, dim: int, tmp_path: Path):
    gallery, queries = clustered(6_000, dim=dim), clustered(400, seed=1, dim=dim)
    built = build(lambda: _chunks(gallery), dim=dim, n=6_000, exact_below=100, layout=layout)
    publish(built, tmp_path / "1", seq=1, model_identity="m")
    index = Index.open(tmp_path / "1")
    truth = np.sort(queries @ gallery.T, axis=1)[:, -10:]
    recalls = [
        (index.search(query, 10).scores >= row[0] - 1e-3 * (layout == "float16") - 1e-6).mean()
        for query, row in zip(queries, truth, strict=True)
    ]
    assert (built.shape.layout.name, built.nlist) == (layout, 128)
    assert built.setting.nprobe < built.nlist
    assert built.setting.recall >= built.target_recall == 0.95
    assert abs(float(np.mean(recalls)) - built.setting.recall) < 0.04
    assert built.setting in built.curve
    assert [point.recall for point in built.curve] == sorted(point.recall for point in built.curve)


def test_a_layout_that_prunes_is_chosen_where_it_is_faster():
    spread = clustered(20_000, dim=256)
    spread *= np.arange(1, 257, dtype=np.float32) ** -0.8
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    assert build(lambda: _chunks(spread), dim=256, n=20_000, exact_below=100).shape.layout.name == "panorama"
    assert _build(clustered(2_000)).shape.layout.name == "plain", "short vectors have nothing to prune"


def test_copies_do_not_count_as_misses():
    vectors = np.repeat(clustered(100), 30, axis=0)  # 30 equal neighbours each: any 10 of them are right
    assert _build(vectors).curve[0].recall == 1.0


def test_the_same_vectors_give_the_same_index():
    vectors = clustered(3_000)
    first, second = _build(vectors), _build(vectors)
    assert first.positions.tolist() == second.positions.tolist()
    assert [point[:2] for point in first.curve] == [point[:2] for point in second.curve]


@pytest.mark.parametrize("layout", ["plain", "float16", "panorama"])
def test_every_vector_is_read_back_from_where_it_lies(layout: LayoutChoice, tmp_path: Path):
    vectors = clustered(1_000, dim=DEEP).astype(np.float16).astype(np.float32)
    built = build(lambda: _chunks(vectors), dim=DEEP, n=1_000, exact_below=100, layout=layout)
    assert (built.positions[:10] == -1).all(), "ids begin at 10"
    publish(built, tmp_path / "1", seq=1, model_identity="m")
    assert Index.open(tmp_path / "1").vectors(np.arange(1_000) + 10) == pytest.approx(vectors, abs=1e-6)


def test_an_index_can_be_built_in_the_shape_of_an_earlier_one():
    earlier = _build(clustered(3_000))
    phases: list[str] = []
    vectors = clustered(4_000, seed=2)
    built = build(
        lambda: _chunks(vectors),
        dim=DIM,
        n=4_000,
        exact_below=100,
        reuse=earlier.shape,
        progress=lambda _, phase: phases.append(phase),
    )
    assert built.shape is earlier.shape
    assert built.count == 4_000
    assert built.setting.recall >= 0.95


def test_short_vectors_are_clustered_too():
    vectors = clustered(2_000)[:, :8]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert _build(vectors).setting.recall >= 0.95


def test_a_count_that_is_off_does_no_harm():
    chunks = _chunks(clustered(2_000))
    for n in (1_500, 2_400):
        assert build(lambda: chunks, dim=DIM, n=n, exact_below=100).count == 2_000


def test_half_of_what_was_announced_is_refused():
    chunks = _chunks(clustered(900))
    with pytest.raises(ValueError, match="2000 vectors were announced, but only 900 came"):
        build(lambda: chunks, dim=DIM, n=2_000, exact_below=100)


def test_float16_is_taken():
    halves = clustered(50).astype(np.float16)
    assert build(lambda: [(np.arange(50), halves)], dim=DIM, n=50).count == 50


def test_progress_rises_to_one():
    seen: list[tuple[float, str]] = []
    chunks = _chunks(clustered(3_000))
    build(lambda: chunks, dim=DIM, n=3_000, exact_below=100, progress=lambda *at: seen.append(at))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert list(dict.fromkeys(phase for _, phase in seen)) == [
        "sampling",
        "training",
        "adding",
        "measuring",
        "built",
    ]


def test_what_progress_raises_ends_the_build():
    def cancel(_fraction: float, phase: str) -> None:
        if phase == "adding":
            raise KeyboardInterrupt

    chunks = _chunks(clustered(3_000))
    with pytest.raises(KeyboardInterrupt):
        build(lambda: chunks, dim=DIM, n=3_000, exact_below=100, progress=cancel)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows * 2, "id 0 has length 2 and not 1"),
        (lambda rows: np.where(rows == rows[3], np.nan, rows), "id 3 has length nan"),
        (lambda rows: rows[:, :8], "Expected 50 vectors of length 32"),
        (lambda rows: rows[:-1], "Expected 50 vectors"),
    ],
)
def test_vectors_that_would_rank_wrongly_are_refused(spoil: Callable[[Vectors], Vectors], message: str):
    spoilt = spoil(clustered(50))
    with pytest.raises(ValueError, match=message):
        build(lambda: [(np.arange(50), spoilt)], dim=DIM, n=50)


def test_an_id_given_twice_is_refused():
    with pytest.raises(ValueError, match="given twice"):
        build(lambda: [(np.array([1, 2, 1]), clustered(3))], dim=DIM, n=3)
