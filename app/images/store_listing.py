"""SQL that narrows lists which end after a page: what keeps them from reading all pictures that cannot match."""

from typing import LiteralString

from psycopg import sql
from psycopg.rows import scalar_row

from app.core.database import Connection
from app.images.records import Filters, Order
from app.images.store_filters import DAY, asked_words, where_matching

FEW = 10_000
"""Of so many pictures the ids are at hand in 2 ms, by the index of words. One word in more of a million is met soon."""

# What statistics list is frequent, and the planner knows how frequent. Of what they do not list it takes any word for
# frequent (one picture in 40 where file names have numbers), and reads all pictures in order for a rare one.
_COUNT_RARE: LiteralString = """
    SELECT CASE WHEN EXISTS (
        SELECT FROM pg_stats
        WHERE schemaname = 'public' AND tablename = 'image' AND attname = 'document'
        AND array_to_tsvector(most_common_elems::text::text[]) @@ ({words})
    ) THEN NULL ELSE (SELECT count(*) FROM images_with_words({words}, %(few)s + 1)) END
"""
_RARE: LiteralString = " AND image.id = ANY(ARRAY(SELECT images_with_words({words}, %(few)s)))"

# From day to day through the index: the greatest id of each. Pictures mostly, but not always, come in the order of
# their ids. A year of days takes 2 ms; reading half a million later pictures took 55.
_UNTIL: LiteralString = f"""
    AND image.id <= (
        WITH RECURSIVE newest (day, id) AS (
            (SELECT {DAY}, image.id FROM image WHERE {DAY} <= %(before)s::date
             ORDER BY {DAY} DESC, image.id DESC LIMIT 1)
            UNION ALL
            SELECT sooner.day, sooner.id FROM newest CROSS JOIN LATERAL (
                SELECT {DAY} AS day, image.id FROM image
                WHERE {DAY} < newest.day AND (%(after)s::date IS NULL OR {DAY} >= %(after)s::date)
                ORDER BY {DAY} DESC, image.id DESC LIMIT 1) AS sooner
        ) SELECT max(id) FROM newest)
"""
_SINCE: LiteralString = f"""
    AND image.id >= (
        WITH RECURSIVE oldest (day, id) AS (
            (SELECT {DAY}, image.id FROM image WHERE {DAY} >= %(after)s::date ORDER BY {DAY}, image.id LIMIT 1)
            UNION ALL
            SELECT later.day, later.id FROM oldest CROSS JOIN LATERAL (
                SELECT {DAY} AS day, image.id FROM image
                WHERE {DAY} > oldest.day AND (%(before)s::date IS NULL OR {DAY} <= %(before)s::date)
                ORDER BY {DAY}, image.id LIMIT 1) AS later
        ) SELECT min(id) FROM oldest)
"""


async def where_listed(
    conn: Connection, condition: LiteralString, filters: Filters, order: Order
) -> tuple[sql.Composed, dict[str, object]]:
    """As `where_matching`, for the first of many in an order: the same pictures match."""
    where, values = where_matching(condition, filters)
    if order == "newest" and filters.before is not None:
        where += sql.SQL(_UNTIL)
    if order == "oldest" and filters.after is not None:
        where += sql.SQL(_SINCE)
    if await _are_rare(conn, filters):
        where += sql.SQL(_RARE).format(words=asked_words(filters)[0])
        values["few"] = FEW
    return where, values


async def _are_rare(conn: Connection, filters: Filters) -> bool:
    """Whether so few pictures have the words that all of them can be looked at."""
    if not filters.words:
        return False
    asked, values = asked_words(filters)
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(sql.SQL(_COUNT_RARE).format(words=asked), {**values, "few": FEW})
        count = await cursor.fetchone()
    return count is not None and count <= FEW
