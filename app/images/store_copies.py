"""SQL of what a picture came from, and of the same file elsewhere."""

from psycopg.rows import class_row

from app.accounts.records import Viewer
from app.core.database import Connection
from app.images.records import Image, Origin
from app.images.store import IMAGE, VISIBLE


async def list_same_file(conn: Connection, viewer: Viewer, image: Image, limit: int) -> list[Image]:
    """Other visible pictures of the same file, the oldest first: each account has a picture of its own of it."""
    async with conn.cursor(row_factory=class_row(Image)) as cursor:
        await cursor.execute(
            IMAGE
            + " WHERE image.digest = %(digest)s AND image.id <> %(id)s AND "
            + VISIBLE
            + " ORDER BY image.id LIMIT %(limit)s",
            {**viewer.values, "digest": image.digest, "id": image.id, "limit": limit},
        )
        return await cursor.fetchall()


async def find_origin(conn: Connection, image_id: int) -> Origin | None:
    """The import that brought a picture; None for one that came by itself."""
    async with conn.cursor(row_factory=class_row(Origin)) as cursor:
        await cursor.execute(
            """
            SELECT import.id AS import_id, import.name FROM image JOIN import ON import.id = image.import_id
            WHERE image.id = %s
            """,
            (image_id,),
        )
        return await cursor.fetchone()
