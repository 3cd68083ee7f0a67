"""SQL that reads pictures; every query that shows one to a viewer asks `visible_collections`."""

from collections.abc import Sequence
from typing import LiteralString, TypeVar

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from psycopg.rows import class_row, scalar_row, tuple_row

from app.accounts.records import Viewer
from app.core.database import Connection
from app.core.errors import NotFound
from app.images.records import NO_FILTERS, Filters, Image, Mark, Order, PlacedImage, Region, Standing
from app.images.store_filters import VISIBLE, ordered, where_matching
from app.images.store_listing import where_listed

AnyImage = TypeVar("AnyImage", bound=Image)

MAX_ID = 2**63 - 1  # what is asked for may be any number; beyond bigint there is no picture
_COLUMNS: LiteralString = """
    SELECT image.id, image.owner_id, account.name AS owner_name, image.digest, image.filename, image.caption,
        image.source, image.format, image.width, image.height, image.size_bytes, image.created_at, image.trashed_at,
        image.more_captions, image.split, account.shares_metadata,
        ARRAY(SELECT label.name FROM image_label JOIN label ON label.id = image_label.label_id
              WHERE image_label.image_id = image.id ORDER BY image_label.position) AS labels
"""
_FROM: LiteralString = " FROM image JOIN account ON account.id = image.owner_id"
IMAGE: LiteralString = _COLUMNS + _FROM


async def list_page(
    conn: Connection, viewer: Viewer, filters: Filters, order: Order, mark: Mark | None, limit: int
) -> list[Image]:
    """Visible pictures in an order, from behind `mark` on."""
    where, values = await where_listed(conn, VISIBLE, filters, order)
    listed, place = ordered(where, order, mark)
    async with conn.cursor(row_factory=class_row(Image)) as cursor:
        await cursor.execute(
            sql.SQL(IMAGE) + listed + sql.SQL(" LIMIT %(limit)s"), {**viewer.values, "limit": limit, **values, **place}
        )
        return await cursor.fetchall()


async def list_visible(
    conn: Connection, viewer: Viewer, image_ids: Sequence[int], filters: Filters = NO_FILTERS
) -> list[Image]:
    """Those of these pictures that the viewer may see and that match, in the order of `image_ids`."""
    where, values = where_matching("image.id = ANY(%(ids)s::bigint[]) AND " + VISIBLE, filters)
    async with conn.cursor(row_factory=class_row(Image)) as cursor:
        await cursor.execute(
            sql.SQL(IMAGE) + where,
            {**viewer.values, "ids": [one for one in image_ids if abs(one) <= MAX_ID], **values},
        )
        return _in_order(image_ids, await cursor.fetchall())


async def list_placed(
    conn: Connection, viewer: Viewer, image_ids: Sequence[int], filters: Filters
) -> list[PlacedImage]:
    """As `list_visible`, each with a collection that it is seen in: that of the filters, or else the first by name."""
    where, values = where_matching("image.id = ANY(%(ids)s::bigint[]) AND image.trashed_at IS NULL", filters)
    placed = (
        _COLUMNS
        + ", place.name AS collection"
        + _FROM
        + """
            JOIN LATERAL (
                SELECT collection.name
                FROM collection_image AS standing JOIN collection ON collection.id = standing.collection_id
                WHERE standing.image_id = image.id
                AND collection.id IN (SELECT collection_id FROM visible_collections(%(viewer)s, %(links)s))
                ORDER BY collection.id IS DISTINCT FROM %(collection)s::bigint, lower(collection.name), collection.id
                LIMIT 1
            ) AS place ON true"""
    )
    async with conn.cursor(row_factory=class_row(PlacedImage)) as cursor:
        await cursor.execute(
            sql.SQL(placed) + where,
            {**viewer.values, "ids": list(image_ids), **values},
        )
        return _in_order(image_ids, await cursor.fetchall())


async def list_of_import(conn: Connection, viewer: Viewer, import_id: int, limit: int) -> list[Image]:
    """Visible pictures that an import brought, newest first."""
    async with conn.cursor(row_factory=class_row(Image)) as cursor:
        await cursor.execute(
            IMAGE + " WHERE image.import_id = %(import)s AND " + VISIBLE + " ORDER BY image.id DESC LIMIT %(limit)s",
            {**viewer.values, "import": import_id, "limit": limit},
        )
        return await cursor.fetchall()


async def list_perceptual_hashes(conn: Connection, image_ids: Sequence[int]) -> dict[int, bytes]:
    """The perceptual hashes of those of these pictures that have one."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT id, perceptual_hash FROM image
            WHERE id = ANY(%s::bigint[]) AND perceptual_hash IS NOT NULL
            """,
            (list(image_ids),),
        )
        return {row[0]: row[1] for row in await cursor.fetchall()}


async def get_visible(conn: Connection, viewer: Viewer, image_id: int) -> Image:
    """One picture. Raises NotFound for a missing and for a hidden one alike."""
    found = await list_visible(conn, viewer, [image_id])
    if not found:
        raise NotFound("no such picture")
    return found[0]


async def get_own(conn: Connection, owner: int | None, image_id: int) -> Image:
    """One picture of the owner's, in the trash or not. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Image)) as cursor:
        await cursor.execute(
            IMAGE + " WHERE image.id = %(id)s AND image.owner_id = %(owner)s",
            {"id": image_id, "owner": owner},
        )
        image = await cursor.fetchone()
    if image is None:
        raise NotFound("no such picture")
    return image


async def list_trash(conn: Connection, owner: int, before_id: int | None, limit: int) -> list[Image]:
    """The owner's trashed pictures, newest first."""
    async with conn.cursor(row_factory=class_row(Image)) as cursor:
        await cursor.execute(
            IMAGE
            + """ WHERE image.owner_id = %(owner)s AND image.trashed_at IS NOT NULL
            AND (%(before)s::bigint IS NULL OR image.id < %(before)s) ORDER BY image.id DESC LIMIT %(limit)s""",
            {"owner": owner, "before": before_id, "limit": limit},
        )
        return await cursor.fetchall()


async def list_standings(conn: Connection, viewer: Viewer, image_ids: Sequence[int]) -> list[Standing]:
    """Which visible collections these pictures stand in, by name."""
    async with conn.cursor(row_factory=class_row(Standing)) as cursor:
        await cursor.execute(
            """
            SELECT standing.image_id, collection.id AS collection_id, collection.name,
                CASE WHEN collection.is_public THEN 'public'
                    WHEN EXISTS (SELECT FROM collection_member AS m WHERE m.collection_id = collection.id) THEN 'shared'
                    ELSE 'private' END AS visibility
            FROM collection_image AS standing JOIN collection ON collection.id = standing.collection_id
            WHERE standing.image_id = ANY(%(ids)s::bigint[])
            AND standing.collection_id IN (SELECT collection_id FROM visible_collections(%(viewer)s, %(links)s))
            ORDER BY standing.image_id, lower(collection.name)
            """,
            {**viewer.values, "ids": list(image_ids)},
        )
        return await cursor.fetchall()


async def list_regions(conn: Connection, image_id: int) -> list[Region]:
    """What is known to be where in a picture."""
    async with conn.cursor(row_factory=class_row(Region)) as cursor:
        await cursor.execute(
            """
            SELECT label.name AS label, x, y, width, height FROM image_box JOIN label ON label.id = image_box.label_id
            WHERE image_id = %s ORDER BY position
            """,
            (image_id,),
        )
        return await cursor.fetchall()


async def find_neighbours(conn: Connection, viewer: Viewer, image_id: int) -> tuple[int | None, int | None]:
    """The ids before and behind this picture in the gallery's order: (newer, older)."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            "SELECT (SELECT image.id FROM image WHERE image.id > %(id)s AND " + VISIBLE + " ORDER BY image.id LIMIT 1),"
            " (SELECT image.id FROM image WHERE image.id < %(id)s AND " + VISIBLE + " ORDER BY image.id DESC LIMIT 1)",
            {**viewer.values, "id": image_id},
        )
        row = await cursor.fetchone()
    return (None, None) if row is None else (row[0], row[1])


async def may_edit(conn: Connection, viewer: Viewer, image_id: int) -> bool:
    """True for an editor or owner of a collection in which the picture stands."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT EXISTS (
                SELECT FROM collection_image AS standing
                JOIN collection ON collection.id = standing.collection_id
                LEFT JOIN collection_member AS member
                    ON member.collection_id = collection.id AND member.account_id = %(viewer)s
                WHERE standing.image_id = %(id)s
                AND (collection.owner_id = %(viewer)s OR member.role IN ('editor', 'owner')))
            """,
            {**viewer.values, "id": image_id},
        )
        return bool(await cursor.fetchone())


async def list_matching(conn: Connection, viewer: Viewer, filters: Filters) -> NDArray[np.int64]:
    """The ids of all visible pictures that match, in no order."""
    where, values = where_matching(VISIBLE, filters)
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            sql.SQL("SELECT string_agg(int8send(image.id), '') FROM image") + where, {**viewer.values, **values}
        )
        return np.frombuffer(await cursor.fetchone() or b"", ">i8").astype(np.int64)


def _in_order(image_ids: Sequence[int], images: Sequence[AnyImage]) -> list[AnyImage]:
    by_id = {image.id: image for image in images}
    return [by_id[image_id] for image_id in dict.fromkeys(image_ids) if image_id in by_id]
