"""SQL of the models that a gallery has embedded with: what there is of them, and how it is erased."""

from collections.abc import Sequence

from psycopg.rows import class_row, scalar_row

from app.core.database import Connection
from app.embedding.records import ModelRow
from app.embedding.store import EMBEDDING_LOCK

ASKED = "asked:"


async def list_models(conn: Connection) -> list[ModelRow]:
    """Every model that is known here, newest first; one name may stand for several identities."""
    async with conn.cursor(row_factory=class_row(ModelRow)) as cursor:
        await cursor.execute("SELECT * FROM model ORDER BY id DESC")
        return await cursor.fetchall()


async def count_embeddings(conn: Connection, model_id: int) -> int:
    """How many vectors of a model are stored, those of trashed pictures included."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT count(*) FROM embedding WHERE model_id = %s", (model_id,))
        return await cursor.fetchone() or 0


async def try_lock_embedding(conn: Connection) -> bool:
    """Keep everybody from embedding until this session ends; False when somebody does so now."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT pg_try_advisory_lock(%s)", (EMBEDDING_LOCK,))
        return bool(await cursor.fetchone())


async def erase_model(conn: Connection, model_id: int) -> None:
    """Erase a model with its vectors, attempts, index versions and kept queries.

    Its entries stay in the log, whose end must never move back; as ids are not used again, nobody takes them
    for another model's.
    """
    # What refers to a model holds a share of its row: nothing new can while the rest is erased.
    await conn.execute("SELECT FROM model WHERE id = %s FOR UPDATE", (model_id,))
    await conn.execute("DELETE FROM query WHERE model_id = %s", (model_id,))
    await conn.execute("DELETE FROM index_version WHERE model_id = %s", (model_id,))
    await conn.execute("DELETE FROM embedding_attempt WHERE model_id = %s", (model_id,))
    await conn.execute("DELETE FROM embedding WHERE model_id = %s", (model_id,))
    await conn.execute("DELETE FROM model WHERE id = %s", (model_id,))


async def ask_for(conn: Connection, name: str) -> None:
    """Remember that every picture is to be embedded by this model too."""
    await conn.execute(
        "INSERT INTO setting (name, value) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", (ASKED + name, name)
    )


async def list_asked(conn: Connection) -> list[str]:
    """The models that were asked for and are not done."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT value FROM setting WHERE starts_with(name, %s) ORDER BY name", (ASKED,))
        return await cursor.fetchall()


async def forget_asked(conn: Connection, names: Sequence[str]) -> None:
    await conn.execute("DELETE FROM setting WHERE name = ANY(%s)", ([ASKED + name for name in names],))
