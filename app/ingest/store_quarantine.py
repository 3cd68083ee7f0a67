"""SQL of the quarantine: what imports refused, whoever's they are."""

from psycopg.rows import class_row, scalar_row

from app.core.database import Connection
from app.ingest.records import Quarantined


async def list_quarantined(conn: Connection, limit: int, *, after: tuple[int, int] | None = None) -> list[Quarantined]:
    """What the newest imports refused, in the order of each source; `after` one of them (its import, its position)."""
    after_import, after_position = after or (None, None)
    async with conn.cursor(row_factory=class_row(Quarantined)) as cursor:
        await cursor.execute(
            """
            SELECT import.id AS import_id, import.name AS import_name, account.name AS owner, refusal.position,
                refusal.source AS file, refusal.reason, job.state = 'done' AS can_retry
            FROM import_refusal AS refusal JOIN import ON import.id = refusal.import_id
            JOIN account ON account.id = import.owner_id JOIN job ON job.id = import.job_id
            WHERE %(import)s::bigint IS NULL OR import.id < %(import)s
                OR (import.id = %(import)s AND refusal.position > %(position)s)
            ORDER BY import.id DESC, refusal.position LIMIT %(limit)s
            """,
            {"import": after_import, "position": after_position, "limit": limit},
        )
        return await cursor.fetchall()


async def count_quarantined(conn: Connection) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT coalesce(sum(refused), 0)::bigint FROM import")
        return await cursor.fetchone() or 0


async def list_retryable(conn: Connection) -> list[int]:
    """The imports that have come to their end and refused something."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT import.id FROM import JOIN job ON job.id = import.job_id
            WHERE import.refused > 0 AND job.state = 'done' ORDER BY import.id
            """
        )
        return await cursor.fetchall()
