"""SQL that counts the pictures that a viewer may see: from the tally where it can tell, else by looking at them."""

from typing import LiteralString

from psycopg import sql
from psycopg.rows import class_row, scalar_row, tuple_row

from app.accounts.records import Viewer
from app.core.database import Connection
from app.images.records import Filters, LabelCount
from app.images.store import VISIBLE
from app.images.store_filters import where_matching
from app.images.store_listing import where_listed

# Sets of collections of which one is visible. The array is made once; a subquery would be asked for each set.
_SEEN: LiteralString = """
    WHERE placement.collection_ids && ARRAY(SELECT collection_id FROM visible_collections(%(viewer)s, %(links)s))
    AND (%(collection)s::bigint IS NULL OR placement.collection_ids @> ARRAY[%(collection)s::bigint])
"""
_TALLY: LiteralString = " FROM tally JOIN placement ON placement.id = tally.placement_id"
# Only where it is asked: the planner takes it for one label of a few, and would add up the tally for each of all.
_BEGINS: LiteralString = " AND starts_with(lower(label.name), lower(%(prefix)s))"


async def count_visible(conn: Connection, viewer: Viewer, filters: Filters) -> int:
    """How many pictures the viewer may see, narrowed by collection and label at most: by the tally."""
    labelled: LiteralString = " AND tally.label_id = (SELECT id FROM label WHERE name = %(label)s)"
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT coalesce(sum(tally.images), 0)::bigint"
            + _TALLY
            + _SEEN
            + (" AND tally.label_id IS NULL" if filters.label is None else labelled),
            {**viewer.values, "collection": filters.collection_id, "label": filters.label},
        )
        return await cursor.fetchone() or 0


async def list_labels(
    conn: Connection, viewer: Viewer, collection_id: int | None, limit: int, prefix: str = ""
) -> list[LabelCount]:
    """The most frequent labels among the visible pictures, of one collection if named, by the tally."""
    async with conn.cursor(row_factory=class_row(LabelCount)) as cursor:
        await cursor.execute(
            "SELECT label.name, sum(tally.images)::bigint AS count"
            + _TALLY
            + " JOIN label ON label.id = tally.label_id"
            + _SEEN
            + (_BEGINS if prefix else "")
            + """
            GROUP BY label.id HAVING sum(tally.images) > 0
            ORDER BY sum(tally.images) DESC, label.name LIMIT %(limit)s
            """,
            {**viewer.values, "collection": collection_id, "limit": limit, "prefix": prefix},
        )
        return await cursor.fetchall()


async def count_newest_matching(
    conn: Connection, viewer: Viewer, filters: Filters, most: int, limit: int
) -> tuple[int, list[LabelCount]]:
    """How many visible pictures match, and their most frequent labels, by looking at the newest `most` of them."""
    where, values = await where_listed(conn, VISIBLE, filters, "newest")
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            sql.SQL("WITH matching AS MATERIALIZED (SELECT image.id FROM image")
            + where
            + sql.SQL(
                """ ORDER BY image.id DESC LIMIT %(most)s)
                SELECT total.pictures, carried.name, carried.images
                FROM (SELECT count(*) AS pictures FROM matching) AS total
                LEFT JOIN (
                    SELECT label.name, count(*) AS images
                    FROM matching JOIN image_label ON image_label.image_id = matching.id
                    JOIN label ON label.id = image_label.label_id
                    GROUP BY label.id ORDER BY count(*) DESC, label.name LIMIT %(limit)s
                ) AS carried ON true ORDER BY carried.images DESC, carried.name
                """
            ),
            {**viewer.values, "most": most, "limit": limit, **values},
        )
        rows = await cursor.fetchall()
    return rows[0][0], [LabelCount(name, images) for _, name, images in rows if name is not None]


async def list_matching_labels(
    conn: Connection, viewer: Viewer, filters: Filters, limit: int, prefix: str = ""
) -> list[LabelCount]:
    """The most frequent labels among all visible pictures that match, by looking at each."""
    where, values = where_matching(VISIBLE, filters)
    async with conn.cursor(row_factory=class_row(LabelCount)) as cursor:
        await cursor.execute(
            sql.SQL("WITH matching AS MATERIALIZED (SELECT image.id FROM image")
            + where
            + sql.SQL(
                """)
                SELECT label.name, count(*) AS count
                FROM matching JOIN image_label AS carried ON carried.image_id = matching.id
                JOIN label ON label.id = carried.label_id"""
                + (_BEGINS if prefix else "")
                + " GROUP BY label.name ORDER BY count(*) DESC, label.name LIMIT %(limit)s"
            ),
            {**viewer.values, "limit": limit, "prefix": prefix, **values},
        )
        return await cursor.fetchall()


async def fold_tally(conn: Connection) -> None:
    """Make one row of those that add up. What is appended meanwhile stays beside it."""
    await conn.execute(
        """
        WITH many AS (
            SELECT placement_id, label_id FROM tally
            GROUP BY placement_id, label_id HAVING count(*) > 1 OR sum(images) = 0
        ), gone AS (
            DELETE FROM tally USING many
            WHERE tally.placement_id = many.placement_id AND tally.label_id IS NOT DISTINCT FROM many.label_id
            RETURNING tally.*
        )
        INSERT INTO tally (placement_id, label_id, images)
        SELECT placement_id, label_id, sum(images) FROM gone
        GROUP BY placement_id, label_id HAVING sum(images) <> 0
        """
    )
