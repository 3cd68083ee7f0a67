"""SQL of share links."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.rows import class_row, scalar_row

from app.collections.records import LiveLink, ShareLink
from app.core.database import Connection

_COLUMNS: LiteralString = """
    id, collection_id, prefix, password_hash IS NOT NULL AS has_password, created_at, expires_at, used_at,
    expires_at <= now() AS expired
"""


async def insert_link(
    conn: Connection,
    collection_id: int,
    *,
    prefix: str,
    token_hash: bytes,
    key_hash: bytes,
    password_hash: str | None,
    days: int,
) -> ShareLink:
    """The new link, which expires in so many days."""
    async with conn.cursor(row_factory=class_row(ShareLink)) as cursor:
        await cursor.execute(
            """
            INSERT INTO share_link (collection_id, prefix, token_hash, key_hash, password_hash, expires_at)
            VALUES (%(collection)s, %(prefix)s, %(token)s, %(key)s, %(password)s,
                now() + make_interval(days => %(days)s))
            RETURNING """
            + _COLUMNS,
            {
                "collection": collection_id,
                "prefix": prefix,
                "token": token_hash,
                "key": key_hash,
                "password": password_hash,
                "days": days,
            },
        )
        link = await cursor.fetchone()
    if link is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return link


async def list_links(conn: Connection, collection_id: int) -> list[ShareLink]:
    """A collection's links, newest first, the expired ones too."""
    async with conn.cursor(row_factory=class_row(ShareLink)) as cursor:
        await cursor.execute(
            "SELECT " + _COLUMNS + " FROM share_link WHERE collection_id = %s ORDER BY id DESC", (collection_id,)
        )
        return await cursor.fetchall()


async def lock_links(conn: Connection, collection_id: int) -> int:
    """How many links a collection has; nobody else makes one until the commit."""
    await conn.execute("SELECT FROM collection WHERE id = %s FOR NO KEY UPDATE", (collection_id,))
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT count(*) FROM share_link WHERE collection_id = %s", (collection_id,))
        return await cursor.fetchone() or 0


async def delete_link(conn: Connection, collection_id: int, link_id: int) -> bool:
    """False when the collection has no such link."""
    cursor = await conn.execute("DELETE FROM share_link WHERE id = %s AND collection_id = %s", (link_id, collection_id))
    return cursor.rowcount == 1


async def find_live(conn: Connection, token_hash: bytes) -> LiveLink | None:
    """The link with this secret, unless it has expired."""
    async with conn.cursor(row_factory=class_row(LiveLink)) as cursor:
        await cursor.execute(
            """
            SELECT id, collection_id, password_hash FROM share_link
            WHERE token_hash = %s AND expires_at > now()
            """,
            (token_hash,),
        )
        return await cursor.fetchone()


async def list_opening(conn: Connection, collection_id: int, key_hashes: Sequence[bytes]) -> list[bytes]:
    """Those of these keys by which one sees the collection."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT key_hash FROM share_link
            WHERE collection_id = %s AND key_hash = ANY(%s::bytea[]) AND expires_at > now()
            """,
            (collection_id, list(key_hashes)),
        )
        return await cursor.fetchall()


async def touch(conn: Connection, key_hashes: Sequence[bytes]) -> None:
    """Note, at most once a minute, that these links are in use."""
    await conn.execute(
        """
        UPDATE share_link SET used_at = now()
        WHERE key_hash = ANY(%s::bytea[]) AND expires_at > now()
            AND (used_at IS NULL OR used_at < now() - interval '1 minute')
        """,
        (list(key_hashes),),
    )
