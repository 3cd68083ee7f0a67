"""Delta: replaced, removed and shrunk, while what was handed out stays as it was."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.index.delta import Delta, DeltaView
from tests.app.search.index.galleries import DIM, clustered

changes = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 40), max_size=12)), max_size=12)


def _contents(view: DeltaView) -> dict[int, bytes]:
    rows = view.eligible(None)
    assert len(rows) == view.count
    assert len(set(view.ids[rows].tolist())) == view.count
    return {int(view.ids[row]): view.vectors[row].tobytes() for row in rows}


@given(changes)
def test_views_never_change(steps: list[tuple[bool, list[int]]]):
    rng = np.random.default_rng(0)
    delta = Delta(4)
    expected: dict[int, bytes] = {}
    handed_out = [(delta.view(), dict(expected))]
    for adding, ids in steps:
        rows = rng.normal(size=(len(ids), 4)).astype(np.float32)
        if adding:
            delta.add(np.array(ids, np.int64), rows)
            expected |= {image_id: row.tobytes() for image_id, row in zip(ids, rows, strict=True)}
        else:
            delta.remove(np.array(ids, np.int64))
            expected = {image_id: row for image_id, row in expected.items() if image_id not in ids}
        handed_out.append((delta.view(), dict(expected)))
    for view, contents in handed_out:
        assert _contents(view) == contents


@settings(max_examples=10)
@given(st.integers(1_100, 1_500), st.integers(0, 60))
def test_dead_rows_are_given_back(first_kept: int, step: int):
    delta = Delta(4)
    ids = np.arange(2_000)
    rows = np.random.default_rng(step).normal(size=(2_000, 4)).astype(np.float32)
    delta.add(ids, rows)
    before = delta.view()
    delta.remove(ids[:first_kept])
    assert len(delta.view().ids) == 2_000 - first_kept
    delta.add(np.array([5]), rows[:1])
    delta.remove(np.array([1_999]))
    expected = {image_id: rows[image_id].tobytes() for image_id in range(first_kept, 1_999)}
    assert _contents(delta.view()) == expected | {5: rows[0].tobytes()}
    assert _contents(before) == {image_id: row.tobytes() for image_id, row in enumerate(rows)}


def test_vector_by_id():
    delta = Delta(DIM)
    rows = clustered(2)
    delta.add(np.array([8, 8]), rows)
    kept = delta.vector(8)
    assert kept is not None
    assert (kept == rows[1]).all(), "the last one stays"
    delta.remove(np.array([8]))
    assert delta.vector(8) is None
