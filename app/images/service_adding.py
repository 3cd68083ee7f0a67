"""How pictures come to stand in a collection: many at a time, each set of bytes once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.accounts import service_usage
from app.accounts.records import Quota
from app.core.changes import Change
from app.core.database import Connection
from app.images import store_adding, store_writes
from app.images.records import Added, Description, NewImage


@dataclass(frozen=True, slots=True)
class Place:
    """Whose the new pictures are, where they stand, and the import that brings them, if any."""

    owner_id: int
    collection_id: int
    import_id: int | None = None


async def find_standing(conn: Connection, collection_id: int, digests: Sequence[bytes]) -> dict[bytes, int]:
    """Those of these bytes that stand in the collection already, with their pictures' ids."""
    found = await store_adding.list_in_collection(conn, collection_id, digests)
    return {digest: one.image_id for digest, one in found.items() if not one.is_trashed}


async def admit(conn: Connection, place: Place, new: Sequence[NewImage], quota: Quota) -> dict[bytes, Added]:
    """What will become of each, by digest: those that stand in the collection already, and those over the quota.

    What is not in the answer may be added. Until the end of the transaction nobody else adds or erases the same
    bytes, or adds to what the owner keeps.
    """
    digests = [one.digest for one in new]
    await store_adding.lock_collection(conn, place.collection_id)
    await store_adding.lock_digests(conn, digests)
    standing = await find_standing(conn, place.collection_id, digests)
    settled = {digest: Added(image_id, is_new=False) for digest, image_id in standing.items()}
    own = await store_adding.list_own(conn, place.owner_id, digests)
    fresh = [one for one in new if one.digest not in settled and one.digest not in own]
    if not fresh:
        return settled
    usage = await service_usage.lock_usage(conn, place.owner_id, quota)
    files, size_bytes, full = 0, 0, False
    for one in fresh:
        if not full and usage.has_room(files + 1, size_bytes + one.size_bytes):
            files, size_bytes = files + 1, size_bytes + one.size_bytes
        else:
            settled[one.digest] = Added(None, is_new=False)
            full = place.import_id is not None  # an import stops there; of a few files the smaller ones may fit
    return settled


async def add(conn: Connection, place: Place, new: Sequence[NewImage]) -> tuple[dict[bytes, Added], list[Change]]:
    """Put pictures that `admit` let pass into a collection: what became of each, and what the log must be told.

    Every digest once. The caller appends to the log last: its lock is held to the end of the transaction. Bytes that
    lie in the owner's trash come back out of it; those that somebody else has trashed give way.
    """
    digests = [one.digest for one in new]
    own = await store_adding.list_own(conn, place.owner_id, digests)
    unknown = [one for one in new if one.digest not in own]
    made = await store_adding.insert_images(conn, place.owner_id, place.import_id, unknown) if unknown else {}
    ids = own | made
    log = [Change("restored", image_id) for image_id in await store_adding.restore(conn, list(own.values()))]
    trashed = await store_adding.list_in_collection(conn, place.collection_id, digests)
    giving_way = [one.image_id for digest, one in trashed.items() if one.image_id != ids[digest]]
    await store_adding.delete_standings(conn, place.collection_id, giving_way)
    log.extend(Change("left", image_id, place.collection_id) for image_id in giving_way)
    joined = await store_adding.insert_standings(conn, place.collection_id, list(ids.values()))
    log.extend(Change("joined", image_id, place.collection_id) for image_id in joined)
    return {digest: Added(image_id, is_new=True) for digest, image_id in ids.items()}, log


async def fill_in(conn: Connection, owner_id: int, told: Mapping[int, Description]) -> list[Change]:
    """Give pictures of the owner's that are here already what is told of them and they lack; nothing is replaced.

    So labels can be brought behind pictures. The names of the labels must be known. Returns what the log must be told.
    """
    log: list[Change] = []
    lacking = await store_adding.list_undescribed(conn, owner_id, list(told)) if told else []
    for one in lacking:
        description = told[one.image_id]
        if one.split and description.split:
            await store_adding.set_split(conn, one.image_id, description.split)
        if one.regions and description.regions:
            await store_adding.copy_regions(conn, {one.image_id: description.regions})
        if one.captions and description.captions:
            await store_adding.set_captions(conn, one.image_id, description.captions)
            await store_writes.set_document(conn, one.image_id)
        if one.labels and description.labels:
            await store_writes.set_labels(conn, one.image_id, description.labels)
            log.append(Change("labelled", one.image_id))
    return log
