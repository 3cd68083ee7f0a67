"""SQL of attempts: passwords that were tried and not right."""

from collections.abc import Sequence

from psycopg.rows import scalar_row

from app.core.database import Connection


async def lock(conn: Connection, subject: bytes) -> None:
    """Until the commit nobody else's attempt counts against this subject."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(subject[:8], "big", signed=True),))


async def wait_s(conn: Connection, subject: bytes, most: int, window_s: int) -> float | None:
    """How long until one more attempt is allowed; None: it is allowed now."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT extract(epoch FROM at - now() + make_interval(secs => %(window)s))::float FROM attempt
            WHERE subject = %(subject)s AND at > now() - make_interval(secs => %(window)s)
            ORDER BY at DESC OFFSET %(most)s - 1 LIMIT 1
            """,
            {"subject": subject, "most": most, "window": window_s},
        )
        return await cursor.fetchone()


async def insert(conn: Connection, subjects: Sequence[bytes]) -> list[int]:
    """One attempt against each subject; returns their ids."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "INSERT INTO attempt (subject) SELECT * FROM unnest(%s::bytea[]) RETURNING id", (list(subjects),)
        )
        return await cursor.fetchall()


async def delete(conn: Connection, attempt_ids: Sequence[int]) -> None:
    await conn.execute("DELETE FROM attempt WHERE id = ANY(%s::bigint[])", (list(attempt_ids),))


async def delete_old(conn: Connection, window_s: int) -> None:
    """Forget what no longer counts, but for what somebody else is forgetting at this moment."""
    await conn.execute(
        """
        DELETE FROM attempt WHERE id IN (
            SELECT id FROM attempt WHERE at < now() - make_interval(secs => %s) FOR UPDATE SKIP LOCKED)
        """,
        (window_s,),
    )
