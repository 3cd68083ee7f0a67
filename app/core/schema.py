"""Brings the database's schema up to this version, under an advisory lock."""

from typing import Any

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core.database import with_search_path
from app.core.errors import Unavailable
from app.core.settings import ROOT

LOCK_KEY = 0x6C696B65  # "like"


class SchemaTooNew(Exception):
    """The database was made by a newer Likeness."""


def migrate(conninfo: str) -> str:
    """Apply what is missing and return the revision. Blocks; two at once: the second waits.

    Raises SchemaTooNew when the database knows a revision that this version does not, Unavailable when it cannot
    be reached.
    """
    conninfo = with_search_path(conninfo)
    config = _config()
    with _connect(conninfo) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=sqlalchemy.NullPool
        )
        with engine.connect() as connection:
            _refuse_newer(config, MigrationContext.configure(connection).get_current_revision())
            connection.rollback()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    return head()


def head() -> str:
    """The revision this version of Likeness needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _connect(conninfo: str) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        return psycopg.connect(conninfo, autocommit=True)
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database cannot be reached: {str(error).splitlines()[0]}") from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_newer(config: Config, current: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew(
            f"the database has schema {current}, which is newer than this version of Likeness ({head()}): "
            "install the version that made it, or restore a backup"
        )
