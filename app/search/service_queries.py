"""Queries that are kept: a picture that was uploaded, or a part of one, at an address of its own."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from app.accounts.records import Viewer
from app.core.database import Connection
from app.core.errors import Gone, NotFound
from app.images import store as image_store
from app.ingest.description import clean_filename
from app.search import store_queries as store
from app.search.records import NewQuery, Query, Results, SearchOptions
from app.search.service import Engine, answer, check_options, clamp, embed, read_original, refusals
from app.search.service_examples import combine_examples, get_vectors, list_examples
from app.search.service_scopes import resolve_scopes
from ml.crop import Crop

QUERY_THUMBNAIL = 1024
"""Pixels across. Parts are cut out of it: of 512, half a side is hardly what a network sees (224). It costs 24 to 42 ms
of a core, and 13 kB, more than 512 does (twelve large photos)."""


async def create_query(engine: Engine, viewer: Viewer, data: bytes, filename: str) -> UUID:
    """Keep an uploaded picture's embedding as a query that has an address of its own. Raises Invalid."""
    searcher, _ = engine.live.current()
    vector = await embed(engine, searcher, data)
    with refusals():
        inspected = await asyncio.wrap_future(engine.lane.decoder.submit_inspect(data, (QUERY_THUMBNAIL,)))
    new = NewQuery(
        vector=vector.astype("<f4").tobytes(),
        thumbnail=inspected.thumbnails[QUERY_THUMBNAIL],
        width=inspected.width,
        height=inspected.height,
        filename=clean_filename(filename),
    )
    async with engine.db.transaction() as conn:
        return await store.insert_query(conn, viewer.account_id, searcher.model.id, new)


async def create_crop_of_image(engine: Engine, viewer: Viewer, image_id: int, crop: Crop) -> UUID:
    """Keep a part of a stored picture as a query. Raises NotFound, and Invalid for a part that cannot be used."""
    crop = clamp(crop)
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        image = await image_store.get_visible(conn, viewer, image_id)
    vector = await embed(engine, searcher, await read_original(engine, image), crop)
    new = NewQuery(
        vector=vector.astype("<f4").tobytes(),
        thumbnail=None,
        width=image.width,
        height=image.height,
        filename=image.filename,
        image_id=image_id,
        crop=crop,
    )
    async with engine.db.transaction() as conn:
        # It may have been purged while its part was embedded.
        await image_store.get_visible(conn, viewer, image_id)
        return await store.insert_query(conn, viewer.account_id, searcher.model.id, new)


async def create_crop_of_query(engine: Engine, viewer: Viewer, query_id: UUID, crop: Crop) -> UUID:
    """Keep a part of a query's picture as another query. Raises NotFound, and Invalid."""
    crop = clamp(crop)
    async with engine.db.transaction() as conn:
        query = await _get_query(conn, viewer, query_id)
        picture = await store.get_query_thumbnail(conn, query_id) if query.image_id is None else b""
    if query.image_id is not None:
        return await create_crop_of_image(engine, viewer, query.image_id, crop)
    searcher, _ = engine.live.current()
    vector = await embed(engine, searcher, picture, crop)
    new = NewQuery(
        vector=vector.astype("<f4").tobytes(),
        thumbnail=picture,
        width=query.width,
        height=query.height,
        filename=query.filename,
        crop=crop,
    )
    async with engine.db.transaction() as conn:
        return await store.insert_query(conn, viewer.account_id, searcher.model.id, new)


async def run_query(
    engine: Engine,
    viewer: Viewer,
    query_id: UUID,
    options: SearchOptions,
    liked: Sequence[int] = (),
    disliked: Sequence[int] = (),
) -> tuple[Query, Results]:
    """Answer a stored query, which may be joined by stored pictures that are liked and disliked: they are left out.

    So is the picture that it is a part of. Raises NotFound, and Gone when another model is in force by now.
    """
    check_options(options)
    examples = list_examples(liked, disliked)
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        query = await _get_query(conn, viewer, query_id)
        by_id = await get_vectors(conn, viewer, searcher, examples)
        without = examples if query.image_id is None else [query.image_id, *examples]
        scopes = await resolve_scopes(conn, viewer, options.filters, without)
    if query.model_id != searcher.model.id:
        raise Gone("the gallery uses another model since this search", hint="Search with the picture again.")
    vector = np.frombuffer(query.vector, "<f4").astype(np.float32)
    if examples:
        vector = combine_examples([vector, *(by_id[one] for one in liked)], [by_id[one] for one in disliked])
    return query, await answer(engine, viewer, searcher, vector, options, scopes)


async def query_thumbnail(engine: Engine, viewer: Viewer, query_id: UUID) -> bytes:
    """The uploaded picture of a query that the viewer may see, as WebP. Raises NotFound."""
    async with engine.db.transaction() as conn:
        await _get_query(conn, viewer, query_id)
        return await store.get_query_thumbnail(conn, query_id)


async def _get_query(conn: Connection, viewer: Viewer, query_id: UUID) -> Query:
    """A part of a stored picture is there as long as its asker sees the picture. Raises NotFound."""
    query = await store.get_query(conn, query_id, viewer.account_id)
    if query.image_id is not None and not await image_store.list_visible(conn, viewer, [query.image_id]):
        raise NotFound(store.NO_QUERY)
    return query
