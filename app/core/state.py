"""The settings table: what an instance decided once and remembers (its volume, its model)."""

from psycopg.rows import scalar_row

from app.core.database import Connection


async def find(conn: Connection, name: str) -> str | None:
    """A remembered value, or None."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT value FROM setting WHERE name = %s", (name,))
        return await cursor.fetchone()


async def lock(conn: Connection) -> None:
    """Keep all others from deciding anything until the transaction ends."""
    await conn.execute("LOCK TABLE setting IN SHARE ROW EXCLUSIVE MODE")


async def remember(conn: Connection, name: str, value: str) -> str:
    """Store a value unless one is there already, and return the one in force."""
    await conn.execute("INSERT INTO setting (name, value) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", (name, value))
    return await find(conn, name) or value


async def replace(conn: Connection, name: str, value: str) -> None:
    """Store a value in place of the one before."""
    await conn.execute(
        "INSERT INTO setting (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
