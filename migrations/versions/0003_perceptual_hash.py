"""Pictures keep a perceptual hash, by which copies of one picture are found."""

from alembic import op

revision = "0003"
down_revision = "0002"

COLUMN = """
ALTER TABLE image ADD COLUMN perceptual_hash bytea CHECK (octet_length(perceptual_hash) = 32);
COMMENT ON COLUMN image.perceptual_hash IS
    'pHash, 256 bits (ml/perceptual.py); NULL only for pictures taken in before it was kept.';
"""


def upgrade() -> None:
    op.execute(COLUMN)
