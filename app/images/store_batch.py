"""SQL of steps on many pictures: rights, labels, trash."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.rows import class_row, scalar_row, tuple_row

from app.accounts.records import Viewer
from app.core.database import Connection
from app.images.records_batch import BatchRights
from app.images.store import VISIBLE

_RIGHTS: LiteralString = (
    """
    SELECT image.id AS image_id, image.owner_id = %(viewer)s AS owns,
        image.owner_id = %(viewer)s OR EXISTS (
            SELECT FROM collection_image AS edited JOIN collection ON collection.id = edited.collection_id
            LEFT JOIN collection_member AS member
                ON member.collection_id = collection.id AND member.account_id = %(viewer)s
            WHERE edited.image_id = image.id
            AND (collection.owner_id = %(viewer)s OR member.role IN ('editor', 'owner'))) AS edits
    FROM image WHERE image.id = ANY(%(ids)s::bigint[]) AND
    """
    + VISIBLE
)


async def lock_images(conn: Connection, image_ids: Sequence[int]) -> None:
    """Keep others' steps off these pictures, and their collections from being deleted, until the transaction ends."""
    ids = list(image_ids)
    # In order: two steps with common pictures cannot deadlock.
    await conn.execute("SELECT FROM image WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE", (ids,))
    await conn.execute(
        """
        SELECT FROM collection WHERE id IN (
            SELECT collection_id FROM collection_image WHERE image_id = ANY(%s::bigint[]))
        ORDER BY id FOR KEY SHARE
        """,
        (ids,),
    )


async def list_rights(conn: Connection, viewer: Viewer, image_ids: Sequence[int]) -> list[BatchRights]:
    """What the viewer may do with those of these pictures that they see."""
    async with conn.cursor(row_factory=class_row(BatchRights)) as cursor:
        await cursor.execute(_RIGHTS, {**viewer.values, "ids": list(image_ids)})
        return await cursor.fetchall()


async def trash(conn: Connection, image_ids: Sequence[int]) -> list[int]:
    """Move pictures to the trash; returns those that were not there."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            UPDATE image SET trashed_at = now() WHERE id = ANY(%s::bigint[]) AND trashed_at IS NULL RETURNING id
            """,
            (list(image_ids),),
        )
        return await cursor.fetchall()


async def list_own_trashed(conn: Connection, owner: int, image_ids: Sequence[int]) -> list[tuple[int, bool]]:
    """(id, whether it stands anywhere) of those of these pictures that lie in the owner's trash."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT id, EXISTS (SELECT FROM collection_image WHERE image_id = image.id)
            FROM image WHERE id = ANY(%s::bigint[]) AND owner_id = %s AND trashed_at IS NOT NULL ORDER BY id
            """,
            (list(image_ids), owner),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def count_labels(conn: Connection, image_ids: Sequence[int], without: Sequence[str]) -> dict[int, int]:
    """How many labels these pictures have beside those named; none of a picture is not told."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT image_id, count(*) FROM image_label JOIN label ON label.id = image_label.label_id
            WHERE image_id = ANY(%s::bigint[]) AND label.name <> ALL(%s::text[]) GROUP BY image_id
            """,
            (list(image_ids), list(without)),
        )
        return {row[0]: row[1] for row in await cursor.fetchall()}


async def insert_label(
    conn: Connection, image_ids: Sequence[int], label: str, position: int | None = None
) -> list[int]:
    """Add a known label to pictures, behind their others or at a place; returns those that did not carry it."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO image_label (image_id, label_id, position)
            SELECT wanted.id, label.id, coalesce(%(position)s::smallint, (
                SELECT coalesce(max(position), 0) + 1 FROM image_label WHERE image_id = wanted.id))
            FROM unnest(%(ids)s::bigint[]) AS wanted (id) JOIN image ON image.id = wanted.id
            JOIN label ON label.name = %(label)s
            ON CONFLICT DO NOTHING RETURNING image_id
            """,
            {"ids": list(image_ids), "label": label, "position": position},
        )
        return await cursor.fetchall()


async def delete_label(conn: Connection, image_ids: Sequence[int], label: str) -> list[tuple[int, int]]:
    """Take a label off pictures; returns (id, the place where it stood) of those that carried it."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            DELETE FROM image_label USING label
            WHERE label.id = image_label.label_id AND label.name = %s AND image_id = ANY(%s::bigint[])
            RETURNING image_id, position
            """,
            (label, list(image_ids)),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def set_documents(conn: Connection, image_ids: Sequence[int]) -> None:
    """The words that searches by text meet follow from the pictures'."""
    await conn.execute(
        """
        UPDATE image SET document = image_document(
            filename, caption || more_captions,
            ARRAY(SELECT label.name FROM image_label JOIN label ON label.id = image_label.label_id
                  WHERE image_label.image_id = image.id))
        WHERE id = ANY(%s::bigint[])
        """,
        (list(image_ids),),
    )


async def list_labels(conn: Connection, image_id: int) -> list[str]:
    """A picture's labels in order."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT label.name FROM image_label JOIN label ON label.id = image_label.label_id
            WHERE image_id = %s ORDER BY position
            """,
            (image_id,),
        )
        return await cursor.fetchall()
