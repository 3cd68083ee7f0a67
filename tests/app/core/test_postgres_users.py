"""The embedded Postgres under root: as another user, below closed folders, out of reach of the others."""

import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Generator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.core import postgres_files
from app.core.postgres import EmbeddedPostgres, PostgresError, binary, connectable, find_running

NOBODY = 65534
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the server as another user")


@pytest.fixture
def system_dir(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for /var/lib/likeness."""
    monkeypatch.setattr(postgres_files, "SYSTEM_DIR", open_dir / "system")
    return open_dir / "system"


@pytest.fixture
def closed_dir(tmp_path: Path) -> Path:
    """A folder of root's that no other user may pass through."""
    tmp_path.chmod(0o700)
    return tmp_path


def as_other(*command: str | Path) -> int:
    """The exit status of a command run as a user who is neither root nor the server's."""
    return subprocess.run(command, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False).returncode


@pytest.fixture
def ordinary_user() -> Generator[Executor]:
    """Runs functions in a process of an ordinary user. (A fork: Python itself may be in a closed folder.)"""
    try:
        as_other(binary("postgres"), "--version")
    except PermissionError:
        pytest.skip(f"ordinary users may not run {binary('postgres')}")
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context, initializer=become_nobody) as executor:
        yield executor


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def start_once(data_dir: Path) -> int:
    """Start and stop; the user id that the server had."""
    with EmbeddedPostgres(data_dir) as server:
        return server_uid(server)


def server_uid(server: EmbeddedPostgres) -> int:
    assert server.process is not None
    return Path(f"/proc/{server.process.pid}").stat().st_uid


def test_server_of_root_is_out_of_reach_of_other_users(open_dir: Path):
    with EmbeddedPostgres(open_dir) as server:
        assert server_uid(server) != 0
        host = str(conninfo_to_dict(server.conninfo)["host"])
        question = [binary("pg_isready"), "-q", "-h", host]
        assert subprocess.run(question, check=False).returncode == 0
        assert as_other(*question) != 0
        assert as_other("test", "-e", host) != 0


def test_ordinary_user_and_root_take_turns(open_dir: Path, ordinary_user: Executor):
    data_dir = open_dir / "data"
    data_dir.mkdir()
    os.chown(data_dir, NOBODY, NOBODY)
    assert ordinary_user.submit(start_once, data_dir).result() == NOBODY
    assert start_once(data_dir) == NOBODY
    with connectable(data_dir) as conninfo:
        assert find_running(data_dir) == conninfo
    assert ordinary_user.submit(start_once, data_dir).result() == NOBODY


def test_folder_that_root_began_in_a_users_place(open_dir: Path, ordinary_user: Executor):
    data_dir = open_dir / "data"
    data_dir.mkdir()
    os.chown(data_dir, NOBODY, NOBODY)
    assert start_once(data_dir) == NOBODY
    assert ordinary_user.submit(start_once, data_dir).result() == NOBODY


def test_ordinary_user_is_told_of_a_database_of_root(open_dir: Path, ordinary_user: Executor):
    start_once(open_dir)
    with pytest.raises(PostgresError, match="belongs to user 0"):
        ordinary_user.submit(start_once, open_dir).result()


def test_closed_folder_stays_closed_and_may_move(closed_dir: Path, system_dir: Path):
    data_dir = closed_dir / "data"
    with EmbeddedPostgres(data_dir) as server:
        with psycopg.connect(server.conninfo) as conn:
            conn.execute("CREATE TABLE kept ()")
        assert find_running(data_dir) == server.conninfo
    assert closed_dir.stat().st_mode & 0o077 == 0
    home = (data_dir / "postgres").resolve()
    assert home.parent == system_dir
    assert home.stat().st_mode & 0o007 == 0
    moved = data_dir.rename(closed_dir / "moved")
    with EmbeddedPostgres(moved) as server, psycopg.connect(server.conninfo) as conn:
        conn.execute("DROP TABLE kept")


def test_closed_folder_made_anew_starts_afresh(closed_dir: Path, system_dir: Path):
    data_dir = closed_dir / "data"
    with EmbeddedPostgres(data_dir) as server, psycopg.connect(server.conninfo) as conn:
        conn.execute("CREATE TABLE kept ()")
    shutil.rmtree(data_dir)
    with EmbeddedPostgres(data_dir) as server, psycopg.connect(server.conninfo) as conn:
        assert conn.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def test_database_that_is_gone_is_not_made_anew(closed_dir: Path, system_dir: Path):
    data_dir = closed_dir / "data"
    data_dir.mkdir()
    (data_dir / "postgres").symlink_to(system_dir / "gone")
    with pytest.raises(PostgresError, match="gone"):
        EmbeddedPostgres(data_dir).start()


def test_database_below_a_folder_closed_later(open_dir: Path, closed_dir: Path):
    data_dir = open_dir / "data"
    start_once(data_dir)
    moved = closed_dir / "data"
    shutil.copytree(data_dir, moved, ignore=shutil.ignore_patterns("cluster"))
    with pytest.raises(PostgresError, match="may not pass through the folders above it"):
        EmbeddedPostgres(moved).start()


def test_programs_below_a_closed_folder_are_copied(
    open_dir: Path, closed_dir: Path, system_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    package = binary("postgres").parents[2]
    shutil.copytree(binary("postgres").parents[1], closed_dir / package.name / "pginstall18")
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed_dir / f"{package.name}.libs")
    (closed_dir / package.name / "__init__.py").touch()
    monkeypatch.syspath_prepend(closed_dir)
    assert binary("postgres").is_relative_to(closed_dir)
    with EmbeddedPostgres(open_dir / "data") as server:
        assert server.process is not None
        assert Path(f"/proc/{server.process.pid}/exe").readlink().is_relative_to(system_dir)


def test_long_path_under_root(open_dir: Path, system_dir: Path):
    data_dir = open_dir / ("long" * 20) / ("path" * 20)
    with EmbeddedPostgres(data_dir) as server:
        socket_dir = Path(str(conninfo_to_dict(server.conninfo)["host"]))
        assert socket_dir.parent == system_dir
        assert as_other("test", "-x", socket_dir) != 0
