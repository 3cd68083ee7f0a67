"""SQL by which pictures come in, many at a time."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.rows import scalar_row, tuple_row

from app.core.database import Connection
from app.core.errors import NotFound
from app.images.records import NewImage


class Placed(NamedTuple):
    """A picture that stands in a collection."""

    image_id: int
    is_trashed: bool


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
    await _copy_regions(conn, [(ids[one.digest], one) for one in new if one.regions])
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
            words = (one.filename, list(one.captions), list(one.labels), one.source, one.split, one.format)
            size = (one.width, one.height, one.size_bytes)
            await copy.write_row((position, one.digest, one.perceptual_hash, *words, *size))


async def _copy_regions(conn: Connection, new: Sequence[tuple[int, NewImage]]) -> None:
    if not new:
        return
    names = sorted({region.label for _, one in new for region in one.regions})
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute("SELECT name, id FROM label WHERE name = ANY(%s)", (names,))
        label_ids: dict[str, int] = {row[0]: row[1] for row in await cursor.fetchall()}
        async with cursor.copy("COPY image_box (image_id, position, label_id, x, y, width, height) FROM STDIN") as copy:
            for image_id, one in new:
                for position, region in enumerate(one.regions):
                    corner = (region.x, region.y, region.width, region.height)
                    await copy.write_row((image_id, position, label_ids[region.label], *corner))
