"""Reconcile: find where the mirror and Postgres differ, bucket by bucket, and put it right.

Each side is read once, in pages, and summed up by bucket: how many points, and the sum of their fingerprints. Only
buckets that differ are compared point by point. A fingerprint covers the picture's id, its collections, its labels
and a digest of its stored vector, which Qdrant keeps beside the vector: so it sees a point that is missing, surplus or
was written of another state, and not a vector that was changed inside Qdrant with its digest left as it was.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from app.core import changes
from app.embedding.records import ModelRow
from app.search import store_mirror
from app.search.mirror_copy import PAGE, Copy
from app.search.qdrant import BUCKETS, bucket_of
from app.search.records_mirror import MirrorState, Print, Reconciled
from app.search.spread import spread

COMPARED_AT_ONCE = 200_000
"""Points compared in one pass: about 40 MB of ids and fingerprints for both sides."""


class Payload(msgspec.Struct):
    """What a point carries beside its vector."""

    collections: list[int]
    labels: list[str]
    bucket: int
    draw: int
    digest: str


@dataclass(slots=True)
class Tally:
    """One side, summed up: 256 counts and sums. The sum does not depend on the order of reading."""

    counts: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    sums: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, prints: Sequence[Print]) -> None:
        for one in prints:
            bucket = bucket_of(one.image_id)
            self.counts[bucket] += 1
            self.sums[bucket] = (self.sums[bucket] + fingerprint(one)) % 2**64

    def differing(self, other: "Tally") -> list[int]:
        """The buckets in which the two are not the same."""
        mine, theirs = zip(self.counts, self.sums, strict=True), zip(other.counts, other.sums, strict=True)
        return [bucket for bucket, (one, two) in enumerate(zip(mine, theirs, strict=True)) if one != two]


def fingerprint(one: Print) -> int:
    """64 bits of a point, whatever order its collections and labels come in."""
    canonical = msgspec.json.encode((one.image_id, one.digest, sorted(one.collections), sorted(one.labels)))
    return int.from_bytes(hashlib.blake2b(canonical, digest_size=8).digest())


async def compare(copy: Copy, model: ModelRow, state: MirrorState, *, repair: bool) -> Reconciled:
    """Compare and, with `repair`, write and delete what differs. `state` has just followed the log to its end."""
    ours, theirs = Tally(), Tally()
    async for prints in _ours(copy, model):
        ours.add(prints)
    async for prints in _theirs(copy, state.collection):
        theirs.add(prints)
    differing = ours.differing(theirs)
    missing = surplus = changed = 0
    for buckets in _grouped(differing, [max(pair) for pair in zip(ours.counts, theirs.counts, strict=True)]):
        here = {one.image_id: fingerprint(one) async for page in _ours(copy, model, buckets) for one in page}
        there = {
            one.image_id: fingerprint(one) async for page in _theirs(copy, state.collection, buckets) for one in page
        }
        under_way = await _changed_since(copy, state.position)
        wrong = {one for one in here.keys() | there.keys() if here.get(one) != there.get(one)} - under_way
        missing += len(wrong - there.keys())
        surplus += len(wrong - here.keys())
        changed += len(wrong & here.keys() & there.keys())
        if repair:
            await copy.write(state.collection, model, sorted(wrong))
    return Reconciled(
        at=datetime.now(UTC),
        points=sum(theirs.counts),
        differing=len(differing),
        missing=missing,
        surplus=surplus,
        changed=changed,
        repaired=repair,
    )


def _grouped(buckets: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Buckets that are compared in one pass, so that memory is bounded and small galleries need few passes."""
    group: list[int] = []
    for bucket in buckets:
        if group and sum(sizes[one] for one in group) + sizes[bucket] > COMPARED_AT_ONCE:
            yield group
            group = []
        group.append(bucket)
    if group:
        yield group


async def _ours(copy: Copy, model: ModelRow, buckets: Sequence[int] | None = None) -> AsyncIterator[list[Print]]:
    last_id = 0
    while True:
        async with copy.db.transaction() as conn:
            prints = await store_mirror.list_prints_after(conn, model.id, last_id, PAGE, buckets)
        if not prints:
            return
        yield prints
        last_id = prints[-1].image_id


async def _theirs(copy: Copy, collection: str, buckets: Sequence[int] | None = None) -> AsyncIterator[list[Print]]:
    async for page in copy.qdrant.payloads(collection, buckets):
        draws = spread(np.array([image_id for image_id, _ in page], np.int64)).tolist()
        yield [_print(image_id, payload, draw) for (image_id, payload), draw in zip(page, draws, strict=True)]


def _print(image_id: int, payload: dict[str, Any], draw: int) -> Print:
    """A point's payload; one that this gallery would not have written gets a digest that no vector has."""
    try:
        written = msgspec.convert(payload, Payload)
    except msgspec.ValidationError:
        return Print(image_id, "", (), ())
    if (written.bucket, written.draw) != (bucket_of(image_id), draw):
        return Print(image_id, "", (), ())
    return Print(image_id, written.digest, written.collections, written.labels)


async def _changed_since(copy: Copy, position: int) -> set[int]:
    """Pictures that the follower has yet to come to: that they differ is no drift."""
    touched: set[int] = set()
    async with copy.db.transaction() as conn:
        while entries := await changes.list_after(conn, position):
            touched |= {one.image_id for one in entries}
            position = entries[-1].seq
    return touched
