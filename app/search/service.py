"""The verbs of search: by an uploaded picture, by a stored one, filtered, and only what the viewer may see."""

import asyncio
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.collections import store as collection_store
from app.collections.records import Collection
from app.core.blobs import BlobStore
from app.core.database import Connection, Database
from app.core.errors import Conflict, Invalid, TooLarge
from app.embedding.lane import QueryLane
from app.images import store as image_store
from app.images.records import Filters, Image
from app.search.background import likeness, measure, words_for
from app.search.copies import collapse
from app.search.finders import Finder
from app.search.index.planner import Neighbours
from app.search.live import Live
from app.search.paging import behind, next_place
from app.search.records import Background, Hit, Results, SearchOptions
from app.search.searcher import Searcher
from app.search.service_examples import combine_examples, get_vectors, list_examples
from app.search.service_scopes import Scopes, resolve_scopes
from ml.crop import Crop
from ml.embedder import NoDirection, combine
from ml.images import PictureRefused

DEFAULT_K = 24
MAX_K = 1000
MAX_LOOKED_AT = 8 * MAX_K  # a gallery of nothing but copies is not read through for one search


@dataclass(slots=True)
class Engine:
    """What search needs; one per process."""

    db: Database
    blobs: BlobStore
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


def clamp(crop: Crop) -> Crop:
    """What of a part lies within its picture. Raises Invalid where there is nothing."""
    if not crop.is_within:
        raise Invalid("the part lies outside of the picture: give x, y, width and height within it")
    return crop.clamped()


async def search_by_picture(
    engine: Engine, viewer: Viewer, data: bytes, options: SearchOptions, crop: Crop | None = None
) -> Results:
    """The pictures most like the one in `data`, or a part of it. Raises Invalid for what cannot be used."""
    check_options(options)
    part = None if crop is None else clamp(crop)
    searcher, _ = engine.live.current()
    vector = await embed(engine, searcher, data, part)
    async with engine.db.transaction() as conn:
        scopes = await resolve_scopes(conn, viewer, options.filters)
    return await answer(engine, viewer, searcher, vector, options, scopes)


async def search_by_images(
    engine: Engine, viewer: Viewer, liked: Sequence[int], options: SearchOptions, disliked: Sequence[int] = ()
) -> Results:
    """The pictures most like the liked ones and least like the disliked ones, all of those left out.

    Raises NotFound when the viewer may not see one of them, Conflict while one has no embedding, Invalid for none
    liked, too many, and likes and dislikes that cancel each other out.
    """
    check_options(options)
    if not liked:
        raise Invalid("name at least one picture that you like")
    examples = list_examples(liked, disliked)
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        by_id = await get_vectors(conn, viewer, searcher, examples)
        scopes = await resolve_scopes(conn, viewer, options.filters, examples)
    vector = combine_examples([by_id[one] for one in liked], [by_id[one] for one in disliked])
    return await answer(engine, viewer, searcher, vector, options, scopes)


async def search_by_crop(engine: Engine, viewer: Viewer, image_id: int, crop: Crop, options: SearchOptions) -> Results:
    """The pictures most like a part of a stored one, itself left out.

    Raises NotFound when the viewer may not see it, and Invalid for options or a part that cannot be used.
    """
    check_options(options)
    crop = clamp(crop)
    searcher, _ = engine.live.current()
    async with engine.db.transaction() as conn:
        image = await image_store.get_visible(conn, viewer, image_id)
    vector = await embed(engine, searcher, await read_original(engine, image), crop)
    async with engine.db.transaction() as conn:
        scopes = await resolve_scopes(conn, viewer, options.filters, [image_id])
    return await answer(engine, viewer, searcher, vector, options, scopes)


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
    return await answer(engine, viewer, searcher, vector, options, scopes)


async def list_collections(db: Database, viewer: Viewer) -> list[Collection]:
    """What a search can be narrowed to."""
    async with db.transaction() as conn:
        return await collection_store.list_visible(conn, viewer)


async def read_original(engine: Engine, image: Image) -> bytes:
    """A stored picture's file, which its asker has been found to see."""
    return await asyncio.to_thread(engine.blobs.read, engine.blobs.original(image.digest))


async def embed(engine: Engine, searcher: Searcher, data: bytes, crop: Crop | None = None) -> NDArray[np.float32]:
    """The vector of a picture's file, or of a part of it. Raises Invalid, TooLarge and Unavailable."""
    if len(data) > engine.max_bytes:
        raise TooLarge(f"a picture may have at most {engine.max_bytes // (1024 * 1024)} MiB")
    with refusals():
        return await engine.lane.embed(searcher.embedder, data, crop)


@contextmanager
def refusals() -> Generator[None]:
    """What decoding refuses is Invalid."""
    try:
        yield
    except PictureRefused as refused:
        raise Invalid(refused.reason) from refused


async def answer(
    engine: Engine,
    viewer: Viewer,
    searcher: Searcher,
    vector: NDArray[np.float32],
    options: SearchOptions,
    scopes: Scopes,
) -> Results:
    """What is nearest to a vector within the scopes, with the model and index of `searcher`."""
    # No connection is held while an engine answers: it may wait for one itself, and there are but a few.
    started = time.perf_counter()
    sample = await engine.finder.background(searcher, vector, scopes.whole)
    background = measure(sample, len(scopes.whole.without))
    wanted = min(options.k + (options.behind.rank if options.behind else 0), MAX_LOOKED_AT)
    while True:
        found = await engine.finder.nearest(searcher, vector, wanted, scopes.narrowed)
        kept = _above(found, options, background)
        async with engine.db.transaction() as conn:
            hits = await _checked(conn, viewer, options.filters, kept, background)
            if options.collapse:
                hashes = await image_store.list_perceptual_hashes(conn, [hit.image.id for hit in hits])
                hits = collapse(hits, hashes)
        hits = behind(hits, options.behind)
        # Rows that are not to be seen, and copies, were dropped: look further until k are found, none are left
        # or all further ones score too low.
        exhausted = len(found.ids) < wanted or wanted >= MAX_LOOKED_AT or len(kept.ids) < len(found.ids)
        if len(hits) >= options.k or exhausted:
            break
        wanted *= 2
    took_ms = (time.perf_counter() - started) * 1000
    shown = hits[: options.k]
    may_go_on = len(hits) > len(shown) or (len(shown) == options.k and not exhausted)
    end = next_place(shown, options.behind) if may_go_on else None
    return Results(searcher.embedder.model.spec.name, searcher.label, shown, took_ms, background, end)


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
    for image in await image_store.list_placed(conn, viewer, list(score), filters):
        reading = None if background is None else likeness(background, score[image.id])
        words = words_for(score[image.id], reading)
        hits.append(Hit(image, score[image.id], image.collection, reading, words))
    return hits
