"""Hashes near to others: as many as comparing each with each finds, however many there are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ml import copies
from ml.copies import HashIndex
from ml.perceptual import BITS, COPY_DISTANCE, LEAST_SET, telling


def changed(row: NDArray[np.uint8], count: int, seed: int = 0) -> NDArray[np.uint8]:
    """The same hash but for so many bits."""
    bits = np.unpackbits(row)
    bits[np.random.default_rng(seed).permutation(BITS)[:count]] ^= 1
    return np.packbits(bits)


@pytest.mark.parametrize("found", [1, 100, 2**24])
def test_near_are_those_within_the_distance_of_copies(monkeypatch: pytest.MonkeyPatch, found: int) -> None:
    monkeypatch.setattr(copies, "MAX_FOUND", found)
    random = np.random.default_rng(1)
    rows = random.integers(0, 256, (60, BITS // 8), dtype=np.uint8)
    rows = np.stack([*rows, *(changed(rows[n % 5], n, seed=n) for n in range(80)), *rows[:3]])
    index = HashIndex()
    index.add(rows[:40])
    index.add(rows[40:])
    assert (len(index), index[41]) == (len(rows), rows[41].tobytes())
    distances = np.bitwise_count(rows[:, np.newaxis] ^ rows).sum(axis=2)
    assert {COPY_DISTANCE, COPY_DISTANCE + 1} <= set(distances.ravel().tolist())
    for near, of_row in zip(index.near(rows), distances, strict=True):
        assert sorted(near.tolist()) == np.flatnonzero(of_row <= COPY_DISTANCE).tolist()


def test_nothing_is_near_to_nothing() -> None:
    index = HashIndex()
    nothing = np.zeros((0, BITS // 8), np.uint8)
    index.add(nothing)
    assert list(index.near(nothing)) == []
    assert [near.tolist() for near in index.near(np.zeros((1, BITS // 8), np.uint8))] == [[]]


def test_a_hash_with_few_bits_set_does_not_tell() -> None:
    bits = np.zeros((3, BITS), np.uint8)
    bits[1, : LEAST_SET - 1] = 1
    bits[2, :LEAST_SET] = 1
    assert telling(np.packbits(bits, axis=1)).tolist() == [False, False, True]
