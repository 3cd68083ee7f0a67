"""Searches by a part of a picture: which picture and which part a query was made from."""

from alembic import op

revision = "0011"
down_revision = "0009"

COLUMNS = """
ALTER TABLE query
    ALTER COLUMN thumbnail DROP NOT NULL,
    ADD COLUMN image_id bigint REFERENCES image ON DELETE CASCADE,
    ADD COLUMN crop double precision[] CHECK (cardinality(crop) = 4),
    ADD CONSTRAINT query_picture CHECK ((image_id IS NULL) <> (thumbnail IS NULL));
COMMENT ON COLUMN query.image_id IS 'The stored picture that it is a part of; NULL for one that was uploaded.';
COMMENT ON COLUMN query.crop IS
    'The part searched by: left, top, width and height as shares of the picture; NULL for all of it.';
CREATE INDEX query_image ON query (image_id) WHERE image_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(COLUMNS)
