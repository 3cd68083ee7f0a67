"""SQL of the pictures that runs take: those of a collection, and whether they still stand there."""

from collections.abc import Sequence

from psycopg.rows import class_row, scalar_row

from app.core.database import Connection
from app.training.records import StoredPicture


async def list_pictures(conn: Connection, collection_id: int) -> list[StoredPicture]:
    """The untrashed pictures of a collection, with their first labels, in the order of their ids."""
    async with conn.cursor(row_factory=class_row(StoredPicture)) as cursor:
        await cursor.execute(
            """
            SELECT image.id, image.digest, coalesce(label.name, '') AS label
            FROM collection_image AS standing
            JOIN image ON image.id = standing.image_id AND image.trashed_at IS NULL
            LEFT JOIN image_label AS first ON first.image_id = image.id AND first.position = 1
            LEFT JOIN label ON label.id = first.label_id
            WHERE standing.collection_id = %s ORDER BY image.id
            """,
            (collection_id,),
        )
        return await cursor.fetchall()


async def count_standing(conn: Connection, collection_id: int, image_ids: Sequence[int]) -> int:
    """How many of these pictures still stand in the collection, outside the trash."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT count(*) FROM collection_image AS standing
            JOIN image ON image.id = standing.image_id AND image.trashed_at IS NULL
            WHERE standing.collection_id = %s AND standing.image_id = ANY(%s)
            """,
            (collection_id, list(image_ids)),
        )
        return await cursor.fetchone() or 0
