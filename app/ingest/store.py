"""SQL of imports: where they stand, and what they refused."""

from collections.abc import Sequence

from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from app.core.database import Connection
from app.core.errors import NotFound
from app.ingest.records import Import, NewImport, Refusal

_LOCK_CLASS = 5  # of advisory locks with two keys
_IMPORT = """
    SELECT import.id, import.job_id, import.owner_id, account.name AS owner_name, import.collection_id,
        collection.name AS collection_name, import.kind, import.name, import.options, import.position, import.added,
        import.existing, import.refused, import.checks, import.trying, import.deaths, import.created_at
    FROM import JOIN account ON account.id = import.owner_id
    LEFT JOIN collection ON collection.id = import.collection_id
"""


async def try_lock(session: Connection, import_id: int) -> bool:
    """Take the import for this session; False when another process has it. Let go of when the session ends."""
    async with session.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK_CLASS, import_id))
        return bool(await cursor.fetchone())


async def unlock(session: Connection, import_id: int) -> None:
    await session.execute("SELECT pg_advisory_unlock(%s, %s)", (_LOCK_CLASS, import_id))


async def insert(conn: Connection, new: NewImport, job_id: int) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO import (job_id, owner_id, collection_id, kind, name, options, fingerprint)
            VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
            """,
            (job_id, new.owner_id, new.collection_id, new.kind, new.name, Jsonb(new.options), new.fingerprint),
        )
        import_id = await cursor.fetchone()
    if import_id is None:
        raise NotFound("the import was not recorded")
    return import_id


async def get(conn: Connection, import_id: int) -> Import:
    """One import, whoever's. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Import)) as cursor:
        await cursor.execute(_IMPORT + " WHERE import.id = %s", (import_id,))
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("no such import")
    return found


async def list_before(conn: Connection, owner_id: int, before_id: int | None, limit: int) -> list[Import]:
    """An owner's imports, the newest first, below the cursor `before_id`."""
    async with conn.cursor(row_factory=class_row(Import)) as cursor:
        await cursor.execute(
            _IMPORT
            + """ WHERE import.owner_id = %(owner)s AND (%(before)s::bigint IS NULL OR import.id < %(before)s)
            ORDER BY import.id DESC LIMIT %(limit)s""",
            {"owner": owner_id, "before": before_id, "limit": limit},
        )
        return await cursor.fetchall()


async def find_by_jobs(conn: Connection, job_ids: Sequence[int]) -> dict[int, int]:
    """The imports that these jobs run, by job."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute("SELECT job_id, id FROM import WHERE job_id = ANY(%s)", (list(job_ids),))
        return {row[0]: row[1] for row in await cursor.fetchall()}


async def find_unfinished(conn: Connection, new: NewImport) -> int | None:
    """The last import of the same source, by the same owner into the same collection, that did not come to its end."""
    if new.fingerprint is None:
        return None
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT CASE WHEN job.state <> 'done' THEN import.id END
            FROM import JOIN job ON job.id = import.job_id
            WHERE import.owner_id = %s AND import.collection_id = %s AND import.fingerprint = %s
            ORDER BY import.id DESC LIMIT 1
            """,
            (new.owner_id, new.collection_id, new.fingerprint),
        )
        return await cursor.fetchone()


async def set_job(conn: Connection, import_id: int, job_id: int) -> None:
    await conn.execute("UPDATE import SET job_id = %s WHERE id = %s", (job_id, import_id))


async def set_checks(conn: Connection, import_id: int, checks: Sequence[str]) -> None:
    await conn.execute("UPDATE import SET checks = %s WHERE id = %s", (list(checks), import_id))


async def begin(conn: Connection, import_id: int) -> None:
    """One more start: what is counted here is taken back as soon as the import gets on."""
    await conn.execute("UPDATE import SET deaths = deaths + 1 WHERE id = %s", (import_id,))


async def end_quietly(conn: Connection, import_id: int) -> None:
    """The process did not die."""
    await conn.execute("UPDATE import SET deaths = 0, trying = NULL WHERE id = %s", (import_id,))


async def set_trying(conn: Connection, import_id: int, position: int) -> None:
    """Note which entry is being decoded, before it is."""
    await conn.execute("UPDATE import SET trying = %s WHERE id = %s", (position, import_id))


async def advance(conn: Connection, import_id: int, *, added: int, existing: int, refused: Sequence[Refusal]) -> int:
    """Count what the next entries came to. Returns the new position."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            UPDATE import SET position = position + %(all)s, added = added + %(added)s,
                existing = existing + %(existing)s, refused = refused + %(refused)s, deaths = 0, trying = NULL
            WHERE id = %(id)s RETURNING position
            """,
            {
                "id": import_id,
                "all": added + existing + len(refused),
                "added": added,
                "existing": existing,
                "refused": len(refused),
            },
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("no such import")
    return row[0]


async def insert_refusals(conn: Connection, import_id: int, refusals: Sequence[tuple[int, Refusal]]) -> None:
    """Keep what was refused, by the position of its entry; a reason replaces the one before."""
    if not refusals:
        return
    async with conn.cursor() as cursor:
        await cursor.executemany(
            """
            INSERT INTO import_refusal (import_id, position, source, reason) VALUES (%s, %s, %s, %s)
            ON CONFLICT (import_id, position) DO UPDATE SET reason = excluded.reason
            """,
            [(import_id, position, one.file, one.reason) for position, one in refusals],
        )


async def list_refusals(conn: Connection, import_id: int, limit: int | None = None) -> list[Refusal]:
    """What was refused, in the order of the source."""
    async with conn.cursor(row_factory=class_row(Refusal)) as cursor:
        await cursor.execute(
            """
            SELECT source AS file, reason FROM import_refusal WHERE import_id = %s ORDER BY position LIMIT %s
            """,
            (import_id, limit),
        )
        return await cursor.fetchall()


async def list_refused_positions(conn: Connection, import_id: int) -> list[int]:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT position FROM import_refusal WHERE import_id = %s ORDER BY position", (import_id,))
        return await cursor.fetchall()


async def settle_refusals(
    conn: Connection, import_id: int, positions: Sequence[int], *, added: int, existing: int
) -> None:
    """Refused entries that have come in at another try."""
    await conn.execute(
        "DELETE FROM import_refusal WHERE import_id = %s AND position = ANY(%s)", (import_id, list(positions))
    )
    await conn.execute(
        """
        UPDATE import SET added = added + %(added)s, existing = existing + %(existing)s,
            refused = refused - %(all)s WHERE id = %(id)s
        """,
        {"id": import_id, "added": added, "existing": existing, "all": added + existing},
    )
