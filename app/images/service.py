"""The verbs of pictures: look, describe, trash, restore, purge."""

from dataclasses import dataclass
from uuid import UUID

from app.accounts.records import Viewer
from app.collections import service as collections
from app.core import changes
from app.core.blobs import BlobStore
from app.core.changes import Change
from app.core.database import Database
from app.core.errors import Conflict, Invalid, NotAllowed, SignInNeeded
from app.images import service_trash, service_undo, store, store_adding, store_batch, store_copies, store_writes
from app.images.records import Filters, Image, Order, Origin, Region, Rights, Standing
from app.images.records_batch import Effect
from app.images.service_order import read_cursor, write_cursor

PAGE_SIZE = 60
MAX_PAGE_SIZE = 500
MAX_LABELS = 50
LABEL_LENGTH = 120
CAPTION_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class ImagePage:
    """One page of a list of pictures, with the cursor of the next (None: the end)."""

    images: list[Image]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that a picture's own page tells."""

    image: Image
    regions: list[Region]
    rights: Rights
    standings: list[Standing]
    newer_id: int | None
    older_id: int | None
    origin: Origin | None


async def list_images(
    db: Database,
    viewer: Viewer,
    filters: Filters,
    *,
    order: Order = "newest",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> ImagePage:
    """Visible pictures in an order. Raises Invalid for a limit outside 1 to 500, or a cursor of something else."""
    if not 1 <= limit <= MAX_PAGE_SIZE:
        raise Invalid(f"limit goes from 1 to {MAX_PAGE_SIZE}")
    mark = read_cursor(order, cursor)
    async with db.transaction() as conn:
        images = await store.list_page(conn, viewer, filters, order, mark, limit + 1)
    return _page(images, limit, order)


async def list_trash(db: Database, viewer: Viewer, *, cursor: int | None = None) -> ImagePage:
    """The viewer's own trash, newest first."""
    if viewer.account_id is None:
        raise SignInNeeded("the trash belongs to somebody")
    async with db.transaction() as conn:
        images = await store.list_trash(conn, viewer.account_id, cursor, PAGE_SIZE + 1)
    return _page(images, PAGE_SIZE)


async def get_visible(db: Database, viewer: Viewer, image_id: int) -> Image:
    """One picture. Raises NotFound."""
    async with db.transaction() as conn:
        return await store.get_visible(conn, viewer, image_id)


async def get_described(db: Database, viewer: Viewer, image_id: int) -> tuple[Image, list[Region]]:
    """One picture, with what is known to be where in it. Raises NotFound."""
    async with db.transaction() as conn:
        return await store.get_visible(conn, viewer, image_id), await store.list_regions(conn, image_id)


async def get_bytes_of(db: Database, viewer: Viewer, image_id: int) -> Image:
    """The picture whose bytes a viewer may have: a visible one, or one's own in the trash. Raises NotFound."""
    async with db.transaction() as conn:
        found = await store.list_visible(conn, viewer, [image_id])
        return found[0] if found else await store.get_own(conn, viewer.account_id, image_id)


async def show(db: Database, viewer: Viewer, image_id: int) -> Picture:
    """What a picture's page tells: a visible picture, or one's own in the trash. Raises NotFound."""
    image = await get_bytes_of(db, viewer, image_id)
    async with db.transaction() as conn:
        own = image.owner_id == viewer.account_id
        can_edit = own or await store.may_edit(conn, viewer, image_id)
        regions = await store.list_regions(conn, image_id)
        newer, older = await store.find_neighbours(conn, viewer, image_id)
        standings = await store.list_standings(conn, viewer, [image_id])
        # An import's name and its paths are its owner's.
        origin = await store_copies.find_origin(conn, image_id) if own else None
    return Picture(image, regions, Rights(can_edit and image.trashed_at is None, own), standings, newer, older, origin)


async def describe(
    db: Database, viewer: Viewer, image_id: int, *, caption: str | None = None, labels: list[str] | None = None
) -> UUID | None:
    """Change a picture's words, but for those that are None; its owner and the editors of its collections may.

    Returns how to undo the change of its labels, if they changed.
    """
    caption = None if caption is None else clean_caption(caption)
    labels = None if labels is None else clean_labels(labels)
    async with db.transaction() as conn:
        image = await store.get_visible(conn, viewer, image_id)
        if image.owner_id != viewer.account_id and not await store.may_edit(conn, viewer, image_id):
            raise NotAllowed("only its owner and editors of its collections may change a picture's words")
        if caption is not None:
            await store_writes.set_caption(conn, image_id, caption)
        if labels is None or labels == image.labels:
            return None
        await store_writes.set_labels(conn, image_id, labels)
        relabelled = Effect("relabelled", (image_id,), labels_before=tuple(image.labels), labels_after=tuple(labels))
        undo_id = await service_undo.keep(conn, viewer, [relabelled])
        await changes.append(conn, [Change("labelled", image_id)])
        return undo_id


def clean_caption(caption: str) -> str:
    """A caption as it is stored. Raises Invalid."""
    caption = caption.strip()
    if len(caption) > CAPTION_LENGTH:
        raise Invalid(f"a caption has at most {CAPTION_LENGTH} characters")
    return caption


def clean_labels(labels: list[str] | tuple[str, ...]) -> list[str]:
    """Labels as they are stored: trimmed, without repetition, in order. Raises Invalid."""
    cleaned = list(dict.fromkeys(" ".join(label.split()) for label in labels if label.strip()))
    if len(cleaned) > MAX_LABELS:
        raise Invalid(f"a picture has at most {MAX_LABELS} labels")
    if any(len(label) > LABEL_LENGTH for label in cleaned):
        raise Invalid(f"a label has at most {LABEL_LENGTH} characters")
    return cleaned


async def trash(db: Database, viewer: Viewer, image_id: int) -> UUID | None:
    """Move one's own picture to the trash: it leaves search, lists and bytes at once. Returns how to undo it."""
    async with db.transaction() as conn:
        image = await store.get_visible(conn, viewer, image_id)
        if image.owner_id != viewer.account_id:
            raise NotAllowed("only its owner may move a picture to the trash")
        if not await store_writes.set_trashed(conn, image_id, trashed=True):
            return None
        undo_id = await service_undo.keep(conn, viewer, service_undo.trashing([image_id]))
        await changes.append(conn, [Change("retracted", image_id)])
        return undo_id


async def restore(db: Database, viewer: Viewer, image_id: int) -> None:
    """Take one's own picture out of the trash. One that stands nowhere any more goes to "My pictures"."""
    async with db.transaction() as conn:
        await store.get_own(conn, viewer.account_id, image_id)
        await store_batch.lock_images(conn, [image_id])
        restored = await service_trash.restore(conn, viewer, [image_id])
        if restored.stuck:
            raise Conflict(f"the same picture stands in {collections.OWN_DEFAULT} already")
        await changes.append(conn, restored.log)


async def purge(db: Database, blobs: BlobStore, viewer: Viewer, image_id: int) -> None:
    """Erase one's own trashed picture for good, with its vectors and, when nobody else needs it, its file."""
    async with db.transaction() as conn:
        image = await store.get_own(conn, viewer.account_id, image_id)
        if image.trashed_at is None:
            raise Conflict("only a picture in the trash can be erased")
    await _erase(db, blobs, image.id, image.digest)


async def purge_expired(db: Database, blobs: BlobStore, days: int) -> int:
    """Erase what has been in the trash for longer than `days`. Returns how many."""
    erased = 0
    while True:
        async with db.transaction() as conn:
            expired = await store_writes.list_expired(conn, days, 100)
        if not expired:
            return erased
        for image_id, digest in expired:
            await _erase(db, blobs, image_id, digest)
            erased += 1


async def delete_collection(db: Database, viewer: Viewer, ref: str | int) -> int:
    """Delete a collection; its owners may. Pictures that stand nowhere else go to their owners' trash.

    Returns how many pictures went to the trash.
    """
    async with db.transaction() as conn:
        collection = await collections.resolve(conn, viewer, ref, at_least="owner")
        standing = await store_writes.list_in_collection(conn, collection.id)
        await store_writes.delete_collection(conn, collection.id)
        log = [Change("left", image_id, collection.id) for image_id, _ in standing]
        trashed = 0
        for image_id, nowhere_else in standing:
            if nowhere_else and await store_writes.set_trashed(conn, image_id, trashed=True):
                log.append(Change("retracted", image_id))
                trashed += 1
        await changes.append(conn, log)
    return trashed


async def _erase(db: Database, blobs: BlobStore, image_id: int, digest: bytes) -> None:
    async with db.transaction() as conn:
        await store_writes.delete_image(conn, image_id)
        await changes.append(conn, [Change("retracted", image_id)])
    async with db.transaction() as conn:
        # Under the digest's lock: somebody may be storing the same bytes at this moment.
        await store_adding.lock_digests(conn, [digest])
        if not await store_writes.has_digest(conn, digest):
            blobs.remove(digest)


def _page(images: list[Image], limit: int, order: Order = "newest") -> ImagePage:
    more = len(images) > limit
    return ImagePage(images[:limit], write_cursor(order, images[limit - 1]) if more else None)


async def list_by_ids(db: Database, viewer: Viewer, image_ids: list[int]) -> list[Image]:
    """Those of these pictures that the viewer may see, in the given order."""
    async with db.transaction() as conn:
        return await store.list_visible(conn, viewer, image_ids)


async def list_of_import(db: Database, viewer: Viewer, import_id: int, limit: int) -> list[Image]:
    """Some of the pictures that an import brought: those that the viewer may see, newest first."""
    async with db.transaction() as conn:
        return await store.list_of_import(conn, viewer, import_id, limit)
