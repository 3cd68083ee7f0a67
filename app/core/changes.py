"""The one ordered log of what followers need: which vectors, memberships and labels came and went."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, LiteralString

from psycopg import sql
from psycopg.rows import class_row, scalar_row

from app.core.database import Connection

Kind = Literal["embedded", "retracted", "restored", "joined", "left", "labelled"]

CHANNEL = "likeness_changes"
LOCK_KEY = 0x6C6F67  # "log"
POSITION: LiteralString = """
    SELECT greatest(
        (SELECT coalesce(max(seq), 0) FROM change_log),
        (SELECT coalesce(max(value::bigint), 0) FROM setting WHERE name = 'changes_pruned_to'))
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry. `collection_id` is set for joined and left, `model_id` for embedded."""

    kind: Kind
    image_id: int
    collection_id: int | None = None
    model_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A change with its place in the log."""

    seq: int
    kind: Kind
    image_id: int
    collection_id: int | None
    model_id: int | None


async def append(conn: Connection, changes: Sequence[Change]) -> None:
    """Append to the log as the last step of a transaction, and wake the followers when it commits.

    The lock is held until the commit, so `seq` order is commit order: a follower that has read up to a `seq`
    never misses an earlier one.
    """
    if not changes:
        return
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    await conn.execute(
        """
        INSERT INTO change_log (kind, image_id, collection_id, model_id)
        SELECT * FROM unnest(%(kinds)s::text[], %(images)s::bigint[], %(collections)s::bigint[], %(models)s::bigint[])
        """,
        {
            "kinds": [change.kind for change in changes],
            "images": [change.image_id for change in changes],
            "collections": [change.collection_id for change in changes],
            "models": [change.model_id for change in changes],
        },
    )
    await wake(conn)


async def wake(conn: Connection) -> None:
    """Let the followers look again when this transaction commits."""
    await conn.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


async def listen(conn: Connection) -> None:
    """Receive what `wake` sends, as notifications of this connection."""
    await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))


async def list_after(conn: Connection, seq: int, limit: int = 10_000) -> list[Entry]:
    """The entries behind a position, oldest first."""
    async with conn.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(
            """
            SELECT seq, kind, image_id, collection_id, model_id
            FROM change_log WHERE seq > %(seq)s ORDER BY seq LIMIT %(limit)s
            """,
            {"seq": seq, "limit": limit},
        )
        return await cursor.fetchall()


async def position(conn: Connection) -> int:
    """The newest position; in a REPEATABLE READ transaction, the one that its snapshot stands at."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(POSITION)
        return await cursor.fetchone() or 0


async def pruned_to(conn: Connection) -> int:
    """Entries up to this position are gone: a follower that stands before it must load afresh."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT value::bigint FROM setting WHERE name = 'changes_pruned_to'")
        return await cursor.fetchone() or 0


async def prune(conn: Connection, seq: int) -> None:
    """Forget the entries up to `seq`, which no follower needs any more."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    await conn.execute("DELETE FROM change_log WHERE seq <= %s", (seq,))
    await conn.execute(
        """
        INSERT INTO setting (name, value) VALUES ('changes_pruned_to', %(seq)s::text)
        ON CONFLICT (name) DO UPDATE
        SET value = greatest(setting.value::bigint, excluded.value::bigint)::text
        """,
        {"seq": str(seq)},
    )
