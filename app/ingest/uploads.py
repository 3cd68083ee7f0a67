"""Uploaded files as items: read from where the request's parser put them, one at a time."""

from collections.abc import AsyncIterator, Sequence

from litestar.datastructures import UploadFile

from app.accounts.records import Viewer
from app.core.errors import SignInNeeded
from app.ingest.records import Outcome, Tally
from app.ingest.service import Intake, add_items, clean_filename
from ml.datasets.items import Item

CHUNK = 32


async def add_uploads(intake: Intake, viewer: Viewer, collection_id: int, files: Sequence[UploadFile]) -> Tally:
    """Take uploaded files in; each belongs to the viewer. Raises SignInNeeded, DiskFull."""
    if viewer.account_id is None:
        raise SignInNeeded("sign in to add pictures")
    tally = Tally()
    async for outcome in _outcomes(intake, viewer.account_id, collection_id, files):
        tally.count(outcome)
    return tally


async def _outcomes(
    intake: Intake, owner_id: int, collection_id: int, files: Sequence[UploadFile]
) -> AsyncIterator[Outcome]:
    """In chunks, so that the files of a large upload are not all in memory at once."""
    for start in range(0, len(files), CHUNK):
        items = [await _item(file, intake.max_bytes) for file in files[start : start + CHUNK]]
        async for outcome in add_items(intake, owner_id, collection_id, items):
            yield outcome


async def _item(file: UploadFile, max_bytes: int) -> Item:
    name = clean_filename(file.filename or "picture")
    # One byte more than allowed, so that a larger file is seen to be larger without being read.
    return Item(name=name, source=name, content=await file.read(max_bytes + 1))
