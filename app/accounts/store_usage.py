"""SQL of what accounts keep and may keep; triggers of the database count."""

from psycopg.rows import class_row

from app.accounts.records import Usage
from app.core.database import Connection

_USAGE = "SELECT files, bytes, max_files, max_bytes FROM usage WHERE account_id = %s"


async def find(conn: Connection, account_id: int) -> Usage | None:
    """None for an account that never kept anything and has no limits of its own."""
    async with conn.cursor(row_factory=class_row(Usage)) as cursor:
        await cursor.execute(_USAGE, (account_id,))
        return await cursor.fetchone()


async def lock(conn: Connection, account_id: int) -> Usage:
    """As `find`; nobody else adds to it until the end of the transaction."""
    await conn.execute("INSERT INTO usage (account_id) VALUES (%s) ON CONFLICT DO NOTHING", (account_id,))
    async with conn.cursor(row_factory=class_row(Usage)) as cursor:
        await cursor.execute(_USAGE + " FOR UPDATE", (account_id,))
        usage = await cursor.fetchone()
    if usage is None:
        raise RuntimeError("the row was made just now")
    return usage


async def set_limits(conn: Connection, account_id: int, max_files: int | None, max_bytes: int | None) -> None:
    await conn.execute(
        """
        INSERT INTO usage (account_id, max_files, max_bytes) VALUES (%(id)s, %(files)s, %(bytes)s)
        ON CONFLICT (account_id) DO UPDATE SET max_files = excluded.max_files, max_bytes = excluded.max_bytes
        """,
        {"id": account_id, "files": max_files, "bytes": max_bytes},
    )
