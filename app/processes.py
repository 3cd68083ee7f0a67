"""The commands that run processes: `up` with its database, web server and worker, and each of them alone."""

import asyncio
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import uvicorn

from app import worker as worker_process
from app.accounts.service_claims import claim_url, ensure_first_admin
from app.core import jobs
from app.core.commands import REFUSALS, describe, fail, start
from app.core.database import Database
from app.core.errors import Invalid
from app.core.jobs import Job
from app.core.logs import configure_logs
from app.core.postgres import DataFolderLock, EmbeddedPostgres
from app.core.queue import release_all
from app.core.runtime import open_blobs, reachable_database
from app.core.schema import migrate as migrate_schema
from app.core.settings import Settings
from app.core.supervisor import Child, supervise
from app.embedding import service as embedding
from app.embedding.models import resolve_choice
from app.main import create_app
from ml.models import registry
from ml.models.model import ModelError

SAMPLE_COLLECTION = "Sample gallery"
GRACE_S = 10


@click.command()
def up() -> None:
    """Run the whole gallery in this terminal: database, worker and web server. Ctrl-C stops it."""
    _up(start(), ())


@click.command()
@click.option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Your own folder; it becomes a public collection.",
)
def demo(pictures: Path | None) -> None:
    """Run the gallery with a sample collection (drawn by the program), or with your own pictures."""
    if pictures is None:
        _up(start(), ("sample", "--collection", SAMPLE_COLLECTION, "--visibility", "public", "--once"))
        return
    name = pictures.resolve().name
    name = f"Pictures {name}" if name.isdigit() or not name else name
    _up(
        start(),
        ("folder", str(pictures), "--collection", name, "--labels-from", "folder", "--visibility", "public"),
    )


@click.command()
def serve() -> None:
    """Run the web server alone, on a database that is up or started for it."""
    settings = start()
    configure_logs(settings.log_level)
    with _told(), reachable_database(settings) as conninfo:
        _check_port(settings)
        migrate_schema(conninfo)
        config = uvicorn.Config(
            create_app(settings, conninfo),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        server = uvicorn.Server(config)
        server.run()
        if not server.started:
            sys.exit(1)


@click.command()
def worker() -> None:
    """Run the worker alone, on a database that is up or started for it."""
    settings = start()
    configure_logs(settings.log_level)
    with _told(), reachable_database(settings) as conninfo:
        migrate_schema(conninfo)
        asyncio.run(worker_process.run(settings, conninfo))


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    settings = start()
    with _told(), reachable_database(settings) as conninfo:
        click.echo(f"The database is at schema {migrate_schema(conninfo)}.")


def _up(settings: Settings, sample: Sequence[str]) -> None:
    stopping = _stop_on_signals()
    with _told():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        # The folder before the port: a second start of the same gallery is told that, and not of "something else".
        with DataFolderLock(settings.data_dir), _database(settings) as (conninfo, postgres):
            _check_port(settings)
            migrate_schema(conninfo)
            claim = asyncio.run(_prepare(settings, conninfo))
            environment = {
                **os.environ,
                "LIKENESS_DATABASE_URL": conninfo,
                "LIKENESS_DATA_DIR": str(settings.data_dir),
                "LIKENESS_LOG_LEVEL": "warning" if settings.log_level == "info" else settings.log_level,
            }
            children = [
                # One thread per query: numpy's own would fight the search threads for the cores.
                Child("web", _command("serve"), {"OPENBLAS_NUM_THREADS": "1", **environment}),
                Child(
                    "worker",
                    _command("worker"),
                    environment,
                    niceness=10,
                    before_restart=lambda: asyncio.run(_release(conninfo)),
                ),
            ]
            bringing = Child("sample", _command("import", *sample), environment) if sample else None
            watch = _Watch(settings, conninfo, claim, postgres, bringing)
            supervise(children, tick=watch.tick, stopping=lambda: bool(stopping))
            watch.close()
    click.echo("Stopped.", err=True)


class _Watch:
    """What happens while everything runs: the greeting when searches can be answered, then the sample pictures."""

    def __init__(
        self,
        settings: Settings,
        conninfo: str,
        claim: str | None,
        postgres: EmbeddedPostgres | None,
        sample: Child | None,
    ) -> None:
        self._settings = settings
        self._conninfo = conninfo
        self._claim = claim
        self._postgres = postgres
        self._sample = sample
        self._greeted = False
        self._told = ""

    def tick(self) -> None:
        if self._postgres is not None:
            self._postgres.restart_if_dead()
        if self._greeted:
            return
        if _answers(self._settings, "readyz"):
            self._greet()
        elif _answers(self._settings, "livez"):
            self._tell_fetching()

    def _tell_fetching(self) -> None:
        """A model's weights may be large: say how far they are, a line for every tenth."""
        job = asyncio.run(_fetch_job(self._conninfo))
        line = f"  {job.title}: {job.fraction:.0%}" if job is not None else ""
        if line[:-2] != self._told[:-2]:
            click.echo(line)
        self._told = line

    def _greet(self) -> None:
        self._greeted = True
        click.echo(f"\n  Likeness is running at {self._settings.address}\n")
        click.echo(f"  {asyncio.run(_model_line(self._conninfo, self._settings))}\n")
        if self._claim is not None:
            click.echo(f"  To sign in as its admin, open this link once:\n  {claim_url(self._settings, self._claim)}\n")
        click.echo("  Ctrl-C stops it.\n")
        sys.stdout.flush()
        if self._sample is not None:
            self._sample.start()

    def close(self) -> None:
        process = self._sample.process if self._sample else None
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait()


@contextmanager
def _database(settings: Settings) -> Generator[tuple[str, EmbeddedPostgres | None]]:
    if settings.database_url is not None:
        yield settings.database_url, None
        return
    with EmbeddedPostgres(settings.data_dir) as postgres:
        yield postgres.conninfo, postgres


async def _prepare(settings: Settings, conninfo: str) -> str | None:
    """Checks before anything runs; the token of the claim link while nobody has claimed the gallery."""
    async with Database(conninfo) as db:
        await open_blobs(db, settings)
        await _check_model(db, settings)
        if settings.database_url is None:
            await _release_in(db)
        return await ensure_first_admin(db)


async def _check_model(db: Database, settings: Settings) -> None:
    """A wanted model that cannot be: an older gallery goes on with the one it has, a new one does not begin."""
    if settings.model == "auto":
        return
    try:
        await asyncio.to_thread(registry.resolve, settings.model, cache_dir=settings.models_dir)
    except ModelError as error:
        active = await embedding.active_model(db)
        if active is None:
            raise Invalid(f"LIKENESS_MODEL: {error}") from error
        click.echo(f"likeness: LIKENESS_MODEL: {error}; the gallery goes on with {active.name}", err=True)


async def _release(conninfo: str) -> None:
    async with Database(conninfo) as db:
        await _release_in(db)


async def _release_in(db: Database) -> None:
    """The one worker of this data folder is not running: what it held is free again."""
    async with db.transaction() as conn:
        await release_all(conn)
        await jobs.fail_running(conn)


async def _fetch_job(conninfo: str) -> Job | None:
    async with Database(conninfo) as db, db.transaction() as conn:
        return await jobs.find_active(conn, "fetch")


async def _model_line(conninfo: str, settings: Settings) -> str:
    """Which model finds, why, and how to change it."""
    async with Database(conninfo) as db:
        model = await embedding.active_model(db)
        wanted = await resolve_choice(db, settings)
    how = "To change it: likeness models use NAME (likeness models list)."
    if model is None or model.name == wanted.name:
        return f"It finds by {wanted.name}: {wanted.reason}. {how}"
    return f"It finds by {model.name} until {wanted.name} has embedded every picture: {wanted.reason}. {how}"


def _answers(settings: Settings, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"{settings.local_address}/{path}", timeout=1):  # noqa: S310  # our own server
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _check_port(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            fail(
                f"port {settings.port} on {settings.host} cannot be used ({error.strerror}): "
                "something else listens there; name another with LIKENESS_PORT"
            )


def _stop_on_signals() -> list[int]:
    """A list that is empty until SIGINT or SIGTERM comes."""
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _: received.append(which))
    return received


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except REFUSALS as error:
        fail(describe(error))
