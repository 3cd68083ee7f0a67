"""SQL that changes pictures, their labels and where they stand."""

from collections.abc import Sequence

from psycopg.rows import scalar_row, tuple_row

from app.core.database import Connection


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


async def ensure_labels(conn: Connection, labels: Sequence[str]) -> None:
    """Add label names, in a transaction of their own: two imports that add the same ones cannot deadlock."""
    await conn.execute(
        "INSERT INTO label (name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING",
        (sorted(set(labels)),),
    )


async def set_labels(conn: Connection, image_id: int, labels: Sequence[str]) -> None:
    """Replace a picture's labels, keeping their order."""
    await conn.execute("DELETE FROM image_label WHERE image_id = %s", (image_id,))
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
    await set_document(conn, image_id)


async def set_caption(conn: Connection, image_id: int, caption: str) -> None:
    await conn.execute("UPDATE image SET caption = %s WHERE id = %s", (caption, image_id))
    await set_document(conn, image_id)


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
    """(id, whether it stands in no other collection) of every picture in a collection.

    Until the transaction ends nobody takes a picture out of another place, trusting that it stands here.
    """
    await conn.execute("SELECT FROM collection WHERE id = %s FOR UPDATE", (collection_id,))
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


async def set_document(conn: Connection, image_id: int) -> None:
    """The words that searches by text meet follow from the picture's."""
    await conn.execute(
        """
        UPDATE image SET document = image_document(
            filename, caption || more_captions,
            ARRAY(SELECT label.name FROM image_label JOIN label ON label.id = image_label.label_id
                  WHERE image_label.image_id = image.id))
        WHERE id = %s
        """,
        (image_id,),
    )
