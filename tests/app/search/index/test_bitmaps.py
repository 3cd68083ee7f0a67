"""Bitmap against Python's own sets, at lengths that differ."""

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.index import MAX_ID, Bitmap

id_sets = st.sets(st.integers(0, 3_000), max_size=60)


@given(id_sets, id_sets, id_sets)
def test_a_bitmap_is_a_set(first: set[int], added: set[int], removed: set[int]):
    bitmap = Bitmap.from_ids(first)
    bitmap.add(added)
    bitmap.discard(removed)
    expected = (first | added) - removed
    assert bitmap.ids().tolist() == sorted(expected)
    assert bitmap.count() == len(expected)
    assert all((image_id in bitmap) == (image_id in expected) for image_id in range(3_100))


@given(id_sets, id_sets)
def test_union_and_intersection_of_any_lengths(left: set[int], right: set[int]):
    one, other = Bitmap.from_ids(left), Bitmap.from_ids(right)
    assert one.union(other).ids().tolist() == sorted(left | right)
    assert one.intersect(other).ids().tolist() == sorted(left & right)
    assert one.ids().tolist() == sorted(left), "the operands stay as they were"
    assert other.ids().tolist() == sorted(right)


@given(id_sets)
def test_faiss_selects_the_same_ids(ids: set[int]):
    selector = faiss.IDSelectorBitmap(Bitmap.from_ids(ids).packed)  # pyright: ignore[reportCallIssue]  (SWIG)
    assert {i for i in range(4_000) if selector.is_member(i)} == ids


@given(id_sets, st.lists(st.integers(0, 2**40), max_size=30))
def test_mask_answers_for_ids_beyond_the_end(ids: set[int], asked: list[int]):
    mask = Bitmap.from_ids(ids).mask(np.array(asked, np.int64))
    assert mask.tolist() == [image_id in ids for image_id in asked]


def test_a_copy_is_apart():
    bitmap = Bitmap.from_ids([1, 2])
    copy = bitmap.copy()
    copy.discard([1])
    copy.add([3])
    assert bitmap.ids().tolist() == [1, 2]


def test_what_is_packed_before_it_grows_stays_readable():
    bitmap = Bitmap.from_ids([3])
    packed = bitmap.packed
    bitmap.add([100_000])
    assert packed[0] == 8
    assert bitmap.ids().tolist() == [3, 100_000]


@pytest.mark.parametrize("ids", [[-1], [MAX_ID + 1], [0.5], [[1, 2]]])
def test_ids_out_of_range_are_refused(ids: list[int]):
    with pytest.raises(ValueError, match="Ids must"):
        Bitmap.from_ids(ids)
