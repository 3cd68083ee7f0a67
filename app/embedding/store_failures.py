"""SQL of the pictures that could not be embedded."""

from datetime import datetime

from psycopg.rows import class_row

from app.core.database import Connection
from app.embedding.records import Failure

Mark = tuple[datetime, int, int]
"""A place in the list: when it was attempted, the picture, the model."""


async def list_failures(
    conn: Connection, limit: int, model_id: int | None = None, *, after: Mark | None = None
) -> list[Failure]:
    """The newest pictures that could not be embedded, by one model or by any; those behind `after`, where given."""
    at, image, model = after or (None, None, None)
    async with conn.cursor(row_factory=class_row(Failure)) as cursor:
        await cursor.execute(
            """
            SELECT attempt.image_id, image.filename, account.name AS owner, model.id AS model_id, model.name AS model,
                attempt.reason, attempt.attempted_at
            FROM embedding_attempt AS attempt
            JOIN image ON image.id = attempt.image_id JOIN model ON model.id = attempt.model_id
            JOIN account ON account.id = image.owner_id
            WHERE attempt.reason IS NOT NULL AND (%(of)s::bigint IS NULL OR attempt.model_id = %(of)s)
            AND (%(at)s::timestamptz IS NULL OR (attempt.attempted_at, attempt.image_id, attempt.model_id)
                < (%(at)s::timestamptz, %(image)s::bigint, %(model)s::bigint))
            ORDER BY attempt.attempted_at DESC, attempt.image_id DESC, attempt.model_id DESC LIMIT %(limit)s
            """,
            {"limit": limit, "of": model_id, "at": at, "image": image, "model": model},
        )
        return await cursor.fetchall()
