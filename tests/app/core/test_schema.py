"""Migrations: whole or not at all, one at a time, and never on a newer schema."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from app.core.schema import SchemaTooNew, head, migrate


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    """A database without a schema."""
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("test_empty")))
        yield make_conninfo(server, dbname="test_empty")
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier("test_empty")))


def revision(conninfo: str) -> str:
    with psycopg.connect(conninfo) as conn:
        row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row is not None
    return row[0]


def test_a_fresh_database_is_brought_to_the_head_and_stays_there(empty: str) -> None:
    assert migrate(empty) == head()
    assert revision(empty) == head()
    assert migrate(empty) == head()


def test_b17_two_at_once_migrate_once(empty: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(migrate, [empty, empty])) == [head(), head()]
    assert revision(empty) == head()


def test_b17_a_newer_schema_is_refused_and_left_alone(conninfo: str) -> None:
    with psycopg.connect(conninfo) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="9999"):
        migrate(conninfo)
    assert revision(conninfo) == "9999"


def test_f21_a_run_that_was_killed_in_the_queues_tables_is_begun_again(empty: str) -> None:
    with psycopg.connect(empty) as conn:
        conn.execute("CREATE SCHEMA procrastinate")
        conn.execute("CREATE TABLE procrastinate.procrastinate_jobs (half boolean)")
    assert migrate(empty) == head()
