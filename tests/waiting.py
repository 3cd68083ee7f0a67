"""Waiting for what another task, thread or process does."""

import asyncio
from collections.abc import Awaitable, Callable

from app.core.database import Database

PATIENCE_S = 20


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as the condition holds. Raises TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


async def a_lock_is_waited_for(db: Database) -> bool:
    """Whether somebody waits for an advisory lock of this database."""
    async with db.transaction() as conn:
        cursor = await conn.execute(
            """
            SELECT EXISTS (
                SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                WHERE locktype = 'advisory' AND NOT granted AND datname = current_database())
            """
        )
        row = await cursor.fetchone()
    return row is not None and row[0]
