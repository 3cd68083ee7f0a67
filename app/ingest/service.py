"""The one way in: items are decoded in children, stored by digest, and queued for embedding."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import changes
from app.core.blobs import THUMBNAIL_WIDTHS, BlobStore
from app.core.changes import Change
from app.core.database import Database
from app.core.queue import enqueue
from app.images import service as images
from app.images import store_writes
from app.images.records import NewImage
from app.ingest.records import Outcome
from ml.datasets.items import Item
from ml.decoder import Decoder, Inspected
from ml.images import PictureRefused

BATCH = 16
BATCH_BYTES = 64 * 1024 * 1024
EMBED_TASK = "embedding:embed"
EMBED_LOCK = "embed"


@dataclass(frozen=True, slots=True)
class Intake:
    """Where pictures go and what they pass through."""

    db: Database
    blobs: BlobStore
    decoder: Decoder
    workers: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class _Read:
    item: Item
    data: bytes
    inspected: asyncio.Future[Inspected]


@dataclass(frozen=True, slots=True)
class _Decoded:
    item: Item
    data: bytes
    inspected: Inspected


async def resolve_target(db: Database, viewer: Viewer, collection: str | int | None, new_name: str = "") -> Collection:
    """The collection that uploads go to: a new one by name, a chosen one that the viewer may edit, or the default."""
    async with db.transaction() as conn:
        if new_name.strip():
            return await collections.ensure(conn, viewer, new_name)
        if collection in (None, ""):
            return await collections.ensure(conn, viewer, collections.OWN_DEFAULT)
        return await collections.resolve(conn, viewer, collection, at_least="editor")


async def add_items(intake: Intake, owner_id: int, collection_id: int, items: Iterable[Item]) -> AsyncIterator[Outcome]:
    """Take pictures in, yielding what became of each, in order.

    A bad file costs itself only. Each batch is one commit of rows, log and embed job, so what was yielded is
    kept whatever happens next, and a second run finds it as existing. Raises DiskFull.
    """
    source = iter(items)
    window: deque[_Read | Outcome] = deque()
    ready: list[_Decoded | Outcome] = []
    exhausted = False
    while not exhausted or window or ready:
        while not exhausted and len(window) < 2 * intake.workers + 2:
            entry = await _read_next(intake, source)
            if entry is None:
                exhausted = True
            else:
                window.append(entry)
        if window:
            ready.append(await _settle(window.popleft()))
        held = sum(len(one.data) for one in ready if isinstance(one, _Decoded))
        if ready and (not window or len(ready) >= BATCH or held >= BATCH_BYTES):
            for outcome in await _store(intake, owner_id, collection_id, ready):
                yield outcome
            ready = []


def clean_filename(name: str) -> str:
    """A file's own name without its folders and control characters; it is data, never a path."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(character for character in name if character.isprintable()).strip()
    return name[-255:] or "picture"


async def _read_next(intake: Intake, source: Iterator[Item]) -> _Read | Outcome | None:
    item = await asyncio.to_thread(next, source, None)
    if item is None:
        return None
    try:
        data = await asyncio.to_thread(_read_limited, item, intake.max_bytes)
        future = intake.decoder.submit_inspect(data, THUMBNAIL_WIDTHS)
    except OSError as error:
        return Outcome(item.source, reason=f"cannot be read: {error.strerror or error}")
    except PictureRefused as refused:
        return Outcome(item.source, reason=refused.reason)
    return _Read(item, data, asyncio.wrap_future(future))


def _read_limited(item: Item, max_bytes: int) -> bytes:
    size = len(item.content) if isinstance(item.content, bytes) else item.content.stat().st_size
    if size > max_bytes:
        raise PictureRefused(f"larger than {max_bytes // (1024 * 1024)} MiB, the limit for one file")
    return item.read()


async def _settle(entry: _Read | Outcome) -> _Decoded | Outcome:
    if isinstance(entry, Outcome):
        return entry
    try:
        return _Decoded(entry.item, entry.data, await entry.inspected)
    except PictureRefused as refused:
        return Outcome(entry.item.source, reason=refused.reason)


async def _store(intake: Intake, owner_id: int, collection_id: int, batch: list[_Decoded | Outcome]) -> list[Outcome]:
    decoded = [one for one in batch if isinstance(one, _Decoded)]
    labels = {label for one in decoded for label in images.clean_labels(one.item.labels)}
    if labels:
        async with intake.db.transaction() as conn:
            await store_writes.ensure_labels(conn, sorted(labels))
    outcomes: list[Outcome] = []
    log: list[Change] = []
    async with intake.db.transaction() as conn:
        await store_writes.lock_digests(conn, [one.inspected.digest for one in decoded])
        for one in batch:
            if isinstance(one, Outcome):
                outcomes.append(one)
                continue
            # The file before its row: an orphan file is harmless, a missing one is not.
            await asyncio.to_thread(intake.blobs.put, one.inspected.digest, one.data, one.inspected.thumbnails)
            image_id, is_new, changed = await images.add(conn, owner_id, collection_id, _new_image(one))
            log.extend(changed)
            outcomes.append(Outcome(one.item.source, image_id=image_id, is_new=is_new))
        if any(outcome.is_new for outcome in outcomes):
            await enqueue(conn, EMBED_TASK, queueing_lock=EMBED_LOCK)
        await changes.append(conn, log)
    return outcomes


def _new_image(one: _Decoded) -> NewImage:
    return NewImage(
        digest=one.inspected.digest,
        perceptual_hash=one.inspected.perceptual_hash,
        filename=clean_filename(one.item.name),
        source="".join(character for character in one.item.source if character.isprintable())[-1000:],
        caption=one.item.caption[: images.CAPTION_LENGTH],
        labels=one.item.labels,
        format=one.inspected.format,
        width=one.inspected.width,
        height=one.inspected.height,
        size_bytes=len(one.data),
    )
