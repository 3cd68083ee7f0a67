"""SQL of security events."""

from psycopg.rows import class_row

from app.accounts.records import EventKind, SecurityEvent
from app.core.database import Connection


async def insert_event(conn: Connection, kind: EventKind, account_id: int | None, address: str, about: str) -> None:
    await conn.execute(
        """
        INSERT INTO security_event (kind, account_id, address, about)
        VALUES (%(kind)s, %(account)s, %(address)s, %(about)s)
        """,
        {"kind": kind, "account": account_id, "address": address, "about": about},
    )


async def insert_rarely(conn: Connection, kind: EventKind, address: str, about: str, pause_s: int) -> None:
    """As `insert_event`, unless the same came from that address less than `pause_s` ago."""
    await conn.execute(
        """
        INSERT INTO security_event (kind, address, about)
        SELECT %(kind)s, %(address)s, %(about)s WHERE NOT EXISTS (
            SELECT FROM security_event
            WHERE kind = %(kind)s AND address = %(address)s AND at > now() - make_interval(secs => %(pause)s))
        """,
        {"kind": kind, "address": address, "about": about, "pause": pause_s},
    )


async def list_events(
    conn: Connection, kind: EventKind | None, name: str | None, before_id: int | None, limit: int
) -> list[SecurityEvent]:
    """Newest first, below the cursor `before_id`; of one kind and one person, where asked."""
    async with conn.cursor(row_factory=class_row(SecurityEvent)) as cursor:
        await cursor.execute(
            """
            SELECT event.id, event.at, event.kind, event.account_id, account.name, event.address, event.about
            FROM security_event AS event LEFT JOIN account ON account.id = event.account_id
            WHERE (%(kind)s::text IS NULL OR event.kind = %(kind)s)
                AND (%(name)s::text IS NULL OR lower(account.name) = lower(%(name)s))
                AND (%(before)s::bigint IS NULL OR event.id < %(before)s)
            ORDER BY event.id DESC LIMIT %(limit)s
            """,
            {"kind": kind, "name": name, "before": before_id, "limit": limit},
        )
        return await cursor.fetchall()


async def delete_old(conn: Connection, days: int) -> None:
    await conn.execute("DELETE FROM security_event WHERE at < now() - make_interval(days => %s)", (days,))
