"""SQL that changes pictures, their labels and where they stand."""

from collections.abc import Sequence

from psycopg.rows import scalar_row, tuple_row

from app.core.database import Connection
from app.images.records import NewImage


async def lock_digests(conn: Connection, digests: Sequence[bytes]) -> None:
    """Keep others from storing or erasing these files until the end of the transaction."""
    keys = sorted({int.from_bytes(digest[:8], "little", signed=True) for digest in digests})
    for key in keys:  # one by one, in order: two writers with common files cannot deadlock
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (key,))


async def insert_image(conn: Connection, owner_id: int, new: NewImage) -> tuple[int, bool]:
    """(id, whether the row is new): one row per owner and digest; what is there already is left as it is."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO image (owner_id, digest, perceptual_hash, filename, caption, source, format, width, height,
                size_bytes)
            VALUES (%(owner)s, %(digest)s, %(perceptual_hash)s, %(filename)s, %(caption)s, %(source)s, %(format)s,
                %(width)s, %(height)s, %(size)s)
            ON CONFLICT (owner_id, digest) DO UPDATE SET digest = excluded.digest
            RETURNING id, xmax = 0
            """,
            {
                "owner": owner_id,
                "digest": new.digest,
                "perceptual_hash": new.perceptual_hash,
                "filename": new.filename,
                "caption": new.caption,
                "source": new.source,
                "format": new.format,
                "width": new.width,
                "height": new.height,
                "size": new.size_bytes,
            },
        )
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return row[0], row[1]


async def list_unhashed(conn: Connection, *, after_id: int, limit: int) -> list[tuple[int, bytes]]:
    """(id, digest) of pictures behind `after_id` that have no perceptual hash."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT id, digest FROM image WHERE id > %(after)s AND perceptual_hash IS NULL ORDER BY id LIMIT %(limit)s
            """,
            {"after": after_id, "limit": limit},
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def set_perceptual_hash(conn: Connection, image_id: int, perceptual_hash: bytes) -> None:
    await conn.execute("UPDATE image SET perceptual_hash = %s WHERE id = %s", (perceptual_hash, image_id))


async def find_in_collection(conn: Connection, collection_id: int, digest: bytes) -> tuple[int, bool] | None:
    """(id, whether it is in the trash) of the picture with these bytes in this collection, whoever's it is."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT image.id, image.trashed_at IS NOT NULL
            FROM collection_image AS standing JOIN image ON image.id = standing.image_id
            WHERE standing.collection_id = %s AND standing.digest = %s
            """,
            (collection_id, digest),
        )
        row = await cursor.fetchone()
    return None if row is None else (row[0], row[1])


async def insert_standing(conn: Connection, collection_id: int, image_id: int) -> bool:
    """Put a picture into a collection. False when it, or the same bytes, stand there already."""
    cursor = await conn.execute(
        """
        INSERT INTO collection_image (collection_id, image_id, digest)
        SELECT %(collection)s, id, digest FROM image WHERE id = %(image)s
        ON CONFLICT DO NOTHING
        """,
        {"collection": collection_id, "image": image_id},
    )
    return cursor.rowcount == 1


async def delete_standing(conn: Connection, collection_id: int, image_id: int) -> None:
    await conn.execute(
        "DELETE FROM collection_image WHERE collection_id = %s AND image_id = %s", (collection_id, image_id)
    )


async def ensure_labels(conn: Connection, labels: Sequence[str]) -> None:
    """Add label names, in a transaction of their own: two imports that add the same ones cannot deadlock."""
    await conn.execute(
        "INSERT INTO label (name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING",
        (sorted(set(labels)),),
    )


async def set_labels(conn: Connection, image_id: int, labels: Sequence[str]) -> None:
    """Replace a picture's labels, keeping their order."""
    await conn.execute("DELETE FROM image_label WHERE image_id = %s", (image_id,))
    if not labels:
        return
    await ensure_labels(conn, labels)
    await conn.execute(
        """
        INSERT INTO image_label (image_id, label_id, position)
        SELECT %(image)s, label.id, given.position
        FROM unnest(%(labels)s::text[]) WITH ORDINALITY AS given (name, position)
        JOIN label ON label.name = given.name
        """,
        {"image": image_id, "labels": list(labels)},
    )


async def set_caption(conn: Connection, image_id: int, caption: str) -> None:
    await conn.execute("UPDATE image SET caption = %s WHERE id = %s", (caption, image_id))


async def set_trashed(conn: Connection, image_id: int, *, trashed: bool) -> bool:
    """Move a picture to the trash or out of it. False when it was so already."""
    cursor = await conn.execute(
        """
        UPDATE image SET trashed_at = CASE WHEN %(trashed)s THEN now() END
        WHERE id = %(id)s AND (trashed_at IS NOT NULL) <> %(trashed)s
        """,
        {"id": image_id, "trashed": trashed},
    )
    return cursor.rowcount == 1


async def delete_image(conn: Connection, image_id: int) -> None:
    """Erase the row and with it labels, standings and embeddings."""
    await conn.execute("DELETE FROM image WHERE id = %s", (image_id,))


async def has_digest(conn: Connection, digest: bytes) -> bool:
    """True while any picture still needs the file."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT EXISTS (SELECT FROM image WHERE digest = %s)", (digest,))
        return bool(await cursor.fetchone())


async def list_expired(conn: Connection, days: int, limit: int) -> list[tuple[int, bytes]]:
    """(id, digest) of pictures that have been in the trash for longer."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            "SELECT id, digest FROM image WHERE trashed_at < now() - make_interval(days => %s) ORDER BY id LIMIT %s",
            (days, limit),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def list_in_collection(conn: Connection, collection_id: int) -> list[tuple[int, bool]]:
    """(id, whether it stands in no other collection) of every picture in a collection."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT image_id, NOT EXISTS (
                SELECT FROM collection_image AS other
                WHERE other.image_id = standing.image_id AND other.collection_id <> standing.collection_id)
            FROM collection_image AS standing WHERE collection_id = %s ORDER BY image_id
            """,
            (collection_id,),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def delete_collection(conn: Connection, collection_id: int) -> None:
    await conn.execute("DELETE FROM collection WHERE id = %s", (collection_id,))


async def stands_anywhere(conn: Connection, image_id: int) -> bool:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT EXISTS (SELECT FROM collection_image WHERE image_id = %s)", (image_id,))
        return bool(await cursor.fetchone())
