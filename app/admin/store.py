"""SQL of the admin's numbers."""

from psycopg.rows import class_row, scalar_row, tuple_row

from app.admin.records import Counts
from app.core.database import Connection


async def get_counts(conn: Connection) -> Counts:
    """How many pictures, collections and people there are."""
    async with conn.cursor(row_factory=class_row(Counts)) as cursor:
        await cursor.execute(
            """
            SELECT (SELECT count(*) FROM image WHERE trashed_at IS NULL) AS images,
                (SELECT count(*) FROM image WHERE trashed_at IS NOT NULL) AS trashed,
                (SELECT count(*) FROM collection) AS collections,
                (SELECT count(*) FROM account) AS users
            """
        )
        return await cursor.fetchone() or Counts(0, 0, 0, 0)


async def get_revision(conn: Connection) -> str | None:
    """The schema that the database has."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT version_num FROM alembic_version")
        return await cursor.fetchone()


async def get_sizes(conn: Connection) -> tuple[int, int]:
    """Bytes of all originals, as the accounts' usage counts them, and of the database."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            "SELECT (SELECT coalesce(sum(bytes), 0) FROM usage)::bigint, pg_database_size(current_database())"
        )
        return await cursor.fetchone() or (0, 0)
