"""One step on many pictures: every id is checked, and all that may be done is done in one transaction."""

from collections.abc import Sequence

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import changes
from app.core.changes import Change
from app.core.database import Connection, Database
from app.core.errors import Invalid, SignInNeeded
from app.images import service, service_labels, service_standings, service_trash, service_undo, store, store_batch
from app.images.records import Image
from app.images.records_batch import Batch, BatchRights, Effect, Outcome
from app.images.service_standings import Moved
from app.images.service_trash import Restored

MAX_BATCH = 1000
MAX_DOWNLOAD = 2000
MAX_ID = store.MAX_ID


async def run(db: Database, viewer: Viewer, batch: Batch) -> Outcome:
    """Do it, and keep how to undo it.

    Raises SignInNeeded, Invalid for a step that lacks something, NotFound and NotAllowed for a collection that the
    viewer does not see or edit. A picture that is not theirs to change is counted, as a missing one is.
    """
    if viewer.account_id is None:
        raise SignInNeeded("sign in to change pictures")
    ids = check_ids(batch.image_ids, MAX_BATCH)
    labels = _labels(batch)
    await service_labels.make_known(db, labels if batch.action == "label" else ())
    async with db.transaction() as conn:
        source = (
            await _edited(conn, viewer, batch.source, "take out of") if batch.action in ("move", "remove") else None
        )
        target = await _edited(conn, viewer, batch.target, "put into") if batch.action in ("add", "move") else None
        await store_batch.lock_images(conn, ids)
        rights = await store_batch.list_rights(conn, viewer, ids)
        log: list[Change] = []
        if source is not None or target is not None:
            moved = await _stand(conn, source, target, rights)
            log, full = moved.log, ()
        elif batch.action == "trash":
            moved, full = await _trash(conn, rights), ()
            log = [Change("retracted", image_id) for image_id in moved.done]
        elif batch.action == "restore":
            restored = await service_trash.restore(conn, viewer, ids)
            moved, full = _restored(restored, rights), ()
            log = list(restored.log)
        else:
            moved, full = await _relabel(conn, batch, labels, rights)
            log = [Change("labelled", image_id) for image_id in moved.done]
        undo_id = await service_undo.keep(conn, viewer, moved.effects)
        await changes.append(conn, log)
    accounted = {*moved.done, *moved.unchanged, *moved.last_place, *full}
    return Outcome(
        action=batch.action,
        done=len(moved.done),
        unchanged=len(moved.unchanged),
        not_allowed=len(set(ids) - accounted),
        last_place=len(moved.last_place),
        full=len(full),
        undo_id=undo_id,
        gone_ids=moved.done if batch.action in ("trash", "restore", "move", "remove") else (),
        collection=target.name if target else source.name if source else None,
    )


async def list_for_download(db: Database, viewer: Viewer, image_ids: Sequence[int]) -> list[Image]:
    """Those of at most 2,000 pictures that the viewer may have, in the order asked for. Raises Invalid."""
    return await service.list_by_ids(db, viewer, list(check_ids(image_ids, MAX_DOWNLOAD)))


def check_ids(image_ids: Sequence[int], most: int) -> tuple[int, ...]:
    """Each id once; those that no picture can have are as good as missing. Raises Invalid for none or too many."""
    ids = tuple(dict.fromkeys(image_ids))
    if not ids:
        raise Invalid("choose at least one picture")
    if len(ids) > most:
        raise Invalid(f"at most {most:,} pictures at once, and these are {len(ids):,}")
    if any(not 0 <= one <= MAX_ID for one in ids):
        raise Invalid("an id is a whole number")
    return ids


async def _edited(conn: Connection, viewer: Viewer, ref: str | None, what: str) -> Collection:
    if not ref:
        raise Invalid(f"name the collection to {what}")
    return await collections.resolve(conn, viewer, ref, at_least="editor")


def _labels(batch: Batch) -> list[str]:
    if batch.action not in ("label", "unlabel"):
        return []
    labels = service.clean_labels(batch.labels)
    if not labels:
        raise Invalid("name at least one label")
    return labels


async def _stand(
    conn: Connection, source: Collection | None, target: Collection | None, rights: Sequence[BatchRights]
) -> Moved:
    if source is None or target is None:
        if target is not None:
            return await service_standings.put(conn, target.id, rights)
        if source is not None:
            return await service_standings.take_out(conn, source.id, [one.image_id for one in rights])
        return Moved()
    if source.id == target.id:
        raise Invalid("these stand in that collection already: name another one")
    return await service_standings.move(conn, source.id, target.id, rights)


async def _trash(conn: Connection, rights: Sequence[BatchRights]) -> Moved:
    own = [one.image_id for one in rights if one.owns]
    trashed = tuple(await store_batch.trash(conn, own))
    return Moved(
        done=trashed,
        effects=service_undo.trashing(trashed),
    )


def _restored(restored: Restored, rights: Sequence[BatchRights]) -> Moved:
    """Of those that the viewer sees, their own were out of the trash before."""
    return Moved(
        done=restored.done,
        unchanged=restored.stuck + tuple(one.image_id for one in rights if one.owns),
        effects=(Effect("restored", restored.done),) if restored.done else (),
    )


async def _relabel(
    conn: Connection, batch: Batch, labels: Sequence[str], rights: Sequence[BatchRights]
) -> tuple[Moved, tuple[int, ...]]:
    edited = [one.image_id for one in rights if one.edits]
    if batch.action == "label":
        change = await service_labels.add(conn, edited, labels, service.MAX_LABELS)
    else:
        change = await service_labels.take_off(conn, edited, labels)
    done = set(change.done) | set(change.full)
    return Moved(
        done=change.done,
        unchanged=tuple(image_id for image_id in edited if image_id not in done),
        effects=change.effects,
    ), change.full
