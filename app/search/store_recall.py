"""SQL of measured recall."""

from collections.abc import Sequence
from dataclasses import asdict

from psycopg.rows import class_row, tuple_row

from app.core.database import Connection
from app.search.records import Recall, RecallSample

SAMPLE_DAYS = 30
TODAY_HOURS = 24


async def insert_samples(conn: Connection, samples: Sequence[RecallSample]) -> None:
    """Keep measurements for a month."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            """
            INSERT INTO recall_sample (model_id, version_id, subject, collection_id, queries, k, eligible, total,
                recall, took_ms, exact_ms)
            VALUES (%(model_id)s, %(version_id)s, %(subject)s, %(collection_id)s, %(queries)s, %(k)s, %(eligible)s,
                %(total)s, %(recall)s, %(took_ms)s, %(exact_ms)s)
            """,
            [asdict(sample) for sample in samples],
        )


async def list_todays_recall(conn: Connection, model_id: int) -> list[Recall]:
    """The recall of people's searches in the last day, by version of the index, the newest first."""
    async with conn.cursor(row_factory=class_row(Recall)) as cursor:
        await cursor.execute(
            """
            SELECT version_id, 'query' AS subject, NULL AS collection, sum(queries)::int AS queries,
                sum(recall * queries) / sum(queries) AS recall, sum(took_ms * queries) / sum(queries) AS took_ms,
                sum(exact_ms * queries) / sum(queries) AS exact_ms
            FROM recall_sample
            WHERE model_id = %(model)s AND subject = 'query' AND at > now() - make_interval(hours => %(hours)s)
            GROUP BY version_id ORDER BY version_id DESC NULLS LAST
            """,
            {"model": model_id, "hours": TODAY_HOURS},
        )
        return await cursor.fetchall()


async def list_reviewed_recall(conn: Connection, version_id: int) -> list[Recall]:
    """What the last review of a version found, subject by subject."""
    async with conn.cursor(row_factory=class_row(Recall)) as cursor:
        await cursor.execute(
            """
            SELECT sample.version_id, sample.subject, collection.name AS collection, sample.queries, sample.recall,
                sample.took_ms, sample.exact_ms
            FROM recall_sample AS sample LEFT JOIN collection ON collection.id = sample.collection_id
            WHERE sample.version_id = %(version)s AND sample.subject <> 'query'
            AND sample.at = (
                SELECT max(at) FROM recall_sample WHERE version_id = %(version)s AND subject <> 'query')
            ORDER BY sample.subject, collection.name
            """,
            {"version": version_id},
        )
        return await cursor.fetchall()


async def list_newest_embedded(conn: Connection, model_id: int, limit: int) -> list[int]:
    """The newest pictures that have an embedding by this model."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT image.id FROM image JOIN embedding ON embedding.image_id = image.id
            WHERE embedding.model_id = %s AND image.trashed_at IS NULL ORDER BY image.id DESC LIMIT %s
            """,
            (model_id, limit),
        )
        return [row[0] for row in await cursor.fetchall()]


async def list_large_collections(conn: Connection, at_least: int, limit: int) -> list[tuple[int, str]]:
    """(id, name) of the largest collections, of those with so many pictures."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT collection.id, collection.name
            FROM collection JOIN collection_image ON collection_image.collection_id = collection.id
            GROUP BY collection.id HAVING count(*) >= %s ORDER BY count(*) DESC, collection.id LIMIT %s
            """,
            (at_least, limit),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def draw_embedded(conn: Connection, model_id: int, count: int, collection_id: int | None = None) -> list[int]:
    """Pictures drawn at random among those that have an embedding by this model, of one collection if named."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT image.id FROM image JOIN embedding ON embedding.image_id = image.id
            WHERE embedding.model_id = %(model)s AND image.trashed_at IS NULL
            AND (%(collection)s::bigint IS NULL OR EXISTS (
                SELECT FROM collection_image
                WHERE collection_id = %(collection)s AND collection_image.image_id = image.id))
            ORDER BY random() LIMIT %(count)s
            """,
            {"model": model_id, "collection": collection_id, "count": count},
        )
        return [row[0] for row in await cursor.fetchall()]


async def delete_old_samples(conn: Connection) -> None:
    await conn.execute("DELETE FROM recall_sample WHERE at < now() - make_interval(days => %s)", (SAMPLE_DAYS,))
