"""The one way in: items are read, decoded in children and stored, each step ahead of the next."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.accounts.records import Quota
from app.accounts.service_usage import gallery_quota
from app.core import changes
from app.core.blobs import THUMBNAIL_WIDTHS, BlobStore
from app.core.database import Connection, Database
from app.core.queue import enqueue
from app.core.settings import Settings
from app.images import service_adding, service_families, store_writes
from app.images.records import Added, Description
from app.images.service_adding import Place
from app.ingest.description import clean_labels, describe, new_image
from app.ingest.records import Outcome
from app.ingest.spool import Spool
from ml.datasets.items import Flaw, Item, Pixels
from ml.decoder import Decoder, Inspected, digest_of
from ml.images import PictureRefused

BATCH = 64
"""Pictures a commit. Each has its files synced to the disk and its log entry behind one lock."""
BATCH_BYTES = 32 * 1024 * 1024
AHEAD = 2
"""Batches that are read and decoded while one is stored: what bounds memory, with the two above."""

EMBED_TASK = "embedding:embed"
EMBED_LOCK = "embed"
OVER_QUOTA = "your quota is reached: erase pictures you do not need (the trash counts, too), or ask for more room"

OnCommit = Callable[[Connection, Sequence[Outcome]], Awaitable[None]]
"""Told of each batch inside the transaction that stores it."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Where pictures go and what they pass through."""

    db: Database
    blobs: BlobStore
    spool: Spool
    decoder: Decoder
    max_bytes: int
    max_archive_bytes: int
    quota: Quota

    @classmethod
    def of(cls, settings: Settings, db: Database, blobs: BlobStore, decoder: Decoder) -> Self:
        """As the settings have it."""
        limits = (settings.max_upload_bytes, settings.max_archive_bytes, gallery_quota(settings))
        return cls(db, blobs, Spool(settings.spool_dir), decoder, *limits)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture with what decoding told of it. `original` is the file to keep."""

    item: Item
    original: bytes
    inspected: Inspected


@dataclass(frozen=True, slots=True)
class _Read:
    item: Item
    content: bytes | Pixels
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Decoding:
    read: _Read
    inspected: asyncio.Future[Inspected]


@dataclass(frozen=True, slots=True)
class _Known:
    """A picture that stands in the collection already: it is not decoded again."""

    item: Item
    image_id: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What was read at once, and what ended the source, if it ended."""

    entries: list[_Read | Outcome]
    is_last: bool
    error: Exception | None = None


async def add_items(
    intake: Intake,
    place: Place,
    items: Iterable[Item | Flaw],
    *,
    batch: int = BATCH,
    on_commit: OnCommit | None = None,
) -> AsyncGenerator[list[Outcome]]:
    """Take pictures in, yielding batch after batch what became of each, in order.

    A bad file costs itself only. Each batch is one commit of rows, log and embed job, so what was yielded is kept
    whatever happens next, and a second run finds it as existing, without decoding it. Raises DiskFull, and what the
    source raises (DataSetError when it breaks off) after all that was good.
    """
    coming: asyncio.Queue[list[_Decoding | _Known | Outcome] | None] = asyncio.Queue(AHEAD)
    reading = asyncio.create_task(_read_all(intake, place, iter(items), batch, coming))
    try:
        while (chunk := await coming.get()) is not None:
            yield await _store(intake, place, [await _settle(one) for one in chunk], on_commit)
        await reading
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):  # what ended it was raised above, if it matters
            await reading
        while not coming.empty():
            for one in coming.get_nowait() or ():
                if isinstance(one, _Decoding):
                    one.inspected.cancel()


async def _read_all(
    intake: Intake,
    place: Place,
    source: Iterator[Item | Flaw],
    batch: int,
    coming: asyncio.Queue[list[_Decoding | _Known | Outcome] | None],
) -> None:
    """Read and begin to decode, as far ahead as `coming` takes."""
    try:
        while True:
            chunk = await asyncio.to_thread(_read_chunk, source, batch, intake.max_bytes)
            if chunk.entries:
                await coming.put(await _begin(intake, place, chunk.entries))
            if chunk.error is not None:
                raise chunk.error
            if chunk.is_last:
                return
    finally:
        # Whoever cancels this does not ask for more.
        if not (task := asyncio.current_task()) or not task.cancelling():
            await coming.put(None)


def _read_chunk(source: Iterator[Item | Flaw], batch: int, max_bytes: int) -> _Chunk:
    entries: list[_Read | Outcome] = []
    size_bytes = 0
    try:
        while len(entries) < batch and size_bytes < BATCH_BYTES:
            item = next(source, None)
            if item is None:
                return _Chunk(entries, is_last=True)
            entry = _read(item, max_bytes)
            size_bytes += len(entry.content) if isinstance(entry, _Read) else 0
            entries.append(entry)
    except Exception as error:  # noqa: BLE001  # raised again, behind what was read before it
        return _Chunk(entries, is_last=True, error=error)
    return _Chunk(entries, is_last=False)


def _read(item: Item | Flaw, max_bytes: int) -> _Read | Outcome:
    if isinstance(item, Flaw):
        return Outcome(item.source, reason=item.reason)
    try:
        content = _content(item, max_bytes)
    except OSError as error:
        return Outcome(item.source, reason=f"cannot be read: {error.strerror or error}")
    except PictureRefused as refused:
        return Outcome(item.source, reason=refused.reason)
    return _Read(item, content, digest_of(content))


def _content(item: Item, max_bytes: int) -> bytes | Pixels:
    """A picture's bytes, or its pixels. Raises OSError, and PictureRefused for a file that is too large."""
    content = item.content
    if isinstance(content, bytes):
        size_bytes = len(content)
    elif callable(content):
        content = content()
        size_bytes = len(content)
    elif isinstance(content, Path):
        size_bytes = content.stat().st_size
        if size_bytes <= max_bytes:
            content = content.read_bytes()
    else:
        return content
    if size_bytes > max_bytes or not isinstance(content, bytes):
        raise PictureRefused(f"larger than {max_bytes // (1024 * 1024)} MiB, the limit for one file")
    return content


async def _begin(
    intake: Intake, place: Place, entries: Sequence[_Read | Outcome]
) -> list[_Decoding | _Known | Outcome]:
    """Decoding begins of what is not there yet."""
    digests = [one.digest for one in entries if isinstance(one, _Read)]
    async with intake.db.transaction() as conn:
        standing = await service_adding.find_standing(conn, place.collection_id, digests)
    here = {digest for digest in standing if intake.blobs.original(digest).is_file()}
    fresh = {one.digest: one.content for one in entries if isinstance(one, _Read) and one.digest not in here}
    futures = intake.decoder.submit_inspect_many(list(fresh.values()), THUMBNAIL_WIDTHS)
    begun = {digest: asyncio.wrap_future(future) for digest, future in zip(fresh, futures, strict=True)}
    chunk: list[_Decoding | _Known | Outcome] = []
    for one in entries:
        if isinstance(one, Outcome):
            chunk.append(one)
        elif one.digest in here:
            chunk.append(_Known(one.item, standing[one.digest]))
        else:
            chunk.append(_Decoding(one, begun[one.digest]))
    return chunk


async def _settle(entry: _Decoding | _Known | Outcome) -> Decoded | _Known | Outcome:
    if not isinstance(entry, _Decoding):
        return entry
    item, content = entry.read.item, entry.read.content
    try:
        inspected = await entry.inspected
    except PictureRefused as refused:
        return Outcome(item.source, reason=refused.reason)
    original = content if isinstance(content, bytes) else inspected.original
    if original is None:
        raise TypeError("pixels have no file of their own: the decoder makes one")
    return Decoded(item, original, inspected)


async def _store(
    intake: Intake, place: Place, batch: Sequence[Decoded | _Known | Outcome], on_commit: OnCommit | None
) -> list[Outcome]:
    decoded = {one.inspected.digest: one for one in batch if isinstance(one, Decoded)}
    new = {digest: new_image(one.item, one.inspected, len(one.original)) for digest, one in decoded.items()}
    names = {label for one in batch if not isinstance(one, Outcome) for label in clean_labels(one.item)}
    if names:
        async with intake.db.transaction() as conn:
            await store_writes.ensure_labels(conn, sorted(names))
    async with intake.db.transaction() as conn:
        ends = await service_adding.admit(conn, place, list(new.values()), intake.quota) if new else {}
        passing = [digest for digest in new if digest not in ends]
        # The files before their rows: an orphan file is harmless, a missing one is not.
        kept = [one for digest, one in decoded.items() if digest not in ends or ends[digest].image_id is not None]
        files = [(one.inspected.digest, one.original, one.inspected.thumbnails) for one in kept]
        await asyncio.to_thread(intake.blobs.put_all, files)
        added, log = await service_adding.add(conn, place, [new[digest] for digest in passing]) if passing else ({}, [])
        outcomes = _outcomes(batch, ends | added)
        log += await service_adding.fill_in(conn, place.owner_id, _told(batch, outcomes))
        if passing:
            await enqueue(conn, EMBED_TASK, queueing_lock=EMBED_LOCK)
            await service_families.queue_comparison(conn)
        if on_commit is not None:
            await on_commit(conn, outcomes)
        await changes.append(conn, log)
    return outcomes


def _told(batch: Sequence[Decoded | _Known | Outcome], outcomes: Sequence[Outcome]) -> dict[int, Description]:
    """What the source tells of each picture that is in; of the same bytes, what comes first."""
    told: dict[int, Description] = {}
    for one, outcome in zip(batch, outcomes, strict=True):
        if not isinstance(one, Outcome) and outcome.image_id is not None:
            told.setdefault(outcome.image_id, describe(one.item))
    return told


def _outcomes(batch: Sequence[Decoded | _Known | Outcome], ends: dict[bytes, Added]) -> list[Outcome]:
    """In the order of the batch; of the same bytes in one batch, the first is new."""
    outcomes: list[Outcome] = []
    met: set[bytes] = set()
    for one in batch:
        if isinstance(one, Outcome):
            outcomes.append(one)
            continue
        if isinstance(one, _Known):
            outcomes.append(Outcome(one.item.source, image_id=one.image_id))
            continue
        digest, source = one.inspected.digest, one.item.source
        end = ends[digest]
        if end.image_id is None:
            outcomes.append(Outcome(source, reason=OVER_QUOTA, over_quota=True))
        else:
            outcomes.append(Outcome(source, image_id=end.image_id, is_new=end.is_new and digest not in met))
        met.add(digest)
    return outcomes
