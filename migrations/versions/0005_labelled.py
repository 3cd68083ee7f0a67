"""The log tells that a picture's labels have changed: searches by label are answered from memory."""

from alembic import op

revision = "0005"
down_revision = "0004"

KINDS = """
ALTER TABLE change_log
    DROP CONSTRAINT change_log_kind_check,
    ADD CONSTRAINT change_log_kind_check
        CHECK (kind IN ('embedded', 'retracted', 'restored', 'joined', 'left', 'labelled'));
"""


def upgrade() -> None:
    op.execute(KINDS)
