"""What a step on many pictures changed, so that it can be undone; covers; orders of the gallery beside the newest."""

from alembic import op

revision = "0009"
down_revision = "0008"

UNDO = """
CREATE TABLE undo (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    made_at timestamptz NOT NULL DEFAULT now(),
    effects jsonb NOT NULL
);
COMMENT ON TABLE undo IS 'What a step changed, for the one who took it; kept for a day, gone once it is undone.';
CREATE INDEX undo_made_at ON undo (made_at);
CREATE INDEX undo_account ON undo (account_id);
"""

COVERS = """
ALTER TABLE collection ADD COLUMN cover_id bigint REFERENCES image (id) ON DELETE SET NULL;
COMMENT ON COLUMN collection.cover_id IS 'The picture that its card shows first while it stands there; null: newest.';
CREATE INDEX collection_cover ON collection (cover_id) WHERE cover_id IS NOT NULL;
"""

# A btree's row holds 2,700 bytes, and names of files have no bound.
ORDERS = """
CREATE INDEX image_name ON image (lower(left(filename, 200)), id);
CREATE INDEX image_pixels ON image ((width::bigint * height), id);
"""


def upgrade() -> None:
    op.execute(UNDO)
    op.execute(COVERS)
    op.execute(ORDERS)
