"""SQL of models, embeddings and attempts."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import class_row, scalar_row, tuple_row

from app.core.database import Connection
from app.core.errors import NotFound
from app.embedding.records import ModelRow, Progress, Waiting

# Once in a batch, which proves nothing of any one picture in it, then twice alone.
MAX_ATTEMPTS = 3
EMBEDDING_LOCK = 0x656D6265  # "embe"
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
COPY_TRAILER = struct.pack(">h", -1)


async def lock_embedding(conn: Connection) -> None:
    """Wait until no other session embeds, and keep others waiting until this one ends."""
    await conn.execute("SELECT pg_advisory_lock(%s)", (EMBEDDING_LOCK,))


async def put_model(conn: Connection, name: str, identity: str, dim: int) -> ModelRow:
    """The row of this identity, made if it is missing."""
    async with conn.cursor(row_factory=class_row(ModelRow)) as cursor:
        await cursor.execute(
            """
            INSERT INTO model (name, identity, dim) VALUES (%(name)s, %(identity)s, %(dim)s)
            ON CONFLICT (identity) DO UPDATE SET name = excluded.name RETURNING *
            """,
            {"name": name, "identity": identity, "dim": dim},
        )
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return row


async def get_model(conn: Connection, model_id: int) -> ModelRow:
    """One model by id. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(ModelRow)) as cursor:
        await cursor.execute("SELECT * FROM model WHERE id = %s", (model_id,))
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("no such model")
    return row


async def list_fresh(conn: Connection, model_id: int, *, after_id: int, limit: int) -> list[Waiting]:
    """Untrashed pictures behind `after_id` that wait for this model and were never begun."""
    async with conn.cursor(row_factory=class_row(Waiting)) as cursor:
        await cursor.execute(
            """
            SELECT id AS image_id, digest FROM image
            WHERE id > %(after)s AND trashed_at IS NULL
            AND NOT EXISTS (SELECT FROM embedding WHERE model_id = %(model)s AND image_id = image.id)
            AND NOT EXISTS (SELECT FROM embedding_attempt WHERE model_id = %(model)s AND image_id = image.id)
            ORDER BY id LIMIT %(limit)s
            """,
            {"model": model_id, "after": after_id, "limit": limit},
        )
        return await cursor.fetchall()


async def list_begun(conn: Connection, model_id: int, *, attempts: int, limit: int) -> list[Waiting]:
    """Untrashed pictures that were begun `attempts` times for this model and never ended."""
    async with conn.cursor(row_factory=class_row(Waiting)) as cursor:
        await cursor.execute(
            """
            SELECT image.id AS image_id, image.digest
            FROM embedding_attempt AS attempt JOIN image ON image.id = attempt.image_id
            WHERE attempt.model_id = %(model)s AND attempt.reason IS NULL AND attempt.attempts = %(attempts)s
            AND image.trashed_at IS NULL
            AND NOT EXISTS (SELECT FROM embedding WHERE model_id = %(model)s AND image_id = image.id)
            ORDER BY image.id LIMIT %(limit)s
            """,
            {"model": model_id, "attempts": attempts, "limit": limit},
        )
        return await cursor.fetchall()


async def last_image_id(conn: Connection) -> int:
    """The newest picture's id; 0 when there is none."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT coalesce(max(id), 0) FROM image")
        return await cursor.fetchone() or 0


async def put_attempts(conn: Connection, model_id: int, image_ids: Sequence[int]) -> None:
    """Note that these pictures are about to be decoded."""
    await conn.execute(
        """
        INSERT INTO embedding_attempt (model_id, image_id, attempts)
        SELECT %(model)s, id, 1 FROM image WHERE id = ANY(%(ids)s::bigint[])
        ON CONFLICT (model_id, image_id) DO UPDATE
        SET attempts = embedding_attempt.attempts + 1, attempted_at = now()
        """,
        {"model": model_id, "ids": list(image_ids)},
    )


async def give_back_attempts(conn: Connection, model_id: int, image_ids: Sequence[int]) -> None:
    """Take back what `put_attempts` noted: these pictures were left alone before anything came of them."""
    await conn.execute(
        """
        UPDATE embedding_attempt SET attempts = attempts - 1
        WHERE model_id = %(model)s AND image_id = ANY(%(ids)s::bigint[]) AND reason IS NULL
        """,
        {"model": model_id, "ids": list(image_ids)},
    )
    await conn.execute("DELETE FROM embedding_attempt WHERE model_id = %s AND attempts <= 0", (model_id,))


async def fail_attempt(conn: Connection, model_id: int, image_id: int, reason: str) -> None:
    """Give up on a picture for this model, with the reason that people will read."""
    await conn.execute(
        "UPDATE embedding_attempt SET reason = %s, attempted_at = now() WHERE model_id = %s AND image_id = %s",
        (reason, model_id, image_id),
    )


async def fail_exhausted(conn: Connection, model_id: int) -> None:
    """Quarantine what was begun too often and never ended: it took its process down."""
    await conn.execute(
        """
        UPDATE embedding_attempt SET reason = 'the process ended each time that it worked on this picture'
        WHERE model_id = %s AND reason IS NULL AND attempts >= %s
        """,
        (model_id, MAX_ATTEMPTS),
    )


async def retry_failed(conn: Connection, image_id: int | None = None) -> int:
    """Forget all failures, or those of one picture, so that they are tried again. Returns how many there were."""
    cursor = await conn.execute(
        """
        DELETE FROM embedding_attempt
        WHERE reason IS NOT NULL AND (%(image)s::bigint IS NULL OR image_id = %(image)s)
        """,
        {"image": image_id},
    )
    return cursor.rowcount


async def append_embeddings(
    conn: Connection, model_id: int, image_ids: Sequence[int], embeddings: NDArray[np.float32]
) -> list[int]:
    """Store embeddings `[n, d]` as float16 by COPY. Returns the ids that are new: pictures that were erased
    meanwhile, and those that another writer was first with, are left out."""
    await conn.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (image_id bigint, vector bytea) ON COMMIT DELETE ROWS"
    )
    async with conn.cursor() as cursor, cursor.copy("COPY incoming FROM STDIN (FORMAT binary)") as copy:
        await copy.write(COPY_HEADER + copy_rows(np.asarray(image_ids, np.int64), embeddings) + COPY_TRAILER)
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO embedding (model_id, image_id, vector)
            SELECT %(model)s, incoming.image_id, incoming.vector
            FROM incoming JOIN image ON image.id = incoming.image_id
            ORDER BY incoming.image_id FOR KEY SHARE OF image
            ON CONFLICT DO NOTHING RETURNING image_id
            """,
            {"model": model_id},
        )
        stored = await cursor.fetchall()
        await cursor.execute(
            "DELETE FROM embedding_attempt WHERE model_id = %s AND image_id = ANY(%s::bigint[])",
            (model_id, list(image_ids)),
        )
    return stored


def copy_rows(image_ids: NDArray[np.int64], embeddings: NDArray[np.float32]) -> bytes:
    """Rows (bigint, bytea of float16) in COPY's binary format, made by numpy: 330,000 rows/s at 384 dimensions."""
    half = embeddings.astype("<f2")
    n, dim = half.shape
    rows = np.empty(
        n,
        dtype=[
            ("fields", ">i2"),
            ("l1", ">i4"),
            ("id", ">i8"),
            ("l2", ">i4"),
            ("vector", "V" + str(2 * dim)),
        ],
    )
    rows["fields"], rows["l1"], rows["l2"] = 2, 8, 2 * dim
    rows["id"] = image_ids
    rows["vector"] = half.view("V" + str(2 * dim)).reshape(n)
    return rows.tobytes()


async def list_embeddings(
    conn: Connection, model_id: int, dim: int, image_ids: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(ids `[n]`, embeddings `[n, d]`) of those of these pictures that have one."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            "SELECT image_id, vector FROM embedding WHERE model_id = %s AND image_id = ANY(%s::bigint[])",
            (model_id, list(image_ids)),
            binary=True,
        )
        rows = await cursor.fetchall()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    return ids, decode_vectors(b"".join(row[1] for row in rows), dim)


def decode_vectors(stored: bytes, dim: int) -> NDArray[np.float32]:
    """float16 bytes as float32 `[n, dim]`."""
    return np.frombuffer(stored, "<f2").reshape(-1, dim).astype(np.float32)


async def count_progress(conn: Connection, model_id: int) -> Progress:
    """How far this model is with the untrashed pictures."""
    async with conn.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute(
            """
            SELECT count(embedding.image_id) AS embedded,
                count(*) FILTER (WHERE embedding.image_id IS NULL AND attempt.reason IS NULL) AS waiting,
                count(*) FILTER (WHERE embedding.image_id IS NULL AND attempt.reason IS NOT NULL) AS failed
            FROM image
            LEFT JOIN embedding ON embedding.image_id = image.id AND embedding.model_id = %(model)s
            LEFT JOIN embedding_attempt AS attempt ON attempt.image_id = image.id AND attempt.model_id = %(model)s
            WHERE image.trashed_at IS NULL
            """,
            {"model": model_id},
        )
        return await cursor.fetchone() or Progress(0, 0, 0)
