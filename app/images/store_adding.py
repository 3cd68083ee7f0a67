"""SQL by which pictures come in, many at a time."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from psycopg.rows import class_row, scalar_row, tuple_row

from app.core.database import Connection
from app.core.errors import NotFound
from app.images.records import NewImage, Region


class Placed(NamedTuple):
    """A picture that stands in a collection."""

    image_id: int
    is_trashed: bool


class Undescribed(NamedTuple):
    """What one of the owner's pictures lacks."""

    image_id: int
    captions: bool
    split: bool
    labels: bool
    regions: bool


async def lock_collection(conn: Connection, collection_id: int) -> None:
    """Keep the collection from being deleted until the end of the transaction. Raises NotFound."""
    cursor = await conn.execute("SELECT FROM collection WHERE id = %s FOR KEY SHARE", (collection_id,))
    if cursor.rowcount == 0:
        raise NotFound("the collection was deleted meanwhile")


async def lock_digests(conn: Connection, digests: Sequence[bytes]) -> None:
    """Keep others from storing or erasing these files until the end of the transaction."""
    keys = sorted({int.from_bytes(digest[:8], "little", signed=True) for digest in digests})
    # In order: two writers with common files cannot deadlock.
    await conn.execute(
        "SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(%s::bigint[]) AS key ORDER BY 1) AS sorted", (keys,)
    )


async def list_in_collection(conn: Connection, collection_id: int, digests: Sequence[bytes]) -> dict[bytes, Placed]:
    """The pictures with these bytes in this collection, whoever's they are."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT standing.digest, image.id, image.trashed_at IS NOT NULL
            FROM collection_image AS standing JOIN image ON image.id = standing.image_id
            WHERE standing.collection_id = %s AND standing.digest = ANY(%s)
            """,
            (collection_id, list(digests)),
        )
        return {row[0]: Placed(row[1], row[2]) for row in await cursor.fetchall()}


async def list_own(conn: Connection, owner_id: int, digests: Sequence[bytes]) -> dict[bytes, int]:
    """The ids of the owner's pictures with these bytes, those in the trash included."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            "SELECT digest, id FROM image WHERE owner_id = %s AND digest = ANY(%s)", (owner_id, list(digests))
        )
        return {row[0]: row[1] for row in await cursor.fetchall()}


async def insert_images(
    conn: Connection, owner_id: int, import_id: int | None, new: Sequence[NewImage]
) -> dict[bytes, int]:
    """Pictures that the owner has not got, with labels and regions; returns their ids by digest.

    The names of all their labels must be known (`store_writes.ensure_labels`).
    """
    await _copy_incoming(conn, new)
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO image (owner_id, import_id, digest, perceptual_hash, filename, caption, more_captions, source,
                split, format, width, height, size_bytes, document)
            SELECT %(owner)s, %(import)s, digest, perceptual_hash, filename, coalesce(captions[1], ''), captions[2:],
                source, split, format, width, height, size_bytes, image_document(filename, captions, labels)
            FROM incoming_image AS incoming ORDER BY position
            RETURNING digest, id
            """,
            {"owner": owner_id, "import": import_id},
        )
        ids: dict[bytes, int] = {row[0]: row[1] for row in await cursor.fetchall()}
    await conn.execute(
        """
        INSERT INTO image_label (image_id, label_id, position)
        SELECT image.id, label.id, given.position
        FROM incoming_image AS incoming JOIN image ON image.owner_id = %s AND image.digest = incoming.digest
        CROSS JOIN unnest(incoming.labels) WITH ORDINALITY AS given (name, position)
        JOIN label ON label.name = given.name
        """,
        (owner_id,),
    )
    await copy_regions(conn, {ids[one.digest]: one.description.regions for one in new})
    return ids


async def restore(conn: Connection, image_ids: Sequence[int]) -> list[int]:
    """Take pictures out of the trash; returns those that lay there."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "UPDATE image SET trashed_at = NULL WHERE id = ANY(%s) AND trashed_at IS NOT NULL RETURNING id",
            (list(image_ids),),
        )
        return await cursor.fetchall()


async def delete_standings(conn: Connection, collection_id: int, image_ids: Sequence[int]) -> None:
    await conn.execute(
        "DELETE FROM collection_image WHERE collection_id = %s AND image_id = ANY(%s)", (collection_id, list(image_ids))
    )


async def insert_standings(conn: Connection, collection_id: int, image_ids: Sequence[int]) -> list[int]:
    """Put pictures into a collection; returns those that did not stand there, nor the same bytes."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO collection_image (collection_id, image_id, digest)
            SELECT %s, id, digest FROM image WHERE id = ANY(%s) ORDER BY id
            ON CONFLICT DO NOTHING RETURNING image_id
            """,
            (collection_id, list(image_ids)),
        )
        return await cursor.fetchall()


async def _copy_incoming(conn: Connection, new: Sequence[NewImage]) -> None:
    # Made once per connection; whatever a transaction left there is gone with it.
    await conn.execute(
        """
        CREATE TEMPORARY TABLE IF NOT EXISTS incoming_image (
            position integer, digest bytea, perceptual_hash bytea, filename text, captions text[], labels text[],
            source text, split text, format text, width integer, height integer, size_bytes bigint
        ) ON COMMIT DELETE ROWS
        """
    )
    await conn.execute("TRUNCATE incoming_image")  # for a second batch of one transaction
    async with (
        conn.cursor() as cursor,
        cursor.copy(
            """
            COPY incoming_image (position, digest, perceptual_hash, filename, captions, labels, source, split, format,
                width, height, size_bytes) FROM STDIN
            """
        ) as copy,
    ):
        for position, one in enumerate(new):
            told = one.description
            words = (one.filename, list(told.captions), list(told.labels), one.source, told.split, one.format)
            size = (one.width, one.height, one.size_bytes)
            await copy.write_row((position, one.digest, one.perceptual_hash, *words, *size))


async def list_undescribed(conn: Connection, owner_id: int, image_ids: Sequence[int]) -> list[Undescribed]:
    """Those of the owner's pictures that lack something: labels, captions, regions or their split."""
    async with conn.cursor(row_factory=class_row(Undescribed)) as cursor:
        await cursor.execute(
            """
            SELECT * FROM (
                SELECT id AS image_id, caption = '' AND more_captions = '{}' AS captions, split = '' AS split,
                    NOT EXISTS (SELECT FROM image_label WHERE image_id = image.id) AS labels,
                    NOT EXISTS (SELECT FROM image_box WHERE image_id = image.id) AS regions
                FROM image WHERE owner_id = %s AND id = ANY(%s)
            ) AS lacking WHERE captions OR split OR labels OR regions
            """,
            (owner_id, list(image_ids)),
        )
        return await cursor.fetchall()


async def set_captions(conn: Connection, image_id: int, captions: Sequence[str]) -> None:
    """All captions of a picture; its document follows with its labels."""
    await conn.execute(
        "UPDATE image SET caption = %s, more_captions = %s WHERE id = %s", (captions[0], list(captions[1:]), image_id)
    )


async def set_split(conn: Connection, image_id: int, split: str) -> None:
    await conn.execute("UPDATE image SET split = %s WHERE id = %s", (split, image_id))


async def copy_regions(conn: Connection, regions: Mapping[int, Sequence[Region]]) -> None:
    """Regions by picture; the names of their labels must be known."""
    names = sorted({one.label for of_image in regions.values() for one in of_image})
    if not names:
        return
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute("SELECT name, id FROM label WHERE name = ANY(%s)", (names,))
        label_ids: dict[str, int] = {row[0]: row[1] for row in await cursor.fetchall()}
        async with cursor.copy("COPY image_box (image_id, position, label_id, x, y, width, height) FROM STDIN") as copy:
            for image_id, of_image in regions.items():
                for position, one in enumerate(of_image):
                    corner = (one.x, one.y, one.width, one.height)
                    await copy.write_row((image_id, position, label_ids[one.label], *corner))
