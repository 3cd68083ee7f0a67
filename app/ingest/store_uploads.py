"""SQL of archives that come in by pieces."""

from uuid import UUID

from psycopg.rows import class_row, scalar_row

from app.core.database import Connection
from app.core.errors import NotFound
from app.ingest.records import Upload


async def insert(
    conn: Connection, owner_id: int, collection_id: int, filename: str, size_bytes: int, *, labels_from_folders: bool
) -> Upload:
    async with conn.cursor(row_factory=class_row(Upload)) as cursor:
        await cursor.execute(
            """
            INSERT INTO upload (owner_id, collection_id, filename, size_bytes, labels_from_folders)
            VALUES (%s, %s, %s, %s, %s) RETURNING *
            """,
            (owner_id, collection_id, filename, size_bytes, labels_from_folders),
        )
        made = await cursor.fetchone()
    if made is None:
        raise NotFound("the upload was not recorded")
    return made


async def get_own(conn: Connection, owner_id: int | None, upload_id: UUID) -> Upload:
    """One's own upload; nobody else's. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Upload)) as cursor:
        await cursor.execute("SELECT * FROM upload WHERE id = %s AND owner_id = %s", (upload_id, owner_id))
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("no such upload")
    return found


async def lock(conn: Connection, upload_id: UUID) -> Upload | None:
    """The upload, which nobody else changes until the end of the transaction."""
    async with conn.cursor(row_factory=class_row(Upload)) as cursor:
        await cursor.execute("SELECT * FROM upload WHERE id = %s FOR UPDATE", (upload_id,))
        return await cursor.fetchone()


async def set_import(conn: Connection, upload_id: UUID, import_id: int) -> None:
    await conn.execute("UPDATE upload SET import_id = %s WHERE id = %s", (import_id, upload_id))


async def get_collection_name(conn: Connection, collection_id: int) -> str:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT name FROM collection WHERE id = %s", (collection_id,))
        name = await cursor.fetchone()
    if name is None:
        raise NotFound("no such collection")
    return name


async def delete(conn: Connection, upload_id: UUID) -> None:
    await conn.execute("DELETE FROM upload WHERE id = %s", (upload_id,))
