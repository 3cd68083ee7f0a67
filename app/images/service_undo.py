"""Undo: what a step changed is turned back, by the one who took it, as far as it is still theirs to change."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec

from app.accounts.records import Viewer
from app.collections import service as collections
from app.core import changes
from app.core.changes import Change
from app.core.database import Connection, Database
from app.core.errors import Conflict, NotAllowed, NotFound, SignInNeeded
from app.images import (
    service_labels,
    service_standings,
    service_trash,
    store_adding,
    store_batch,
    store_undo,
    store_writes,
)
from app.images.records_batch import Effect

KEPT_DAYS = 1


def trashing(image_ids: Sequence[int]) -> tuple[Effect, ...]:
    """What moving these pictures to the trash changed."""
    return (Effect("trashed", tuple(image_ids)),) if image_ids else ()


async def keep(conn: Connection, viewer: Viewer, effects: Sequence[Effect]) -> UUID | None:
    """Keep what a step has changed for a day; None where that is nothing."""
    if viewer.account_id is None or not effects:
        return None
    undo_id = uuid4()
    await store_undo.insert(conn, undo_id, viewer.account_id, [msgspec.to_builtins(one) for one in effects], KEPT_DAYS)
    return undo_id


async def undo(db: Database, viewer: Viewer, undo_id: UUID) -> int:
    """Turn a step of the viewer's own back; returns for how many pictures. Once: a second time raises NotFound.

    What others have changed since stays as they left it. A collection that the viewer no longer edits is not touched.
    """
    if viewer.account_id is None:
        raise SignInNeeded("sign in to undo what you did")
    async with db.transaction() as conn:
        kept = await store_undo.take(conn, viewer.account_id, undo_id, KEPT_DAYS)
        if kept is None:
            raise NotFound("this was undone already, or is too long ago to be undone")
        effects = [_effect(one) for one in kept]
        everything = sorted({image_id for effect in effects for image_id in effect.image_ids})
        await store_batch.lock_images(conn, everything)
        log: list[Change] = []
        for effect in reversed(effects):
            log += await _turn_back(conn, viewer, effect)
        await changes.append(conn, log)
    return len({change.image_id for change in log})


async def _turn_back(conn: Connection, viewer: Viewer, effect: Effect) -> list[Change]:
    if effect.kind == "trashed":
        return await _restore(conn, viewer, effect.image_ids)
    if effect.kind in ("joined", "left"):
        return await _put_back(conn, viewer, effect)
    rights = await store_batch.list_rights(conn, viewer, effect.image_ids)
    if effect.kind == "restored":
        trashed = await store_batch.trash(conn, [one.image_id for one in rights if one.owns])
        return [Change("retracted", image_id) for image_id in trashed]
    edited = [one.image_id for one in rights if one.edits]
    if effect.kind == "relabelled":
        return await _label_back(conn, edited, effect)
    label = effect.label or ""
    if effect.kind == "labelled":
        done = (await service_labels.take_off(conn, edited, [label])).done
    else:
        done = tuple(await store_batch.insert_label(conn, edited, label, effect.position))
        await store_batch.set_documents(conn, done)
    return [Change("labelled", image_id) for image_id in done]


async def _restore(conn: Connection, viewer: Viewer, image_ids: Sequence[int]) -> list[Change]:
    restored = await service_trash.restore(conn, viewer, image_ids)
    if restored.stuck:
        raise Conflict(f"the same picture stands in {collections.OWN_DEFAULT} already")
    return list(restored.log)


async def _put_back(conn: Connection, viewer: Viewer, effect: Effect) -> list[Change]:
    try:
        collection = await collections.resolve(conn, viewer, effect.collection_id or 0, at_least="editor")
    except (NotFound, NotAllowed):
        return []
    if effect.kind == "joined":
        return (await service_standings.take_out(conn, collection.id, effect.image_ids)).log
    # Where they stood before: nobody's leave is needed anew, and the viewer may not see them meanwhile.
    joined = await store_adding.insert_standings(conn, collection.id, effect.image_ids)
    return [Change("joined", image_id, collection.id) for image_id in joined]


async def _label_back(conn: Connection, edited: Sequence[int], effect: Effect) -> list[Change]:
    log: list[Change] = []
    for image_id in edited:
        if tuple(await store_batch.list_labels(conn, image_id)) == effect.labels_after:
            await store_writes.set_labels(conn, image_id, effect.labels_before)
            log.append(Change("labelled", image_id))
    return log


def _effect(kept: dict[str, Any]) -> Effect:
    return msgspec.convert(kept, Effect)
