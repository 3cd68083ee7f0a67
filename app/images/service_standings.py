"""Where pictures stand: they come into a collection, leave one, and go from one to another.

Each verb works inside its caller's transaction, on pictures that the caller has locked. A picture always stands
somewhere that its owner sees: the last such place is not left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.changes import Change
from app.core.database import Connection
from app.images import store_adding, store_standings
from app.images.records_batch import BatchRights, Effect


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of pictures: ids that changed, that were so already, that would stand nowhere. Others may not."""

    done: tuple[int, ...] = ()
    unchanged: tuple[int, ...] = ()
    last_place: tuple[int, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def log(self) -> list[Change]:
        """What the log must be told."""
        return [
            Change(effect.kind, image_id, effect.collection_id)
            for effect in self.effects
            if effect.kind in ("joined", "left")
            for image_id in effect.image_ids
        ]


async def put(conn: Connection, collection_id: int, rights: Sequence[BatchRights]) -> Moved:
    """Put pictures into a collection that the viewer edits.

    One's own may go into any; somebody else's that one may edit only where its owner sees it, and not before
    everybody's eyes. Raises NotFound where the collection was deleted meanwhile.
    """
    await store_adding.lock_collection(conn, collection_id)
    edited = [one.image_id for one in rights if one.edits and not one.owns]
    admissible = await store_standings.list_admissible(conn, collection_id, edited) if edited else []
    allowed = [one.image_id for one in rights if one.owns] + admissible
    joined = await store_adding.insert_standings(conn, collection_id, allowed)
    return Moved(
        done=tuple(joined),
        unchanged=_without(allowed, joined),
        effects=(Effect("joined", tuple(joined), collection_id),) if joined else (),
    )


async def take_out(conn: Connection, collection_id: int, image_ids: Sequence[int]) -> Moved:
    """Take pictures out of a collection that the viewer edits, but for those that would stand nowhere."""
    standing = await store_standings.list_standing(conn, collection_id, image_ids)
    left = await store_standings.delete_spare(conn, collection_id, standing)
    return Moved(
        done=tuple(left),
        unchanged=_without(image_ids, standing),
        last_place=_without(standing, left),
        effects=(Effect("left", tuple(left), collection_id),) if left else (),
    )


async def move(conn: Connection, source_id: int, target_id: int, rights: Sequence[BatchRights]) -> Moved:
    """From one collection into another; both are the viewer's to edit.

    What cannot come into the target stays in the source: also where the target holds the same bytes as another's.
    """
    ids = [one.image_id for one in rights]
    standing = set(await store_standings.list_standing(conn, source_id, ids))
    came = await put(conn, target_id, [one for one in rights if one.image_id in standing])
    arrived = await store_standings.list_standing(conn, target_id, came.done + came.unchanged)
    left = await take_out(conn, source_id, arrived)
    return Moved(
        done=left.done,
        unchanged=_without(ids, [*standing]) + _without(came.unchanged, left.done),
        last_place=left.last_place,
        effects=came.effects + left.effects,
    )


def _without(ids: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    gone = set(others)
    return tuple(image_id for image_id in ids if image_id not in gone)
