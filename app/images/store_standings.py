"""SQL of where pictures stand: which may go where, and leave what."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.rows import scalar_row

from app.core.database import Connection

_SEEN_BY_OWNER: LiteralString = "(SELECT collection_id FROM visible_collections(image.owner_id, '{}'))"


async def list_standing(conn: Connection, collection_id: int, image_ids: Sequence[int]) -> list[int]:
    """Those of these pictures that stand in the collection."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT image_id FROM collection_image WHERE collection_id = %s AND image_id = ANY(%s::bigint[])",
            (collection_id, list(image_ids)),
        )
        return await cursor.fetchall()


async def list_admissible(conn: Connection, collection_id: int, image_ids: Sequence[int]) -> list[int]:
    """Those of these pictures that somebody else than their owner may put into the collection.

    Their owner sees it, and a public one shows nothing that is not shown to everybody already.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            f"""
            SELECT image.id FROM image JOIN collection AS target ON target.id = %s
            WHERE image.id = ANY(%s::bigint[]) AND target.id IN {_SEEN_BY_OWNER}
            AND (NOT target.is_public OR EXISTS (
                SELECT FROM collection_image AS standing JOIN collection ON collection.id = standing.collection_id
                WHERE standing.image_id = image.id AND collection.is_public))
            """,
            (collection_id, list(image_ids)),
        )
        return await cursor.fetchall()


async def delete_spare(conn: Connection, collection_id: int, image_ids: Sequence[int]) -> list[int]:
    """Take pictures out of a collection that stand in another one that their owner sees; returns them."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            f"""
            DELETE FROM collection_image AS standing USING image
            WHERE image.id = standing.image_id
            AND standing.collection_id = %(collection)s AND image.id = ANY(%(ids)s::bigint[])
            AND EXISTS (
                SELECT FROM collection_image AS other
                WHERE other.image_id = image.id AND other.collection_id <> %(collection)s
                AND other.collection_id IN {_SEEN_BY_OWNER})
            RETURNING standing.image_id
            """,
            {"collection": collection_id, "ids": list(image_ids)},
        )
        return await cursor.fetchall()
