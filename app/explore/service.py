"""The verbs of proposed labels: group a collection's pictures, look, accept a group, drop it, open it again."""

import math
from dataclasses import dataclass

from app.accounts.records import Viewer
from app.accounts.service import require_account
from app.collections import service as collections
from app.collections.records import Collection
from app.core import changes, jobs
from app.core.changes import Change
from app.core.database import Connection, Database
from app.core.errors import Conflict, Invalid
from app.core.queue import enqueue
from app.embedding import service as embedding
from app.explore import store
from app.explore.records import Accepted, Group, Grouping, Ready
from app.images import service as images
from app.images import service_labels, service_undo, store_batch

RUN_TASK = "explore:propose"
LOCK = "propose"
MAX_PICTURES = 20_000
"""The newest are grouped: 20,000 of 2,480 numbers into 50 groups took 8 s on one core, and 330 MB."""
LEAST_GROUPS, DEFAULT_MOST, MAX_GROUPS = 2, 50, 100
COVERS = 6
MAX_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be asked for of a collection: `usable` pictures into up to `most` groups, `usual` of them unless told.

    Where there are too few pictures `most` is less than LEAST_GROUPS.
    """

    ready: Ready
    usable: int
    usual: int
    most: int


@dataclass(frozen=True, slots=True)
class Proposals:
    """A collection's grouping, if there is one, with its job and groups."""

    collection: Collection
    limits: Limits
    grouping: Grouping | None
    job: jobs.Job | None
    groups: list[Group]


async def begin(db: Database, viewer: Viewer, ref: str | int, *, groups: int | None = None, seed: int = 0) -> None:
    """Queue a grouping of a collection; it takes the place of the one that is there. Its editors may.

    Raises SignInNeeded, NotFound, NotAllowed, Invalid, and Conflict where too few pictures are embedded.
    """
    account_id = require_account(viewer)
    model_id = await _active_id(db)
    async with db.transaction() as conn:
        collection = await collections.resolve(conn, viewer, ref, at_least="editor")
        limits = limits_of(await store.count_ready(conn, collection.id, model_id))
        if limits.most < LEAST_GROUPS:
            raise Conflict(
                f"{limits.usable} of its pictures are embedded: grouping takes at least {LEAST_GROUPS}",
                hint="add pictures, or wait until they are embedded",
            )
        groups = limits.usual if groups is None else groups
        if not LEAST_GROUPS <= groups <= limits.most:
            raise Invalid(f"these pictures can be {LEAST_GROUPS} to {limits.most} groups")
        if not 0 <= seed <= MAX_SEED:
            raise Invalid(f"a seed is from 0 to {MAX_SEED}")
        await store.lock_collection(conn, collection.id)
        if before := await store.find_grouping(conn, collection.id):
            await jobs.request_cancel(conn, before.job_id)
        job_id = await jobs.create(conn, "propose", f"Suggest labels in {collection.name}")
        made = await store.replace_grouping(conn, collection.id, account_id, job_id, groups, seed)
        await enqueue(conn, RUN_TASK, lock=LOCK, grouping_id=made, job_id=job_id)


async def look(db: Database, viewer: Viewer, ref: str | int) -> Proposals:
    """What is proposed for a collection; its editors may know. Raises NotFound, NotAllowed."""
    model_id = await _active_id(db)
    async with db.transaction() as conn:
        collection = await collections.resolve(conn, viewer, ref, at_least="editor")
        limits = limits_of(await store.count_ready(conn, collection.id, model_id))
        grouping = await store.find_grouping(conn, collection.id)
        job = await jobs.get(conn, grouping.job_id) if grouping else None
        return Proposals(collection, limits, grouping, job, await store.list_groups(conn, collection.id, COVERS))


async def accept(db: Database, viewer: Viewer, ref: str | int, group_id: int, name: str | None = None) -> Accepted:
    """Give a group's pictures its name as a label, or another one. Raises NotFound, NotAllowed, Invalid, Conflict.

    Pictures that have left the collection since, or lie in the trash, are left alone.
    """
    async with db.transaction() as conn:
        collection = await collections.resolve(conn, viewer, ref, at_least="editor")
        _, proposed = await store.lock_state(conn, collection.id, group_id)
    labels = images.clean_labels([proposed if name is None else name])
    if not labels:
        raise Invalid("name the label")
    await service_labels.make_known(db, labels)
    async with db.transaction() as conn:
        collection = await collections.resolve(conn, viewer, ref, at_least="editor")
        # Pictures and collection first, as all steps on pictures lock them; what has left meanwhile is out by then.
        await store_batch.lock_images(conn, await store.list_members(conn, collection.id, group_id))
        await _open(conn, collection.id, group_id)
        ids = await store.list_members(conn, collection.id, group_id)
        change = await service_labels.add(conn, ids, labels, images.MAX_LABELS)
        undo_id = await service_undo.keep(conn, viewer, change.effects)
        await changes.append(conn, [Change("labelled", image_id) for image_id in change.done])
        await store.set_state(conn, group_id, "accepted", labels[0])
    unchanged = len(ids) - len(change.done) - len(change.full)
    return Accepted(labels[0], len(change.done), unchanged, len(change.full), undo_id)


async def drop(db: Database, viewer: Viewer, ref: str | int, group_id: int) -> None:
    """Propose a group no longer. Raises NotFound, NotAllowed, Conflict."""
    async with db.transaction() as conn:
        collection = await collections.resolve(conn, viewer, ref, at_least="editor")
        name = await _open(conn, collection.id, group_id)
        await store.set_state(conn, group_id, "dropped", name)


async def reopen(db: Database, viewer: Viewer, ref: str | int, group_id: int) -> None:
    """Propose a group once more; labels that it gave stay. Raises NotFound, NotAllowed."""
    async with db.transaction() as conn:
        collection = await collections.resolve(conn, viewer, ref, at_least="editor")
        _, name = await store.lock_state(conn, collection.id, group_id)
        await store.set_state(conn, group_id, "open", name)


def limits_of(ready: Ready) -> Limits:
    """What may be asked for: the usual number of groups is the root of half the pictures (Mardia et al. 1979)."""
    usable = min(ready.embedded, MAX_PICTURES)
    most = min(usable, MAX_GROUPS)
    usual = min(max(round(math.sqrt(usable / 2)), LEAST_GROUPS), DEFAULT_MOST)
    return Limits(ready, usable, usual, most)


async def _active_id(db: Database) -> int:
    """The model in force; 0, which has embedded nothing, before there is one."""
    model = await embedding.active_model(db)
    return model.id if model else 0


async def _open(conn: Connection, collection_id: int, group_id: int) -> str:
    state, name = await store.lock_state(conn, collection_id, group_id)
    if state != "open":
        raise Conflict(f"this group was {state} already")
    return name
