"""The verbs of search: by an uploaded picture, by a stored one, filtered, and only what the viewer may see."""

import asyncio
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.collections import store as collection_store
from app.collections.records import Collection
from app.core.database import Connection, Database
from app.core.errors import Conflict, Gone, Invalid, NotFound, TooLarge
from app.embedding import store as embedding_store
from app.embedding.lane import QueryLane
from app.images import store as image_store
from app.images.records import Filters
from app.ingest.description import clean_filename
from app.search import store
from app.search.background import likeness, measure, words_for
from app.search.copies import collapse
from app.search.finders import Finder
from app.search.index.planner import Neighbours
from app.search.live import Live
from app.search.records import Background, Hit, Query, Results, SearchOptions
from app.search.searcher import Searcher
from app.search.service_scopes import Scopes, resolve_scopes
from ml.embedder import NoDirection, combine
from ml.images import PictureRefused

DEFAULT_K = 24
MAX_EXAMPLES = 100
MAX_K = 1000
MAX_LOOKED_AT = 8 * MAX_K  # a gallery of nothing but copies is not read through for one search
QUERY_THUMBNAIL = 512


@dataclass(slots=True)
class Engine:
    """What search needs; one per process."""

    db: Database
    lane: QueryLane
    live: Live
    finder: Finder
    max_bytes: int


def check_options(options: SearchOptions) -> None:
    """Raises Invalid for a k outside 1 to 1,000, and for a least score or likeness that none can have."""
    if not 1 <= options.k <= MAX_K:
        raise Invalid(f"k goes from 1 to {MAX_K}, not {options.k}")
    if options.min_score is not None and not -1 <= options.min_score <= 1:
        raise Invalid(f"min_score is a cosine, from -1 to 1, not {options.min_score:g}")
    if options.min_likeness is not None and not 0 <= options.min_likeness <= 1:
        raise Invalid(f"min_likeness goes from 0 to 1, not {options.min_likeness:g}")


async def search_by_picture(engine: Engine, viewer: Viewer, data: bytes, options: SearchOptions) -> Results:
    """The pictures most like the one in `data`. Raises Invalid for options or a file that cannot be used."""
    check_options(options)
    searcher, _ = engine.live.current()
    vector = await _embed(engine, searcher, data)
    async with engine.db.transaction() as conn:
        scopes = await resolve_scopes(conn, viewer, options.filters)
    return await _run(engine, viewer, searcher, vector, options, scopes)


async def search_by_images(
    engine: Engine, viewer: Viewer, liked: Sequence[int], options: SearchOptions, disliked: Sequence[int] = ()
) -> Results:
    """The pictures most like the liked ones and least like the disliked ones, all of those left out.

    Raises NotFound when the viewer may not see one of them, Conflict while one has no embedding, Invalid for none
    liked, too many, and likes and dislikes that cancel each other out.
    """
    check_options(options)
    examples = [*dict.fromkeys([*liked, *disliked])]
    if not liked:
        raise Invalid("name at least one picture that you like")
    if len(examples) > MAX_EXAMPLES:
        raise Invalid(f"a search takes at most {MAX_EXAMPLES} examples, not {len(examples)}")
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        if len(await image_store.list_visible(conn, viewer.account_id, examples)) < len(examples):
            raise NotFound("no such picture")
        ids, vectors = await embedding_store.list_embeddings(conn, searcher.model.id, searcher.model.dim, examples)
        scopes = await resolve_scopes(conn, viewer, options.filters, examples)
    if len(ids) < len(examples):
        raise Conflict("this picture is not searchable yet: it waits for its embedding", hint="Try again in a moment.")
    by_id = dict(zip(ids.tolist(), vectors, strict=True))
    try:
        vector = combine([by_id[one] for one in liked], [by_id[one] for one in disliked])
    except NoDirection as error:
        raise Invalid("what you like and what you do not cancel each other out") from error
    return await _run(engine, viewer, searcher, vector, options, scopes)


async def search_by_vector(
    engine: Engine, viewer: Viewer, values: Sequence[float], options: SearchOptions, identity: str | None = None
) -> Results:
    """The pictures nearest to a vector of the model in force, of any length.

    Raises Invalid for one that cannot be, and Conflict when `identity` is another model's.
    """
    check_options(options)
    searcher, _ = engine.live.current()
    if identity not in (None, searcher.model.identity):
        raise Conflict(
            "the vector is another model's", hint="embed the picture again: the gallery has changed its model"
        )
    if len(values) != searcher.model.dim:
        raise Invalid(f"{searcher.model.name} has vectors of {searcher.model.dim} numbers, not of {len(values)}")
    try:
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and refused as such
            vector = combine([np.array(values, np.float32)], [])
    except NoDirection as error:
        raise Invalid("the vector is zero or holds what is not a finite number") from error
    async with engine.db.transaction() as conn:
        scopes = await resolve_scopes(conn, viewer, options.filters)
    return await _run(engine, viewer, searcher, vector, options, scopes)


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


async def run_query(engine: Engine, viewer: Viewer, query_id: UUID, options: SearchOptions) -> tuple[Query, Results]:
    """Answer a stored query. Raises NotFound, and Gone when another model is in force by now."""
    check_options(options)
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        query = await store.get_query(conn, query_id, viewer.account_id)
        scopes = await resolve_scopes(conn, viewer, options.filters)
    if query.model_id != searcher.model.id:
        raise Gone("the gallery uses another model since this search", hint="Search with the picture again.")
    vector = np.frombuffer(query.vector, "<f4").astype(np.float32)
    return query, await _run(engine, viewer, searcher, vector, options, scopes)


async def list_collections(engine: Engine, viewer: Viewer) -> list[Collection]:
    """What a search can be narrowed to."""
    async with engine.db.transaction() as conn:
        return await collection_store.list_visible(conn, viewer.account_id)


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
    options: SearchOptions,
    scopes: Scopes,
) -> Results:
    """No connection is held while an engine answers: it may wait for one itself, and there are but a few."""
    started = time.perf_counter()
    sample = await engine.finder.background(searcher, vector, scopes.whole)
    background = measure(sample, len(scopes.whole.without))
    wanted = options.k
    while True:
        found = await engine.finder.nearest(searcher, vector, wanted, scopes.narrowed)
        kept = _above(found, options, background)
        async with engine.db.transaction() as conn:
            hits = await _checked(conn, viewer, options.filters, kept, background)
            if options.collapse:
                hashes = await image_store.list_perceptual_hashes(conn, [hit.image.id for hit in hits])
                hits = collapse(hits, hashes)
        # Rows that are not to be seen, and copies, were dropped: look further until k are found, none are left
        # or all further ones score too low.
        exhausted = len(found.ids) < wanted or wanted >= MAX_LOOKED_AT
        if len(hits) >= options.k or exhausted or len(kept.ids) < len(found.ids):
            break
        wanted *= 2
    took_ms = (time.perf_counter() - started) * 1000
    return Results(searcher.embedder.model.spec.name, searcher.label, hits[: options.k], took_ms, background)


def _above(found: Neighbours, options: SearchOptions, background: Background | None) -> Neighbours:
    """Those of the best that score high enough."""
    count = len(found.ids)
    if options.min_score is not None:
        count = int((found.scores >= options.min_score).sum())
    if options.min_likeness is not None and background is not None:
        while count and likeness(background, float(found.scores[count - 1])) < options.min_likeness:
            count -= 1
    return Neighbours(found.ids[:count], found.scores[:count])


async def _checked(
    conn: Connection, viewer: Viewer, filters: Filters, found: Neighbours, background: Background | None
) -> list[Hit]:
    """Rights and filters once more, when the rows are fetched: an index that lags shows nothing it must not."""
    score = dict(zip(found.ids.tolist(), found.scores.tolist(), strict=True))
    hits: list[Hit] = []
    for image in await image_store.list_placed(conn, viewer.account_id, list(score), filters):
        reading = None if background is None else likeness(background, score[image.id])
        words = words_for(score[image.id], reading)
        hits.append(Hit(image, score[image.id], image.collection, reading, words))
    return hits
