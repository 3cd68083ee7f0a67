"""Measurements of recall are kept for a month; versions of an index tell their target, layout and curve."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLE = """
CREATE TABLE recall_sample (
    at timestamptz NOT NULL DEFAULT now(),
    model_id bigint NOT NULL REFERENCES model ON DELETE CASCADE,
    version_id bigint,
    subject text NOT NULL CHECK (subject IN ('query', 'all', 'newest', 'collection')),
    collection_id bigint REFERENCES collection ON DELETE CASCADE,
    queries integer NOT NULL CHECK (queries > 0),
    k integer NOT NULL,
    eligible bigint NOT NULL,
    total bigint NOT NULL,
    recall real NOT NULL CHECK (recall BETWEEN 0 AND 1),
    took_ms real NOT NULL,
    exact_ms real NOT NULL
);
CREATE INDEX recall_sample_at ON recall_sample (at);
COMMENT ON TABLE recall_sample IS
    'How much of the exact answer searches found: of people''s searches (query), and of reviews. Nothing of a query.';
COMMENT ON COLUMN recall_sample.version_id IS
    'The version of the index, which may be gone by now; NULL while there was none.';
"""
# Versions that were built before these were measured: an unknown latency is NULL.
MANIFESTS = """
UPDATE index_version SET manifest = jsonb_build_object(
    'target_recall', 0.95,
    'layout', CASE WHEN manifest->>'nlist' = '1' THEN 'exact' ELSE 'plain' END,
    'levels', 0,
    'storage', 'float32',
    'p50_ms', NULL,
    'curve', '[]'::jsonb,
    'constants', '{}'::jsonb,
    'reason', ''
) || manifest;
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(MANIFESTS)
