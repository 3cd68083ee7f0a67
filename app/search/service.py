"""The verbs of search: by an uploaded picture, by a stored one, filtered, and only what the viewer may see."""

import asyncio
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.collections import store as collection_store
from app.core.database import Connection, Database
from app.core.errors import Conflict, Gone, Invalid, TooLarge
from app.embedding import store as embedding_store
from app.embedding.lane import QueryLane
from app.images import store as image_store
from app.images.records import Filters
from app.ingest.service import clean_filename
from app.search import store
from app.search.index.bitmaps import Bitmap
from app.search.index.planner import Neighbours
from app.search.live import Live
from app.search.memberships import Memberships
from app.search.records import Hit, Query, Results
from app.search.searcher import Searcher
from ml.images import PictureRefused

DEFAULT_K = 24
MAX_K = 1000
QUERY_THUMBNAIL = 512


@dataclass(slots=True)
class Engine:
    """What search needs; one per process."""

    db: Database
    lane: QueryLane
    live: Live
    threads: ThreadPoolExecutor
    max_bytes: int


def check_k(k: int) -> int:
    """Raises Invalid for a k outside 1 to 1,000."""
    if not 1 <= k <= MAX_K:
        raise Invalid(f"k goes from 1 to {MAX_K}, not {k}")
    return k


async def search_by_picture(
    engine: Engine, viewer: Viewer, data: bytes, *, k: int, filters: Filters | None = None
) -> Results:
    """The pictures most like the one in `data`. Raises Invalid for a k or a file that cannot be used."""
    check_k(k)
    searcher, _ = engine.live.current()
    vector = await _embed(engine, searcher, data)
    return await _run(engine, viewer, searcher, vector, k=k, filters=filters or Filters())


async def search_by_image(
    engine: Engine, viewer: Viewer, image_id: int, *, k: int, filters: Filters | None = None
) -> Results:
    """The pictures most like a stored one, itself left out.

    Raises NotFound when the viewer may not see it, Conflict while it has no embedding.
    """
    check_k(k)
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        await image_store.get_visible(conn, viewer.account_id, image_id)
        _, vectors = await embedding_store.list_embeddings(conn, searcher.model.id, searcher.model.dim, [image_id])
    if not len(vectors):
        raise Conflict("this picture is not searchable yet: it waits for its embedding", hint="Try again in a moment.")
    return await _run(engine, viewer, searcher, vectors[0], k=k, filters=filters or Filters(), exclude=image_id)


async def create_query(engine: Engine, viewer: Viewer, data: bytes, filename: str) -> UUID:
    """Keep an uploaded picture's embedding as a query that has an address of its own. Raises Invalid."""
    searcher, _ = engine.live.current()
    vector = await _embed(engine, searcher, data)
    with _refusals():
        inspected = await asyncio.wrap_future(engine.lane.decoder.submit_inspect(data, (QUERY_THUMBNAIL,)))
    async with engine.db.transaction() as conn:
        return await store.insert_query(
            conn,
            owner_id=viewer.account_id,
            model_id=searcher.model.id,
            vector=vector.astype("<f4").tobytes(),
            thumbnail=inspected.thumbnails[QUERY_THUMBNAIL],
            size=(inspected.width, inspected.height),
            filename=clean_filename(filename),
        )


async def run_query(
    engine: Engine, viewer: Viewer, query_id: UUID, *, k: int, filters: Filters
) -> tuple[Query, Results]:
    """Answer a stored query. Raises NotFound, and Gone when another model is in force by now."""
    check_k(k)
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        query = await store.get_query(conn, query_id, viewer.account_id)
    if query.model_id != searcher.model.id:
        raise Gone("the gallery uses another model since this search", hint="Search with the picture again.")
    vector = np.frombuffer(query.vector, "<f4").astype(np.float32)
    return query, await _run(engine, viewer, searcher, vector, k=k, filters=filters)


async def query_thumbnail(engine: Engine, viewer: Viewer, query_id: UUID) -> bytes:
    """The picture of a query that the viewer may see, as WebP."""
    async with engine.db.transaction() as conn:
        await store.get_query(conn, query_id, viewer.account_id)
        return await store.get_query_thumbnail(conn, query_id)


async def _embed(engine: Engine, searcher: Searcher, data: bytes) -> NDArray[np.float32]:
    if len(data) > engine.max_bytes:
        raise TooLarge(f"a picture may have at most {engine.max_bytes // (1024 * 1024)} MiB")
    with _refusals():
        return await engine.lane.embed(searcher.embedder, data)


@contextmanager
def _refusals() -> Generator[None]:
    try:
        yield
    except PictureRefused as refused:
        raise Invalid(refused.reason) from refused


async def _run(
    engine: Engine,
    viewer: Viewer,
    searcher: Searcher,
    vector: NDArray[np.float32],
    *,
    k: int,
    filters: Filters,
    exclude: int | None = None,
) -> Results:
    started = time.perf_counter()
    _, memberships = engine.live.current()
    loop = asyncio.get_running_loop()
    async with engine.db.transaction() as conn:
        allowed = await _allowed(conn, viewer, memberships, filters)
        wanted = k
        while True:
            found = await loop.run_in_executor(engine.threads, searcher.index.search, vector, wanted, allowed, exclude)
            hits = await _checked(conn, viewer, filters, found)
            # Rows that are not to be seen were dropped: look further until k are found or none are left.
            if len(hits) >= k or len(found.ids) < wanted:
                break
            wanted *= 2
    took_ms = (time.perf_counter() - started) * 1000
    return Results(searcher.embedder.model.spec.name, searcher.label, hits[:k], took_ms)


async def _allowed(conn: Connection, viewer: Viewer, memberships: Memberships, filters: Filters) -> Bitmap:
    visible = await collection_store.list_visible_ids(conn, viewer.account_id)
    if filters.collection_id is not None:
        visible = [one for one in visible if one == filters.collection_id]
    allowed = memberships.allowed(visible)
    if filters.label is not None:
        labelled = await image_store.list_labelled(conn, None, None, filters.label)
        allowed = allowed.intersect(Bitmap.from_ids(labelled))
    return allowed


async def _checked(conn: Connection, viewer: Viewer, filters: Filters, found: Neighbours) -> list[Hit]:
    """Rights and filters once more, when the rows are fetched: an index that lags shows nothing it must not."""
    ids = found.ids.tolist()
    images = await image_store.list_visible(conn, viewer.account_id, ids, filters)
    standings = await image_store.list_standings(conn, viewer.account_id, [image.id for image in images])
    # The collection that was asked for, else the first by name.
    standings.sort(key=lambda one: one.collection_id != filters.collection_id)
    collection = {one.image_id: one.name for one in reversed(standings)}
    score = dict(zip(ids, found.scores.tolist(), strict=True))
    return [Hit(image, score[image.id], collection[image.id]) for image in images if image.id in collection]
