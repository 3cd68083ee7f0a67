"""SQL of evaluation: which labelled pictures there are."""

from dataclasses import dataclass

from psycopg.rows import class_row, tuple_row

from app.core.database import Connection


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A collection, or the part of it whose pictures carry `group` as a further label."""

    collection_id: int
    collection: str
    group: str | None


async def list_sets(conn: Connection, collection_id: int | None, group: str | None) -> list[LabelledSet]:
    """Collections that hold labelled pictures, each followed by its groups."""
    async with conn.cursor(row_factory=class_row(LabelledSet)) as cursor:
        await cursor.execute(
            """
            SELECT DISTINCT collection.id AS collection_id, collection.name AS collection, part.name AS "group"
            FROM collection
            JOIN collection_image AS standing ON standing.collection_id = collection.id
            JOIN image_label AS first ON first.image_id = standing.image_id AND first.position = 1
            CROSS JOIN LATERAL (
                SELECT NULL AS name
                UNION ALL
                SELECT label.name FROM image_label AS further JOIN label ON label.id = further.label_id
                WHERE further.image_id = standing.image_id AND further.position > 1
            ) AS part
            WHERE (%(collection)s::bigint IS NULL OR collection.id = %(collection)s)
            AND (%(group)s::text IS NULL OR part.name = %(group)s)
            ORDER BY collection.name, collection.id, part.name NULLS FIRST
            """,
            {"collection": collection_id, "group": group},
        )
        return await cursor.fetchall()


async def list_labelled(conn: Connection, collection_id: int, group: str | None) -> list[tuple[int, str]]:
    """(id, first label) of the untrashed labelled pictures of a set."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT image.id, label.name
            FROM collection_image AS standing
            JOIN image ON image.id = standing.image_id AND image.trashed_at IS NULL
            JOIN image_label AS first ON first.image_id = image.id AND first.position = 1
            JOIN label ON label.id = first.label_id
            WHERE standing.collection_id = %(collection)s
            AND (%(group)s::text IS NULL OR EXISTS (
                SELECT FROM image_label AS further JOIN label AS part ON part.id = further.label_id
                WHERE further.image_id = image.id AND part.name = %(group)s))
            ORDER BY image.id
            """,
            {"collection": collection_id, "group": group},
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]
