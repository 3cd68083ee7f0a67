"""Reports of evaluations: they show pictures, and so only what the viewer may see, as long as it is there."""

import asyncio

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.database import Connection, Database
from app.core.errors import Gone, NotFound
from app.core.settings import Settings
from app.training import order, store_evaluations, store_pictures
from app.training.records import Evaluation

REPORT_FILES = {"html": f"{order.REPORT}/report.html", "json": f"{order.REPORT}/results.json"}


async def read_report(
    db: Database, settings: Settings, viewer: Viewer, evaluation_id: int, kind: str = "html"
) -> bytes:
    """The report, which shows pictures: only to whom may see the collection, and while all of them still stand there.

    Raises NotFound, and Gone when pictures have been taken out since.
    """
    async with db.transaction() as conn:
        _, collection = await get_seen(conn, viewer, evaluation_id)
    folder = settings.evaluations_dir / str(evaluation_id)
    try:
        told = await asyncio.to_thread(order.read_order, folder)
        content = await asyncio.to_thread((folder / REPORT_FILES[kind]).read_bytes)
    except OSError as error:
        raise NotFound("this evaluation has no report") from error
    ids = [one.id for one in told.pictures]
    async with db.transaction() as conn:
        standing = await store_pictures.count_standing(conn, collection.id, ids)
    if standing < len(ids):
        raise Gone("pictures of this report have left the collection", hint="run the evaluation again")
    return content


async def may_see_report(db: Database, viewer: Viewer, made: Evaluation) -> bool:
    """Whether the viewer may see the collection that it was run on."""
    async with db.transaction() as conn:
        try:
            await get_seen(conn, viewer, made.id)
        except NotFound:
            return False
    return True


async def get_seen(conn: Connection, viewer: Viewer, evaluation_id: int) -> tuple[Evaluation, Collection]:
    """An evaluation and its collection. Raises NotFound where that is gone, or not the viewer's to see."""
    made = await store_evaluations.get(conn, evaluation_id)
    if made.collection_id is None:
        raise NotFound("the collection of this evaluation was deleted")
    return made, await collections.resolve(conn, viewer, made.collection_id)
