"""Building: what goes in, what is refused, and whether the recall that is told is true."""

from collections.abc import Callable

import faiss
import numpy as np
import pytest

from app.search.index import BuiltIndex, Chunk, Vectors, build
from tests.app.search.index.galleries import DIM, clustered


def _chunks(vectors: Vectors, size: int = 700) -> list[Chunk]:
    ids = np.arange(len(vectors)) + 10
    return [(ids[i : i + size], vectors[i : i + size]) for i in range(0, len(vectors), size)]


def _build(vectors: Vectors, exact_below: int = 100) -> BuiltIndex:
    return build(lambda: _chunks(vectors), dim=vectors.shape[1], n=len(vectors), exact_below=exact_below)


@pytest.mark.parametrize("n", [0, 1, 100])
def test_few_vectors_stay_in_one_cell(n: int):
    built = _build(clustered(n))
    assert (built.count, built.nlist, built.nprobe, built.recall) == (n, 1, 1, 1.0)


def test_the_recall_it_tells_holds_for_fresh_queries():
    gallery, queries = clustered(6_000), clustered(400, seed=1)
    built = _build(gallery)
    truth = np.sort(queries @ gallery.T, axis=1)[:, -10:]
    params = faiss.SearchParametersIVF(nprobe=built.nprobe)  # pyright: ignore[reportCallIssue]  (SWIG keywords)
    scores, _ = built.faiss_index.search(queries, 10, params=params)
    recall = float((scores >= truth[:, :1] - 1e-6).mean())
    assert built.nlist == 128
    assert built.nprobe < built.nlist
    assert built.recall >= 0.95
    assert abs(recall - built.recall) < 0.03
    assert [point for point in built.curve if point[1] >= 0.95] == [(built.nprobe, built.recall)]


def test_copies_do_not_count_as_misses():
    vectors = np.repeat(clustered(100), 30, axis=0)  # 30 equal neighbours each: any 10 of them are right
    assert _build(vectors).curve[0] == (1, 1.0)


def test_the_same_vectors_give_the_same_index():
    vectors = clustered(3_000)
    first, second = _build(vectors), _build(vectors)
    assert first.positions().tolist() == second.positions().tolist()
    assert first.curve == second.curve


def test_positions_name_the_cell_and_the_place_in_it():
    vectors = clustered(1_000)
    built = _build(vectors)
    positions = built.positions()
    assert (positions[:10] == -1).all(), "ids begin at 10"
    for row, position in enumerate(positions[10:].tolist()):
        stored = built.faiss_index.invlists.get_single_code(position >> 32, position & 0xFFFF_FFFF)
        assert faiss.rev_swig_ptr(stored, 4 * DIM).tobytes() == vectors[row].tobytes()


def test_short_vectors_are_clustered_too():
    vectors = clustered(2_000)[:, :8]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert _build(vectors).recall >= 0.95


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
    built = build(lambda: [(np.array([1, 2, 1]), clustered(3))], dim=DIM, n=3)
    with pytest.raises(ValueError, match="given twice"):
        built.positions()
