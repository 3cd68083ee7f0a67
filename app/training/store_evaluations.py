"""SQL of evaluation runs."""

from typing import Any

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Json

from app.core.database import Connection
from app.core.errors import NotFound
from app.training.records import Evaluation, NewEvaluation, State

_COLUMNS = """
    evaluation.id, evaluation.job_id, account.name AS account_name, collection.id AS collection_id,
    coalesce(collection.name, evaluation.collection_name) AS collection_name, evaluation.training_id,
    evaluation.models, evaluation.protocols, evaluation.sample, evaluation.seed, evaluation.state, evaluation.error,
    evaluation.created_at, evaluation.ended_at
"""
_FROM = """
    FROM evaluation LEFT JOIN account ON account.id = evaluation.account_id
    LEFT JOIN collection ON collection.id = evaluation.collection_id
"""


async def insert(conn: Connection, new: NewEvaluation, job_id: int) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO evaluation (
                job_id, account_id, collection_id, collection_name, training_id, models, protocols, sample, seed)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
            """,
            (
                job_id,
                new.account_id,
                new.collection_id,
                new.collection_name,
                new.training_id,
                new.models,
                new.protocols,
                new.sample,
                new.seed,
            ),
        )
        evaluation_id = await cursor.fetchone()
    if evaluation_id is None:
        raise NotFound("the evaluation was not recorded")
    return evaluation_id


async def get(conn: Connection, evaluation_id: int) -> Evaluation:
    """One evaluation with what it found. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Evaluation)) as cursor:
        await cursor.execute(
            "SELECT " + _COLUMNS + ", evaluation.results" + _FROM + " WHERE evaluation.id = %s", (evaluation_id,)
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("no such evaluation")
    return found


async def list_all(conn: Connection, limit: int, training_id: int | None = None) -> list[Evaluation]:
    """The newest first, without what they found; with `training_id`, those on what it did not learn from."""
    async with conn.cursor(row_factory=class_row(Evaluation)) as cursor:
        await cursor.execute(
            "SELECT "
            + _COLUMNS
            + _FROM
            + """
            WHERE %(training)s::bigint IS NULL OR evaluation.training_id = %(training)s
            ORDER BY evaluation.id DESC LIMIT %(limit)s""",
            {"training": training_id, "limit": limit},
        )
        return await cursor.fetchall()


async def list_unfinished(conn: Connection) -> list[int]:
    """Those that wait or run, the oldest first."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT id FROM evaluation WHERE state IN ('queued', 'running') ORDER BY id")
        return await cursor.fetchall()


async def set_job(conn: Connection, evaluation_id: int, job_id: int) -> None:
    await conn.execute("UPDATE evaluation SET job_id = %s WHERE id = %s", (job_id, evaluation_id))


async def set_state(conn: Connection, evaluation_id: int, state: State, error: str = "") -> None:
    await conn.execute(
        """
        UPDATE evaluation SET state = %(state)s, error = %(error)s,
            ended_at = CASE WHEN %(state)s IN ('stopped', 'done', 'failed') THEN now() END
        WHERE id = %(id)s
        """,
        {"id": evaluation_id, "state": state, "error": error},
    )


async def set_results(conn: Connection, evaluation_id: int, results: dict[str, Any]) -> None:
    await conn.execute("UPDATE evaluation SET results = %s WHERE id = %s", (Json(results), evaluation_id))


async def delete(conn: Connection, evaluation_id: int) -> None:
    await conn.execute("DELETE FROM evaluation WHERE id = %s", (evaluation_id,))
