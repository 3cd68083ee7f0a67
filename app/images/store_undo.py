"""SQL of what can be undone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from app.core.database import Connection


async def insert(
    conn: Connection, undo_id: UUID, account_id: int, effects: Sequence[dict[str, Any]], days: int
) -> None:
    """Keep what a step changed, and forget what is older than `days`."""
    await conn.execute("DELETE FROM undo WHERE made_at < now() - make_interval(days => %s)", (days,))
    await conn.execute(
        "INSERT INTO undo (id, account_id, effects) VALUES (%s, %s, %s)", (undo_id, account_id, Jsonb(list(effects)))
    )


async def take(conn: Connection, account_id: int | None, undo_id: UUID, days: int) -> list[dict[str, Any]] | None:
    """What a step of this account's changed, which is forgotten with it; None where nothing is kept."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            DELETE FROM undo
            WHERE id = %s AND account_id = %s AND made_at >= now() - make_interval(days => %s) RETURNING effects
            """,
            (undo_id, account_id, days),
        )
        return await cursor.fetchone()
