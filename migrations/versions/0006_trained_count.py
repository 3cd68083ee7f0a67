"""Versions of an index tell how many pictures their cells were trained for."""

from alembic import op

revision = "0006"
down_revision = "0005"

# So far every build trained its cells.
MANIFESTS = """
UPDATE index_version SET manifest = jsonb_build_object('trained_count', manifest->'count') || manifest;
"""


def upgrade() -> None:
    op.execute(MANIFESTS)
