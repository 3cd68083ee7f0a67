"""SQL of index versions, memberships and labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from app.core.database import Connection
from app.core.errors import NotFound
from app.search.records import Drift, IndexVersion


async def insert_version(
    conn: Connection, version_id: int, model_id: int, seq: int, manifest: dict[str, object]
) -> None:
    """Record a build whose files have been published under this id."""
    await conn.execute(
        """
        INSERT INTO index_version (id, model_id, seq, manifest) OVERRIDING SYSTEM VALUE
        VALUES (%s, %s, %s, %s)
        """,
        (version_id, model_id, seq, Jsonb(manifest)),
    )


async def activate_version(conn: Connection, model_id: int, version_id: int) -> None:
    """Make this version its model's active one."""
    await conn.execute("UPDATE index_version SET is_active = false WHERE model_id = %s AND is_active", (model_id,))
    await conn.execute("UPDATE index_version SET is_active = true WHERE id = %s", (version_id,))


async def list_versions(conn: Connection, model_id: int | None = None) -> list[IndexVersion]:
    """Published versions, newest first."""
    async with conn.cursor(row_factory=class_row(IndexVersion)) as cursor:
        await cursor.execute(
            """
            SELECT version.*, model.name AS model FROM index_version AS version
            JOIN model ON model.id = version.model_id
            WHERE %(model)s::bigint IS NULL OR version.model_id = %(model)s ORDER BY version.id DESC
            """,
            {"model": model_id},
        )
        return await cursor.fetchall()


async def get_version(conn: Connection, version_id: int) -> IndexVersion:
    """One published version. Raises NotFound."""
    found = next((one for one in await list_versions(conn) if one.id == version_id), None)
    if found is None:
        raise NotFound(f"there is no version v{version_id} of an index")
    return found


async def delete_version(conn: Connection, version_id: int) -> None:
    await conn.execute("DELETE FROM index_version WHERE id = %s", (version_id,))


async def next_version_id(conn: Connection) -> int:
    """A new version's id, before its row: the files are published under it first."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT nextval(pg_get_serial_sequence('index_version', 'id'))")
        return await cursor.fetchone() or 0


async def get_drift(conn: Connection, model_id: int, seq: int) -> Drift:
    """How the gallery has moved on from a position of the log."""
    async with conn.cursor(row_factory=class_row(Drift)) as cursor:
        await cursor.execute(
            """
            WITH touched AS (
                SELECT DISTINCT image_id FROM change_log
                WHERE seq > %(seq)s
                AND (kind IN ('retracted', 'restored') OR (kind = 'embedded' AND model_id = %(model)s)))
            SELECT count(*) AS living, count(touched.image_id) AS fresh
            FROM embedding JOIN image ON image.id = embedding.image_id
            LEFT JOIN touched ON touched.image_id = embedding.image_id
            WHERE embedding.model_id = %(model)s AND image.trashed_at IS NULL
            """,
            {"seq": seq, "model": model_id},
        )
        return await cursor.fetchone() or Drift(0, 0)


async def list_memberships(conn: Connection) -> list[tuple[int, list[int]]]:
    """Every collection with the ids of its pictures."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute("SELECT collection_id, array_agg(image_id) FROM collection_image GROUP BY collection_id")
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def list_labelled(conn: Connection, label: str) -> NDArray[np.int64]:
    """The ids of all pictures that carry a label, whoever's and in the trash or not: never shown, only selected by."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT string_agg(int8send(carried.image_id), '')
            FROM image_label AS carried JOIN label ON label.id = carried.label_id WHERE label.name = %s
            """,
            (label,),
        )
        return np.frombuffer(await cursor.fetchone() or b"", ">i8").astype(np.int64)


async def list_carried(conn: Connection, image_ids: Sequence[int], labels: Sequence[str]) -> dict[str, list[int]]:
    """Which of these pictures carry which of these labels."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT label.name, array_agg(carried.image_id)
            FROM image_label AS carried JOIN label ON label.id = carried.label_id
            WHERE carried.image_id = ANY(%s::bigint[]) AND label.name = ANY(%s::text[]) GROUP BY label.name
            """,
            (list(image_ids), list(labels)),
        )
        return {row[0]: row[1] for row in await cursor.fetchall()}


async def list_living(conn: Connection, image_ids: Sequence[int]) -> list[int]:
    """Those of these pictures that are there and not in the trash."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT id FROM image WHERE id = ANY(%s::bigint[]) AND trashed_at IS NULL", (list(image_ids),)
        )
        return await cursor.fetchall()
