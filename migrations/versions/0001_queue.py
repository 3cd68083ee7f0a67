"""The job queue's own tables, replayed from the installed package.

They stand in a schema of their own: its migrations cannot share one transaction (an enum value is used in the
statement after the one that adds it), so a run that was killed is begun again by dropping what it left.
"""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None

LAST = "03.04.00_50_post_add_retry_failed_job_procedure.sql"


def upgrade() -> None:
    folder = Path(SchemaManager.get_migrations_path())
    names = sorted(path.name for path in folder.glob("*.sql"))
    replay = names[: names.index(LAST) + 1]
    with op.get_context().autocommit_block():
        connection = op.get_bind().execution_options(no_parameters=True)
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS procrastinate CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA procrastinate")
        connection.exec_driver_sql("SET search_path TO procrastinate, public")
        for name in replay:
            connection.exec_driver_sql((folder / name).read_text())
        connection.exec_driver_sql("SET search_path TO public, procrastinate")
