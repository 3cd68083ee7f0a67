"""What lists of few pictures among many ask: which have a rare word, and which ids the days of the gallery have."""

from alembic import op

revision = "0016"
down_revision = "0015"

# Statistics tell nothing of a rare word, so the planner takes any for a frequent one and would read all pictures.
WORDS = """
CREATE FUNCTION images_with_words(words tsquery, most integer) RETURNS SETOF bigint
    LANGUAGE sql STABLE ROWS 100 SET enable_seqscan = off SET enable_indexscan = off
AS $$
    SELECT id FROM image WHERE document @@ words LIMIT most
$$;
COMMENT ON FUNCTION images_with_words(tsquery, integer) IS
    'Some of the pictures, at most so many, whose words match: always by the index of words.';
"""

DAYS = """
CREATE INDEX image_day ON image (((created_at AT TIME ZONE 'UTC')::date), id);
"""


def upgrade() -> None:
    op.execute(WORDS)
    op.execute(DAYS)
