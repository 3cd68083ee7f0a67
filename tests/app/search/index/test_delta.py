"""Delta: replaced, removed and shrunk, while what was handed out stays as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.index import Bitmap, open_published
from app.search.index.delta import BY_CELLS_FROM, Delta, DeltaView
from tests.app.search.index.galleries import DIM, Gallery, clustered

changes = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 40), max_size=12)), max_size=12)


def _contents(view: DeltaView) -> dict[int, bytes]:
    rows = np.flatnonzero(view.live)
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


def test_once_many_only_the_cells_that_were_searched_are_compared(ivf_gallery: Gallery):
    main, _ = open_published(ivf_gallery.directory)
    delta = Delta(DIM, main.cells)
    rows = clustered(BY_CELLS_FROM, seed=5)
    delta.add(np.arange(BY_CELLS_FROM - 1), rows[:-1])
    cell_of = main.cells.assign(rows).cells
    some = np.unique(cell_of[:3])
    everything, _ = delta.view().search(rows[0], None, some)
    assert len(everything) == BY_CELLS_FROM - 1, "few are compared anyway"
    delta.add(np.array([BY_CELLS_FROM - 1]), rows[-1:])
    ids, scores = delta.view().search(rows[0], None, some)
    assert ids.tolist() == np.flatnonzero(np.isin(cell_of, some)).tolist()
    assert scores == pytest.approx(rows[ids] @ rows[0], abs=1e-6)
    allowed = Bitmap.from_ids(ids[::2])
    assert delta.view().search(rows[0], allowed, some)[0].tolist() == ids[::2].tolist()
    assert delta.view().search(rows[0], allowed, None)[0].tolist() == ids[::2].tolist()


def test_vector_by_id():
    delta = Delta(DIM)
    rows = clustered(2)
    delta.add(np.array([8, 8]), rows)
    kept = delta.vector(8)
    assert kept is not None
    assert (kept == rows[1]).all(), "the last one stays"
    delta.remove(np.array([8]))
    assert delta.vector(8) is None
