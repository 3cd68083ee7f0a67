"""Files of a form: pictures as items, archives into the spool; read from where the request's parser put them."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence

from litestar.datastructures import UploadFile

from app.accounts.records import Viewer
from app.core.errors import Invalid, SignInNeeded
from app.images.service_adding import Place
from app.ingest import service_uploads
from app.ingest.description import clean_filename
from app.ingest.pipeline import Intake, add_items
from app.ingest.records import Tally
from ml.datasets.items import Item

PIECE_BYTES = 1024 * 1024


async def add_uploads(intake: Intake, viewer: Viewer, collection_id: int, files: Sequence[UploadFile]) -> Tally:
    """Take uploaded files in; each belongs to the viewer. Raises SignInNeeded, DiskFull."""
    if viewer.account_id is None:
        raise SignInNeeded("sign in to add pictures")
    tally = Tally()
    items = (_item(file, intake.max_bytes) for file in files)
    async for outcomes in add_items(intake, Place(viewer.account_id, collection_id), items):
        for outcome in outcomes:
            tally.count(outcome)
    return tally


async def import_archive(
    intake: Intake, viewer: Viewer, collection_id: int, file: UploadFile, *, labels_from_folders: bool
) -> int:
    """The id of the import of an archive that came whole. Raises TooLarge, DiskFull, Invalid for an empty one."""
    size_bytes = await asyncio.to_thread(file.file.seek, 0, os.SEEK_END)
    await file.seek(0)
    upload = await service_uploads.announce(
        intake, viewer, file.filename, size_bytes, collection_id, labels_from_folders=labels_from_folders
    )
    _, import_id = await service_uploads.send(intake, viewer, upload.id, 0, _pieces(file))
    if import_id is None:
        raise Invalid(f"{upload.filename} did not come whole: send it again")
    return import_id


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


def _item(file: UploadFile, max_bytes: int) -> Item:
    name = clean_filename(file.filename or "picture")
    # Read when its turn comes, and one byte more than allowed: a larger file is seen to be larger without being read.
    return Item(name=name, source=name, content=lambda: file.file.read(max_bytes + 1))
