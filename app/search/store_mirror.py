"""SQL of the mirror: the pictures as it holds them, and what its follower remembers."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec
from psycopg.rows import class_row, scalar_row

from app.core import state
from app.core.database import Connection
from app.embedding.records import ModelRow
from app.search.records_mirror import MirrorState, Point, Print

STATE = "mirror"
MIRROR_LOCK = 0x6D6972  # "mir"


async def read_state(conn: Connection) -> MirrorState:
    """What the follower remembers; a blank one before its first round."""
    text = await state.find(conn, STATE)
    return MirrorState() if text is None else msgspec.json.decode(text, type=MirrorState)


async def write_state(conn: Connection, mirror: MirrorState) -> None:
    await state.replace(conn, STATE, msgspec.json.encode(mirror).decode())


@asynccontextmanager
async def locked(conn: Connection) -> AsyncGenerator[bool]:
    """Be the one follower in this block; False when another process is. `conn` is a session of its own."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT pg_try_advisory_lock(%s)", (MIRROR_LOCK,))
        got = bool(await cursor.fetchone())
    try:
        yield got
    finally:
        # A connection that was lost has given its locks back.
        if got and not conn.closed:
            await conn.execute("SELECT pg_advisory_unlock(%s)", (MIRROR_LOCK,))


async def find_model(conn: Connection, identity: str) -> ModelRow | None:
    """The model of this identity, if the gallery still knows it."""
    async with conn.cursor(row_factory=class_row(ModelRow)) as cursor:
        await cursor.execute("SELECT * FROM model WHERE identity = %s", (identity,))
        return await cursor.fetchone()


async def list_points(conn: Connection, model_id: int, image_ids: Sequence[int]) -> list[Point]:
    """Those of these pictures that are not in the trash and have an embedding by this model."""
    async with conn.cursor(row_factory=class_row(Point), binary=True) as cursor:
        await cursor.execute(
            """
            SELECT embedding.image_id, embedding.vector,
                ARRAY(SELECT collection_id FROM collection_image WHERE image_id = image.id) AS collections,
                ARRAY(SELECT name FROM image_label JOIN label ON label.id = label_id
                    WHERE image_id = image.id) AS labels
            FROM embedding JOIN image ON image.id = embedding.image_id
            WHERE embedding.model_id = %s AND embedding.image_id = ANY(%s::bigint[]) AND image.trashed_at IS NULL
            """,
            (model_id, list(image_ids)),
        )
        return await cursor.fetchall()


async def list_points_after(conn: Connection, model_id: int, after_id: int, limit: int) -> list[Point]:
    """The next of all such pictures, by id."""
    async with conn.cursor(row_factory=class_row(Point), binary=True) as cursor:
        await cursor.execute(
            """
            SELECT embedding.image_id, embedding.vector,
                ARRAY(SELECT collection_id FROM collection_image WHERE image_id = image.id) AS collections,
                ARRAY(SELECT name FROM image_label JOIN label ON label.id = label_id
                    WHERE image_id = image.id) AS labels
            FROM embedding JOIN image ON image.id = embedding.image_id
            WHERE embedding.model_id = %s AND embedding.image_id > %s AND image.trashed_at IS NULL
            ORDER BY embedding.image_id LIMIT %s
            """,
            (model_id, after_id, limit),
        )
        return await cursor.fetchall()


async def list_prints_after(
    conn: Connection, model_id: int, after_id: int, limit: int, buckets: Sequence[int] | None = None
) -> list[Print]:
    """The next of all such pictures, or of some buckets', by id, for comparing."""
    async with conn.cursor(row_factory=class_row(Print)) as cursor:
        await cursor.execute(
            """
            SELECT embedding.image_id, left(md5(embedding.vector), 8) AS digest,
                ARRAY(SELECT collection_id FROM collection_image WHERE image_id = image.id) AS collections,
                ARRAY(SELECT name FROM image_label JOIN label ON label.id = label_id
                    WHERE image_id = image.id) AS labels
            FROM embedding JOIN image ON image.id = embedding.image_id
            WHERE embedding.model_id = %(model)s AND embedding.image_id > %(after)s AND image.trashed_at IS NULL
            AND (%(buckets)s::bigint[] IS NULL OR embedding.image_id %% 256 = ANY(%(buckets)s::bigint[]))
            ORDER BY embedding.image_id LIMIT %(limit)s
            """,
            {"model": model_id, "after": after_id, "limit": limit, "buckets": list(buckets) if buckets else None},
        )
        return await cursor.fetchall()


async def count_points(conn: Connection, model_id: int) -> int:
    """How many points the mirror should have."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT count(*) FROM embedding JOIN image ON image.id = embedding.image_id
            WHERE embedding.model_id = %s AND image.trashed_at IS NULL
            """,
            (model_id,),
        )
        return await cursor.fetchone() or 0
