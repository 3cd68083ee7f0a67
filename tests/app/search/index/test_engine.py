"""The whole engine against brute force over what was stored, and under threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from app.search.index import Bitmap, Index, Neighbours, Vectors, delta, tuning
from tests.app.search.index.galleries import DEEP, DIM, Gallery, clustered

POOL = clustered(24, seed=3)  # few distinct vectors, so that ties are common
DEEP_POOL = clustered(24, seed=3, dim=DEEP)
ALL_IDS = st.integers(0, 200)
SHARES = st.sampled_from([0.0, 0.01, 0.3, 0.6, 0.95, 1.0])


def brute_force(stored: dict[int, Vectors], query: Vectors, k: int) -> Neighbours:
    ids = np.array(sorted(stored), np.int64)
    if not len(ids):
        return Neighbours(ids, np.empty(0, np.float32))
    scores = np.clip(np.vecdot(np.stack([stored[image_id] for image_id in ids.tolist()]), query), -1, 1)
    order = np.argsort(-scores, kind="stable")[:k]
    return Neighbours(ids[order], scores[order])


class Engine(RuleBasedStateMachine):
    """Adds, replaces, removes and searches, in any order, beside a dict that does the same."""

    gallery: ClassVar[Gallery | None] = None

    def __init__(self) -> None:
        super().__init__()
        gallery = self.gallery
        self.index = Index.open(gallery.directory) if gallery else Index.empty(DIM)
        self.pool = DEEP_POOL if self.index.dim == DEEP else POOL
        self.stored: dict[int, Vectors] = (
            dict(zip(gallery.ids.tolist(), gallery.vectors, strict=True)) if gallery else {}
        )

    @rule(ids=st.lists(ALL_IDS, max_size=20), shift=st.integers(0, 23))
    def add(self, ids: list[int], shift: int) -> None:
        vectors = np.resize(np.roll(self.pool, shift, axis=0), (len(ids), self.index.dim))
        self.index.add(ids, vectors)
        self.stored |= dict(zip(ids, vectors, strict=True))

    @rule(ids=st.lists(ALL_IDS, max_size=60))
    def remove(self, ids: list[int]) -> None:
        self.index.remove(ids)
        self.stored = {image_id: row for image_id, row in self.stored.items() if image_id not in ids}

    @rule(query=st.integers(0, 23), k=st.integers(1, 300))
    def search(self, query: int, k: int) -> None:
        self._check(self.pool[query], k, None)

    @rule(
        query=st.integers(0, 23),
        k=st.integers(1, 30),
        share=SHARES,
        seed=st.integers(0, 5),
    )
    def search_among(self, query: int, k: int, share: float, seed: int) -> None:
        drawn = np.random.default_rng(seed).random(13_000) < share
        self._check(self.pool[query], k, set(np.flatnonzero(drawn).tolist()))

    @rule(ids=st.lists(ALL_IDS, max_size=10))
    def read(self, ids: list[int]) -> None:
        known = [image_id for image_id in ids if image_id in self.stored]
        assert [image_id for image_id in ids if image_id in self.index] == known
        for row, image_id in zip(self.index.vectors(known), known, strict=True):
            assert row == pytest.approx(self.stored[image_id], abs=1e-6)

    def _check(self, query: Vectors, k: int, allowed: set[int] | None) -> None:
        eligible = {image_id: row for image_id, row in self.stored.items() if allowed is None or image_id in allowed}
        selected = None if allowed is None else Bitmap.from_ids(allowed)
        found = self.index.search(query, k, selected)
        expected = brute_force(eligible, query, k)
        if self._scans_everything(len(eligible), k):
            assert found.ids.tolist() == expected.ids.tolist()
        assert_sound(found, eligible, query, k)
        assert self.index.count == len(self.stored)

    def _scans_everything(self, eligible_count: int, k: int) -> bool:
        main = self.index._view.main  # pyright: ignore[reportPrivateUsage]  (which way was taken is not told)
        return main is None or main.is_exact or eligible_count <= tuning.ONE_BY_ONE


def assert_sound(found: Neighbours, eligible: dict[int, Vectors], query: Vectors, k: int) -> None:
    """What holds for every search, exact or not."""
    ids = found.ids.tolist()
    assert len(ids) == len(set(ids)) == min(k, len(eligible)), "no repeats, and never fewer than exist"
    assert set(ids) <= eligible.keys(), "nothing forbidden, removed or left out"
    truth = [float(eligible[image_id] @ query) for image_id in ids]
    assert (np.abs(found.scores) <= 1).all()
    assert found.scores == pytest.approx(np.clip(truth, -1, 1), abs=1e-5)
    assert list(zip(-found.scores, ids, strict=True)) == sorted(zip(-found.scores, ids, strict=True))


@pytest.mark.parametrize("one_by_one", [tuning.ONE_BY_ONE, 10])
@pytest.mark.parametrize("kind", ["empty", "exact", "ivf", "panorama", "float16"])
def test_any_history_answers_like_brute_force(
    kind: str, one_by_one: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tuning, "ONE_BY_ONE", one_by_one)  # small: so that narrow filters take their own way
    monkeypatch.setattr(delta, "BY_CELLS_FROM", 2 * one_by_one)
    gallery = None if kind == "empty" else request.getfixturevalue(f"{kind}_gallery")
    run_state_machine_as_test(
        type("Engine", (Engine,), {"gallery": gallery}),
        settings=settings(max_examples=15, stateful_step_count=15),
    )


@pytest.mark.parametrize("kind", ["ivf", "panorama"])
@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.2, 0.05, 0.02])
@pytest.mark.parametrize("follows_clusters", [False, True])
def test_recall_under_filters(
    kind: str,
    share: float,
    follows_clusters: bool,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(tuning, "ONE_BY_ONE", 20)
    gallery: Gallery = request.getfixturevalue(f"{kind}_gallery")
    index, dim = Index.open(gallery.directory), gallery.vectors.shape[1]
    order = np.random.default_rng(0).permutation(4_000)
    if follows_clusters:
        order = np.argsort(gallery.vectors @ clustered(1, seed=3, dim=dim)[0])
    kept = order[: int(4_000 * share)]
    allowed = Bitmap.from_ids(gallery.ids[kept])
    recalls = [
        (index.search(query, 10, allowed).scores >= np.sort(gallery.vectors[kept] @ query)[-10] - 1e-6).mean()
        for query in clustered(100, seed=9, dim=dim)
    ]
    assert np.mean(recalls) >= 0.9


def test_a_filter_that_changes_is_looked_at_again(ivf_gallery: Gallery, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tuning, "ONE_BY_ONE", 10)
    index = Index.open(ivf_gallery.directory)
    allowed = Bitmap.from_ids(ivf_gallery.ids[:60])
    first = index.search(POOL[0], 5, allowed).ids
    allowed.discard(first)
    assert not set(index.search(POOL[0], 5, allowed).ids.tolist()) & set(first.tolist())
    allowed.add(first)
    assert index.search(POOL[0], 5, allowed).ids.tolist() == first.tolist()


def test_a_vector_is_no_more_like_itself_than_one(ivf_gallery: Gallery):
    vectors = clustered(2_000, seed=4)
    beyond = vectors[np.vecdot(vectors, vectors) > 1]
    assert len(beyond), "rounding lifts some above 1"
    index = Index.open(ivf_gallery.directory)
    index.add(np.arange(20_000, 20_000 + len(beyond)), beyond)
    assert all(index.search(row, 1).scores[0] == 1 for row in beyond[:20])


def test_the_whole_gallery_can_be_asked_for(ivf_gallery: Gallery):
    index = Index.open(ivf_gallery.directory)
    found = index.search(POOL[0], 10**9)
    assert sorted(found.ids.tolist()) == ivf_gallery.ids.tolist()
    expected = brute_force(dict(zip(ivf_gallery.ids.tolist(), ivf_gallery.vectors, strict=True)), POOL[0], 4_000)
    assert found.ids.tolist() == expected.ids.tolist()


@pytest.mark.parametrize(
    ("query", "k", "message"),
    [
        (POOL[0], 0, "k must be at least 1"),
        (POOL[0], -1, "k must be at least 1"),
        (POOL[0][:5], 3, "vectors of length 32"),
        (POOL[:2], 3, "vectors of length 32"),
        (np.full(DIM, np.nan, np.float32), 3, "not finite"),
        (np.zeros(DIM, np.float32), 3, "all zeros"),
        (POOL[0] * 3, 3, "L2-normalised"),
    ],
)
def test_a_question_without_sense_is_refused(query: Vectors, k: int, message: str):
    with pytest.raises(ValueError, match=message):
        Index.empty(DIM).search(query, k)


def test_a_refused_batch_changes_nothing():
    index = Index.empty(DIM)
    index.add([1], POOL[:1])
    with pytest.raises(ValueError, match="id 2 has length 0"):
        index.add([1, 2], np.stack([POOL[1], np.zeros(DIM, np.float32)]))
    assert (index.vectors([1])[0] == POOL[0]).all()
    assert 2 not in index
    with pytest.raises(KeyError, match="2"):
        index.vectors([1, 2])


def test_stats_add_up(exact_gallery: Gallery):
    index = Index.open(exact_gallery.directory)
    index.add([1, 1_000], POOL[:2])
    index.remove([3, 999])
    stats = index.stats
    assert (stats.main_count, stats.delta_count, stats.tombstones, stats.count) == (60, 2, 2, 60)
    assert (stats.kind, stats.nlist, stats.nprobe) == ("exact", 1, 1)
    assert index.manifest is not None
    assert stats.size_bytes > index.manifest.size_bytes


@pytest.mark.parametrize("kind", ["empty", "exact", "ivf"])
def test_searches_see_whole_changes_while_others_write(kind: str, request: pytest.FixtureRequest):
    gallery = None if kind == "empty" else request.getfixturevalue(f"{kind}_gallery")
    index = Index.open(gallery.directory) if gallery else Index.empty(DIM)
    replaced, coming, gone = 5, np.arange(30_000, 30_040), 30_100
    index.add([replaced, gone], POOL[:2])
    index.remove([gone])
    only = Bitmap.from_ids([replaced, gone])
    crowd = Bitmap.from_ids(coming)
    done = threading.Event()

    def write() -> None:
        for turn in range(400):
            index.add([replaced], POOL[turn % 2 : turn % 2 + 1])
            index.add(coming, np.resize(POOL, (40, DIM)))
            index.remove(coming)
        done.set()

    def read() -> int:
        searches = 0
        while not done.is_set():
            assert index.search(POOL[0], 5, only).ids.tolist() == [replaced]
            assert len(index.search(POOL[1], 100, crowd).ids) in {0, 40}
            found = index.search(POOL[2], 30).ids.tolist()
            assert len(found) == len(set(found))
            searches += 1
        return searches

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            pool.submit(write).result()
        finally:
            done.set()
        assert all(reader.result() > 0 for reader in readers)
