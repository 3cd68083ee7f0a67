"""Families of pictures: whoever is a copy of another is of its family, so that copies are looked for in there only.

A family is no answer by itself. Those at its ends may not be copies of each other, only of those between; whether
two are is told by their digests and hashes, whenever somebody asks. So a family may be too large and nothing false
comes of it, and N pictures that are all copies of each other cost N rows, not N squared.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.images.records import Relatives
from ml.copies import HashIndex
from ml.perceptual import BITS

Node = tuple[Literal["hash", "digest"], bytes] | tuple[Literal["family", "image"], int]
Pair = tuple[Node, Node]

ROW = np.dtype([("hash", np.uint8, BITS // 8), ("family_id", ">i8")])
"""How the database tells a hash and its family (0: none)."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What comes of pairs: the families of pictures that had none, and of families that are one with another now.

    `of_hash` are the families of the hashes that were named.
    """

    members: dict[int, int]
    merged: dict[int, int]
    of_hash: dict[bytes, int]


@dataclass(slots=True)
class KnownHashes:
    """The hashes of all pictures that have been compared, each with its family: 40 MB for a million."""

    index: HashIndex = field(default_factory=HashIndex)
    family_ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _met: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def load(self, rows: bytes) -> None:
        """Add hashes as the database tells them."""
        read = np.frombuffer(rows, ROW)
        self.index.add(read["hash"])
        self.family_ids = np.append(self.family_ids, read["family_id"].astype(np.int64))

    def pair(self, hashes: NDArray[np.uint8]) -> list[Pair]:
        """Add hashes, uint8 `[n, BITS / 8]`, and tell what each is near to: families, and hashes of no family."""
        first = len(self.index)
        self.index.add(hashes)
        self.family_ids = np.append(self.family_ids, np.zeros(len(hashes), np.int64))
        self._met = {}
        pairs: list[Pair] = []
        for place, near in enumerate(self.index.near(hashes), first):
            one: Node = ("hash", self.index[place])
            families = self.family_ids[near]
            alone = {other: self.index[other] for other in near[families == 0].tolist()}  # itself is one of them
            pairs.extend((one, ("hash", other)) for other in alone.values())
            pairs.extend((one, ("family", family_id)) for family_id in np.unique(families[families > 0]).tolist())
            self._met |= alone
        return pairs

    def follow(self, settled: Settled) -> None:
        """Take over what came of the last pairs."""
        for old, new in settled.merged.items():
            self.family_ids[self.family_ids == old] = new
        for place, one in self._met.items():
            self.family_ids[place] = settled.of_hash.get(one, 0)


def settle(pairs: Iterable[Pair], relatives: Iterable[Relatives]) -> Settled:
    """The families that pairs and what is known of pictures make.

    A family is named by the least id of its first pictures, which is never given out again; of two that become one
    the older name stays.
    """
    sets = _Sets()
    for one, other in pairs:
        sets.join(one, other)
    for one in relatives:
        key: Node = ("hash" if one.by_hash else "digest", one.key)
        for image_id in one.image_ids:
            sets.join(key, ("image", image_id))
        if one.family_id is not None:
            sets.join(key, ("family", one.family_id))
    settled = Settled({}, {}, {})
    for nodes in sets.list():
        family_ids = [node[1] for node in nodes if node[0] == "family"]
        image_ids = [node[1] for node in nodes if node[0] == "image"]
        if not family_ids and len(image_ids) < 2:
            continue
        name = min(family_ids or image_ids)
        settled.members.update(dict.fromkeys(image_ids, name))
        settled.merged.update({family_id: name for family_id in family_ids if family_id != name})
        settled.of_hash.update({node[1]: name for node in nodes if node[0] == "hash"})
    return settled


class _Sets:
    """Sets without common members, which become one when a member of each is joined."""

    def __init__(self) -> None:
        self._above: dict[Node, Node] = {}

    def join(self, one: Node, other: Node) -> None:
        self._above[self._top(one)] = self._top(other)

    def list(self) -> Iterable[Sequence[Node]]:
        gathered: defaultdict[Node, list[Node]] = defaultdict(list)
        for node in self._above:
            gathered[self._top(node)].append(node)
        return gathered.values()

    def _top(self, node: Node) -> Node:
        top = node
        while (above := self._above.setdefault(top, top)) != top:
            top = above
        self._above[node] = top
        return top
