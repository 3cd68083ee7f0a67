"""SQL of queries that are kept."""

from uuid import UUID

from psycopg.rows import class_row, scalar_row

from app.core.database import Connection
from app.core.errors import NotFound
from app.search.records import NewQuery, Query

QUERY_HOURS = 24 * 7
NO_QUERY = "this search is no longer here: searches by upload, and by a part of a picture, are kept for a week"


async def insert_query(conn: Connection, owner_id: int | None, model_id: int, new: NewQuery) -> UUID:
    """Keep a query for a week; its random 128-bit id is its address."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO query
                (owner_id, model_id, vector, thumbnail, width, height, filename, image_id, crop, expires_at)
            VALUES (%(owner)s, %(model)s, %(vector)s, %(thumbnail)s, %(width)s, %(height)s, %(filename)s, %(image)s,
                %(crop)s, now() + make_interval(hours => %(hours)s))
            RETURNING id
            """,
            {
                "owner": owner_id,
                "model": model_id,
                "vector": new.vector,
                "thumbnail": new.thumbnail,
                "width": new.width,
                "height": new.height,
                "filename": new.filename,
                "image": new.image_id,
                "crop": None if new.crop is None else list(new.crop),
                "hours": QUERY_HOURS,
            },
        )
        query_id = await cursor.fetchone()
    if query_id is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return query_id


async def get_query(conn: Connection, query_id: UUID, viewer: int | None) -> Query:
    """A living query of the viewer's, or of nobody's. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Query)) as cursor:
        await cursor.execute(
            """
            SELECT id, owner_id, model_id, vector, width, height, filename, image_id, crop, created_at, expires_at
            FROM query WHERE id = %(id)s AND expires_at > now() AND (owner_id IS NULL OR owner_id = %(viewer)s)
            """,
            {"id": query_id, "viewer": viewer},
        )
        query = await cursor.fetchone()
    if query is None:
        raise NotFound(NO_QUERY)
    return query


async def get_query_thumbnail(conn: Connection, query_id: UUID) -> bytes:
    """The WebP of an uploaded picture. Raises NotFound."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT thumbnail FROM query WHERE id = %s", (query_id,))
        thumbnail = await cursor.fetchone()
    if thumbnail is None:
        raise NotFound(NO_QUERY)
    return thumbnail


async def delete_expired_queries(conn: Connection) -> None:
    await conn.execute("DELETE FROM query WHERE expires_at < now()")
