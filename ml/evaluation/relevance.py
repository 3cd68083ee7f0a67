"""Which pictures are right answers to which: those that share a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Relevance:
    """Of n pictures with one label each, or several: two pictures are right for each other when they share one.

    `names` are the labels, sorted; `first` `[n]` is each picture's first one, which stands for it where a picture
    can have but one (classes, clusters). `member` float32 `[n, labels]` is 1 where a picture has a label; None where
    each has one, of which there may be thousands.
    """

    names: tuple[str, ...]
    first: NDArray[np.intp]
    member: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, labels: Sequence[str] | Sequence[Sequence[str]]) -> Self:
        """Raises ValueError for a picture without a label."""
        each = [(one,) if isinstance(one, str) else tuple(one) for one in labels]
        if not all(each):
            raise ValueError(f"picture {each.index(())} has no label")
        names = sorted({label for of_one in each for label in of_one})
        place = {label: number for number, label in enumerate(names)}
        first = np.array([place[of_one[0]] for of_one in each], np.intp)
        if all(len(of_one) == 1 for of_one in each):
            return cls(tuple(names), first)
        member = np.zeros((len(each), len(names)), np.float32)
        for row, of_one in enumerate(each):
            member[row, [place[label] for label in of_one]] = 1
        return cls(tuple(names), first, member)

    def __len__(self) -> int:
        return len(self.first)

    def right(self, queries: NDArray[np.intp], found: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of the pictures `found` `[q, k]` share a label with their query, `[q, k]`."""
        if self.member is None:
            return self.first[found] == self.first[queries][:, None]
        return np.take_along_axis(_shared(self.member, queries), found, axis=1)

    def counts(self, block_rows: int = 1024) -> NDArray[np.intp]:
        """How many others share a label with each picture, `[n]`."""
        if self.member is None:
            return np.bincount(self.first)[self.first] - 1
        rows, starts = np.arange(len(self)), range(0, len(self), block_rows)
        blocks = (rows[start : start + block_rows] for start in starts)
        return np.concatenate([_shared(self.member, block).sum(axis=1) for block in blocks]) - 1

    def has(self, rows: NDArray[np.intp], labels: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether each of these pictures has the label at its place, `[q]`."""
        return self.first[rows] == labels if self.member is None else self.member[rows, labels] > 0


def _shared(member: NDArray[np.float32], queries: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Who has a label of each query, `[q, n]`."""
    return member[queries] @ member.T > 0
