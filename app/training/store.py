"""SQL of training runs and their curves."""

from collections.abc import Sequence
from typing import Any

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from app.core.database import Connection
from app.core.errors import NotFound
from app.training.records import NewTraining, State, Training

_TRAINING = """
    SELECT training.id, training.job_id, account.name AS account_name, collection.id AS collection_id,
        coalesce(collection.name, training.collection_name) AS collection_name, training.model, training.output,
        training.config, training.held_out_pct, training.state, training.about, training.error,
        training.promoted_over, training.created_at, training.started_at, training.ended_at
    FROM training LEFT JOIN account ON account.id = training.account_id
    LEFT JOIN collection ON collection.id = training.collection_id
"""


async def insert(conn: Connection, new: NewTraining, job_id: int) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO training (
                job_id, account_id, collection_id, collection_name, model, output, config, held_out_pct)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
            """,
            (
                job_id,
                new.account_id,
                new.collection_id,
                new.collection_name,
                new.model,
                new.output,
                Jsonb(new.config),
                new.held_out_pct,
            ),
        )
        training_id = await cursor.fetchone()
    if training_id is None:
        raise NotFound("the training was not recorded")
    return training_id


async def get(conn: Connection, training_id: int) -> Training:
    """One training. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Training)) as cursor:
        await cursor.execute(_TRAINING + " WHERE training.id = %s", (training_id,))
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("no such training")
    return found


async def find_by_output(conn: Connection, output: str) -> Training | None:
    async with conn.cursor(row_factory=class_row(Training)) as cursor:
        await cursor.execute(_TRAINING + " WHERE training.output = %s", (output,))
        return await cursor.fetchone()


async def list_all(conn: Connection, limit: int) -> list[Training]:
    """The newest first."""
    async with conn.cursor(row_factory=class_row(Training)) as cursor:
        await cursor.execute(_TRAINING + " ORDER BY training.id DESC LIMIT %s", (limit,))
        return await cursor.fetchall()


async def list_unfinished(conn: Connection) -> list[int]:
    """Those that wait or run, the oldest first."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT id FROM training WHERE state IN ('queued', 'running') ORDER BY id")
        return await cursor.fetchall()


async def set_job(conn: Connection, training_id: int, job_id: int) -> None:
    await conn.execute("UPDATE training SET job_id = %s WHERE id = %s", (job_id, training_id))


async def set_state(conn: Connection, training_id: int, state: State, error: str = "") -> None:
    """How a training stands; when it began and ended goes with it."""
    await conn.execute(
        """
        UPDATE training SET state = %(state)s, error = %(error)s,
            started_at = CASE WHEN %(state)s = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
            ended_at = CASE WHEN %(state)s IN ('stopped', 'done', 'failed') THEN now() END
        WHERE id = %(id)s
        """,
        {"id": training_id, "state": state, "error": error},
    )


async def set_about(conn: Connection, training_id: int, about: dict[str, Any]) -> None:
    await conn.execute("UPDATE training SET about = %s WHERE id = %s", (Jsonb(about), training_id))


async def set_promoted_over(conn: Connection, training_id: int, model: str | None) -> None:
    await conn.execute("UPDATE training SET promoted_over = %s WHERE id = %s", (model, training_id))


async def delete(conn: Connection, training_id: int) -> None:
    await conn.execute("DELETE FROM training WHERE id = %s", (training_id,))


async def append_points(conn: Connection, training_id: int, points: Sequence[tuple[int, str, dict[str, Any]]]) -> None:
    """(step, kind, entry) of what came since; a step that is done again replaces what it was."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            """
            INSERT INTO training_point (training_id, step, kind, entry) VALUES (%s, %s, %s, %s)
            ON CONFLICT (training_id, step, kind) DO UPDATE SET entry = excluded.entry
            """,
            [(training_id, step, kind, Jsonb(entry)) for step, kind, entry in points],
        )


async def delete_points_after(conn: Connection, training_id: int, step: int) -> None:
    """Forget the steps that a run which goes on from a checkpoint does again."""
    await conn.execute("DELETE FROM training_point WHERE training_id = %s AND step > %s", (training_id, step))


async def list_points(conn: Connection, training_id: int, most: int) -> list[dict[str, Any]]:
    """The curves: every probe, and about `most` steps, evenly spread, the last one among them."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            WITH last AS (
                SELECT coalesce(max(step), 0) AS step FROM training_point
                WHERE training_id = %(id)s AND kind = 'step')
            SELECT entry FROM training_point AS point, last
            WHERE training_id = %(id)s
            AND (kind = 'probe' OR (last.step - point.step) %% greatest(1, last.step / %(most)s) = 0)
            ORDER BY point.step, kind DESC
            """,
            {"id": training_id, "most": most},
        )
        return await cursor.fetchall()


async def find_rate(conn: Connection, model: str, config: dict[str, Any]) -> float | None:
    """Pictures a second of the last training of this model with these blocks and crops that has ended."""
    keys = ("last_blocks", "global_size", "local_size", "local_crops")
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT (
                SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (entry ->> 'pictures_per_s')::float8)
                FROM training_point WHERE training_id = training.id AND kind = 'step')
            FROM training WHERE model = %(model)s AND state = 'done' AND config @> %(alike)s
            ORDER BY id DESC LIMIT 1
            """,
            {"model": model, "alike": Jsonb({key: config[key] for key in keys})},
        )
        return await cursor.fetchone()
