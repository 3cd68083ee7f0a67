"""Labels of many pictures: added behind those that are there, and taken off.

Each verb works inside its caller's transaction, on pictures that the viewer edits and the caller has locked; the log is
the caller's to tell.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.database import Connection, Database
from app.images import store_batch, store_writes
from app.images.records_batch import Effect


@dataclass(frozen=True, slots=True)
class Relabelled:
    """The pictures that got or lost a label, and those that have as many as a picture may."""

    done: tuple[int, ...]
    full: tuple[int, ...]
    effects: tuple[Effect, ...]


async def make_known(db: Database, labels: Sequence[str]) -> None:
    """Add label names, before the transaction that uses them: two steps that add the same ones cannot deadlock."""
    if labels:
        async with db.transaction() as conn:
            await store_writes.ensure_labels(conn, labels)


async def add(conn: Connection, image_ids: Sequence[int], labels: Sequence[str], most: int) -> Relabelled:
    """Add known labels; a picture that would then have more than `most` gets none."""
    others = await store_batch.count_labels(conn, image_ids, labels)
    full = tuple(one for one in image_ids if others.get(one, 0) + len(labels) > most)
    room = [one for one in image_ids if others.get(one, 0) + len(labels) <= most]
    effects: list[Effect] = []
    for label in labels:
        got = await store_batch.insert_label(conn, room, label)
        effects += [Effect("labelled", tuple(got), label=label)] if got else []
    return await _relabelled(conn, effects, full)


async def take_off(conn: Connection, image_ids: Sequence[int], labels: Sequence[str]) -> Relabelled:
    """Take labels off; the effects tell where each stood."""
    effects: list[Effect] = []
    for label in labels:
        by_position: defaultdict[int, list[int]] = defaultdict(list)
        for image_id, position in await store_batch.delete_label(conn, image_ids, label):
            by_position[position].append(image_id)
        effects += [
            Effect("unlabelled", tuple(ids), label=label, position=position) for position, ids in by_position.items()
        ]
    return await _relabelled(conn, effects, ())


async def _relabelled(conn: Connection, effects: Sequence[Effect], full: tuple[int, ...]) -> Relabelled:
    done = tuple(sorted({image_id for effect in effects for image_id in effect.image_ids}))
    if done:
        await store_batch.set_documents(conn, done)
    return Relabelled(done, full, tuple(effects))
