"""The verbs of archives that come in by pieces: announce, send on, give up; a whole one becomes an import."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

from app.accounts.records import Viewer
from app.core import jobs
from app.core.database import Connection, Database
from app.core.errors import Invalid, NotFound, SignInNeeded, TooLarge
from app.ingest import service, store, store_uploads
from app.ingest.description import clean_filename
from app.ingest.pipeline import Intake
from app.ingest.records import NewImport, Upload
from app.ingest.spool import Spool

KEPT_S = 7 * 24 * 3600
"""How long a part of an archive waits to be gone on with, and an archive for what it refused to be tried again."""


async def announce(
    intake: Intake,
    viewer: Viewer,
    filename: str,
    size_bytes: int,
    collection: str | int | None,
    new_collection: str = "",
    *,
    labels_from_folders: bool = False,
) -> Upload:
    """Begin an upload into a collection that the viewer may edit. Raises TooLarge, DiskFull, Invalid."""
    if viewer.account_id is None:
        raise SignInNeeded("sign in to add pictures")
    if size_bytes < 1:
        raise Invalid("the archive is empty")
    if size_bytes > intake.max_archive_bytes:
        raise TooLarge(f"an archive has at most {intake.max_archive_bytes // 1024**2:,} MiB here: divide it")
    target = await service.resolve_target(intake.db, viewer, collection, new_collection)
    async with intake.db.transaction() as conn:
        upload = await store_uploads.insert(
            conn,
            viewer.account_id,
            target.id,
            clean_filename(filename),
            size_bytes,
            labels_from_folders=labels_from_folders,
        )
        await asyncio.to_thread(intake.spool.create, upload.id, size_bytes)
    return upload


async def get(intake: Intake, viewer: Viewer, upload_id: UUID) -> tuple[Upload, int]:
    """One's own upload, and how many of its bytes are here. Raises NotFound.

    A whole one is imported, as `send` would have done, had its process not died behind the last byte.
    """
    async with intake.db.transaction() as conn:
        upload = await store_uploads.get_own(conn, viewer.account_id, upload_id)
    received = await asyncio.to_thread(intake.spool.received_bytes, upload_id)
    if upload.import_id is None and received == upload.size_bytes:
        upload = replace(upload, import_id=await _import(intake.db, upload_id))
    return upload, received


async def send(
    intake: Intake, viewer: Viewer, upload_id: UUID, offset: int, pieces: AsyncIterator[bytes]
) -> tuple[int, int | None]:
    """Add to an upload; returns how much is here, and the id of the import once all is. Raises as `Spool.append`.

    The viewer must still be allowed to edit the collection. Raises NotAllowed and NotFound, too.
    """
    upload, _ = await get(intake, viewer, upload_id)
    await service.resolve_target(intake.db, viewer, upload.collection_id)
    received = await intake.spool.append(upload_id, offset, pieces, upload.size_bytes)
    if received < upload.size_bytes:
        return received, None
    return received, await _import(intake.db, upload_id)


async def give_up(intake: Intake, viewer: Viewer, upload_id: UUID) -> None:
    """Erase an upload of which no import was made. Raises NotFound, Invalid."""
    upload, _ = await get(intake, viewer, upload_id)
    if upload.import_id is not None:
        raise Invalid("this archive is whole, and being imported: cancel the import")
    await _erase(intake.db, intake.spool, upload_id)


async def settle(intake: Intake, import_id: int) -> None:
    """Erase the archive of an import that has nothing left to do."""
    async with intake.db.transaction() as conn:
        made = await store.get(conn, import_id)
        job = await jobs.get(conn, made.job_id)
    if (upload_id := made.options.get("upload")) and job.state == "done" and not made.refused:
        await _erase(intake.db, intake.spool, UUID(upload_id))


async def sweep(intake: Intake) -> int:
    """Erase what nothing was done with for a week, and files that no upload knows. Returns how many."""
    old = await asyncio.to_thread(intake.spool.untouched_for, KEPT_S)
    for upload_id in old:
        await _erase(intake.db, intake.spool, upload_id)
    return len(old)


async def _import(db: Database, upload_id: UUID) -> int:
    """The import of a whole archive, queued once."""
    async with db.transaction() as conn:
        upload = await store_uploads.lock(conn, upload_id)
        if upload is None:
            raise NotFound("no such upload")
        if upload.import_id is not None:
            return upload.import_id
        import_id = await service.begin(conn, await _as_import(conn, upload))
        await store_uploads.set_import(conn, upload_id, import_id)
        await service.queue(conn, import_id)
        return import_id


async def _as_import(conn: Connection, upload: Upload) -> NewImport:
    options = {"upload": str(upload.id)}
    if upload.labels_from_folders:
        options["labels_from"] = "folder"
    name = await store_uploads.get_collection_name(conn, upload.collection_id)
    return NewImport(upload.owner_id, upload.collection_id, name, "archive", upload.filename, options)


async def _erase(db: Database, spool: Spool, upload_id: UUID) -> None:
    await asyncio.to_thread(spool.remove, upload_id)
    async with db.transaction() as conn:
        await store_uploads.delete(conn, upload_id)
