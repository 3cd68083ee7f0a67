"""Bitmap: a set of ids, one bit each, in the packed form that FAISS selects by."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

MAX_ID = 2**31 - 1
"""The largest id taken: memory grows with it (256 MiB here), and one stray id must not take it all."""

IdsLike = NDArray[np.integer[Any]] | Iterable[int]

_WORD_BYTES = 8  # whole words, so that bits are counted 64 at a time


def as_ids(ids: IdsLike) -> NDArray[np.int64]:
    """`ids` as int64 [n]. Raises ValueError for an id below 0 or above MAX_ID, or one that is no integer."""
    array = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids))
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"Ids must be a flat list of integers, not {array.dtype} {list(array.shape)}.")
    if array.min() < 0 or array.max() > MAX_ID:
        raise ValueError(f"Ids must lie between 0 and {MAX_ID}; got {array.min()} to {array.max()}.")
    return array.astype(np.int64, copy=False)


class Bitmap:
    """A growable set of ids from 0 to MAX_ID; an id beyond its end is absent, whatever the lengths are.

    One writer at a time. Readers in other threads meet each id as it was before or after a write; a reader
    that needs several answers of one moment takes a `copy` (125 KB at a million ids, 10 µs).
    """

    __slots__ = ("__weakref__", "_bits", "version")

    def __init__(self) -> None:
        self._bits = np.zeros(0, np.uint8)
        self.version = 0
        """Grows with every write: what was derived from a bitmap holds for one version of it."""

    @classmethod
    def from_ids(cls, ids: IdsLike) -> Self:
        """The set of `ids` (repeats count once). Raises ValueError as `as_ids` does."""
        bitmap = cls()
        bitmap.add(ids)
        return bitmap

    def add(self, ids: IdsLike) -> None:
        """Puts `ids` in, growing as far as the largest. Raises ValueError as `as_ids` does."""
        array = as_ids(ids)
        if array.size == 0:
            return
        bits = self._bits
        needed = int(array.max()) // 8 + 1
        if needed > len(bits):
            # An eighth more than needed: ids arrive in rising order, and each growth copies.
            words = (needed + needed // 8) // _WORD_BYTES + 1
            bits = np.concatenate([bits, np.zeros(words * _WORD_BYTES - len(bits), np.uint8)])
        np.bitwise_or.at(bits, array >> 3, _bit_of(array))
        self._bits = bits
        self.version += 1

    def discard(self, ids: IdsLike) -> None:
        """Takes `ids` out; those that are not in are passed over. Raises ValueError as `as_ids` does."""
        array = as_ids(ids)
        array = array[array >> 3 < len(self._bits)]
        np.bitwise_and.at(self._bits, array >> 3, ~_bit_of(array))
        self.version += 1

    def __contains__(self, image_id: int) -> bool:
        bits = self._bits
        return 0 <= image_id >> 3 < len(bits) and bool(bits[image_id >> 3] >> (image_id & 7) & 1)

    def mask(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of `ids` (int64 [n], none below 0) are in: bool [n]."""
        bits = self._bits
        inside = ids >> 3 < len(bits)
        found = np.zeros(len(ids), np.bool_)
        known = ids[inside]
        found[inside] = bits[known >> 3] & _bit_of(known) != 0
        return found

    def union(self, other: "Bitmap") -> "Bitmap":
        """The ids that are in either, as a new bitmap."""
        longer, shorter = sorted((self._bits, other._bits), key=len, reverse=True)
        united = longer.copy()
        united[: len(shorter)] |= shorter
        return _wrap(united)

    def intersect(self, other: "Bitmap") -> "Bitmap":
        """The ids that are in both, as a new bitmap."""
        mine, theirs = self._bits, other._bits
        shared = min(len(mine), len(theirs))
        return _wrap(mine[:shared] & theirs[:shared])

    def copy(self) -> "Bitmap":
        return _wrap(self._bits.copy())

    def count(self) -> int:
        """How many ids are in."""
        return int(np.bitwise_count(self._bits.view(np.uint64)).sum())

    def ids(self) -> NDArray[np.int64]:
        """The ids that are in, rising: int64 [count]."""
        bits = self._bits
        filled = np.flatnonzero(bits)  # a sparse set is mostly empty bytes: unpack only the others
        places = np.flatnonzero(np.unpackbits(bits[filled], bitorder="little").view(np.bool_))
        return filled[places >> 3] * 8 + (places & 7)

    @property
    def packed(self) -> NDArray[np.uint8]:
        """The bits, least significant first, as `faiss.IDSelectorBitmap` reads them. Not to be written."""
        return self._bits


def _bit_of(ids: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (ids & 7).astype(np.uint8))


def _wrap(bits: NDArray[np.uint8]) -> Bitmap:
    bitmap = Bitmap()
    bitmap._bits = bits  # pyright: ignore[reportPrivateUsage]  (the class's own constructor from bits)
    return bitmap
