"""The engine as a process runs it, against brute force: pictures come, go and move, viewers see what they may,
indexes are built as of earlier positions of the log, published, and swapped in, in any order."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from app.core.changes import Entry, Kind
from app.search.index import Bitmap, Index, Vectors, build, publish, tuning
from app.search.memberships import Memberships
from tests.app.search.index.galleries import DIM, clustered
from tests.app.search.index.test_engine import assert_sound, brute_force

COLLECTIONS = (1, 2, 3)
FIRST = 400
POOL = clustered(60, seed=3)

ids_drawn = st.lists(st.integers(0, FIRST + 60), max_size=30)


class Process(RuleBasedStateMachine):
    """A log, what it means (`vectors`, `standing`), and an index with memberships that follow it."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.versions = 0
        self.log: list[Entry] = []
        self.embedded_at: dict[int, Vectors] = {}
        self.vectors: dict[int, Vectors] = {}
        self.standing: set[tuple[int, int]] = set()
        self.index = Index.empty(DIM)
        self.memberships = Memberships([], 0)
        rows = clustered(FIRST)
        self._embed(dict(enumerate(rows)))
        for image_id in range(FIRST):
            self._move("joined", image_id, COLLECTIONS[image_id % 3])
        self.swap(0)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(ids=ids_drawn, shift=st.integers(0, 59))
    def embed(self, ids: list[int], shift: int) -> None:
        self._embed({image_id: POOL[(image_id + shift) % len(POOL)] for image_id in ids})

    @rule(ids=ids_drawn)
    def retract(self, ids: list[int]) -> None:
        for image_id in ids:
            self.vectors.pop(image_id, None)
            self._append("retracted", image_id)
        self.index.remove(ids)

    @rule(ids=ids_drawn, collection=st.sampled_from(COLLECTIONS), leaves=st.booleans())
    def move(self, ids: list[int], collection: int, leaves: bool) -> None:
        for image_id in ids:
            self._move("left" if leaves else "joined", image_id, collection)

    @rule(behind=st.integers(0, 120))
    def swap(self, behind: int) -> None:
        """Builds an index of what was there some entries ago, publishes it, opens it and catches up."""
        position = max(0, len(self.log) - behind)
        then = self._as_of(position)
        ids, rows = np.array(sorted(then), np.int64), [then[image_id] for image_id in sorted(then)]
        stacked = np.stack(rows) if rows else np.empty((0, DIM), np.float32)
        built = build(lambda: [(ids, stacked)], dim=DIM, n=len(ids), exact_below=100, layout="plain")
        self.versions += 1
        directory = Path(self.folder.name) / str(self.versions)
        publish(built, directory, seq=position, model_identity="a model")
        fresh = Index.open(directory)
        touched = {entry.image_id for entry in self.log[position:] if entry.kind in ("embedded", "retracted")}
        fresh.remove(sorted(touched))
        living = sorted(touched & self.vectors.keys())
        if living:
            fresh.add(living, np.stack([self.vectors[image_id] for image_id in living]))
        self.index = fresh

    @rule(
        query=st.integers(0, 59),
        k=st.sampled_from([1, 3, 10, 40, 10**9]),
        viewer=st.sets(st.sampled_from(COLLECTIONS)),
        only=st.none() | st.sets(st.integers(0, FIRST + 60), max_size=80),
    )
    def search(self, query: int, k: int, viewer: set[int], only: set[int] | None) -> None:
        allowed = self.memberships.allowed(viewer)
        if only is not None:
            allowed = allowed.intersect(Bitmap.from_ids(only))
        seen = {image_id for image_id, collection in self.standing if collection in viewer}
        eligible = {
            image_id: row
            for image_id, row in self.vectors.items()
            if image_id in seen and (only is None or image_id in only)
        }
        found = self.index.search(POOL[query], k, allowed)
        assert_sound(found, eligible, POOL[query], k)
        exact = self.index.search(POOL[query], k, allowed, exact=True)
        assert exact.ids.tolist() == brute_force(eligible, POOL[query], k).ids.tolist()
        if len(eligible) <= tuning.ONE_BY_ONE:
            assert found.ids.tolist() == exact.ids.tolist()

    def _embed(self, vectors: dict[int, Vectors]) -> None:
        self.vectors |= vectors
        for image_id, row in vectors.items():
            self._append("embedded", image_id, row)
        if vectors:
            self.index.add(list(vectors), np.stack(list(vectors.values())))

    def _move(self, kind: Kind, image_id: int, collection: int) -> None:
        change = self.standing.add if kind == "joined" else self.standing.discard
        change((image_id, collection))
        self._append(kind, image_id, collection=collection)

    def _append(self, kind: Kind, image_id: int, row: Vectors | None = None, collection: int | None = None) -> None:
        entry = Entry(len(self.log) + 1, kind, image_id, collection, None)
        self.log.append(entry)
        self.memberships.apply([entry])
        if row is not None:
            self.embedded_at[entry.seq] = row

    def _as_of(self, position: int) -> dict[int, Vectors]:
        vectors: dict[int, Vectors] = {}
        for entry in self.log[:position]:
            if entry.kind == "embedded":
                vectors[entry.image_id] = self.embedded_at[entry.seq]
            elif entry.kind == "retracted":
                vectors.pop(entry.image_id, None)
        return vectors


@pytest.mark.parametrize("one_by_one", [20, tuning.ONE_BY_ONE])
def test_any_history_of_a_live_engine_answers_like_brute_force(
    one_by_one: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "ONE_BY_ONE", one_by_one)
    monkeypatch.setattr(tuning, "CALIBRATION_QUERIES", 30)  # builds are many here, and small
    run_state_machine_as_test(Process, settings=settings(max_examples=12, stateful_step_count=12, deadline=None))
