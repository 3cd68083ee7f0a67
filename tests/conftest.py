"""A real Postgres for the whole run; a fresh migrated database, folder and web app for each test."""

import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path

import psycopg
import pytest
import structlog
from click.testing import CliRunner, Result
from litestar import Litestar
from litestar.testing import AsyncTestClient
from psycopg import sql
from psycopg.conninfo import make_conninfo

from app import cli, main
from app.accounts.identity import SESSION_COOKIE
from app.accounts.records import Viewer
from app.core import changes
from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.postgres import EmbeddedPostgres
from app.core.runtime import open_blobs
from app.core.schema import migrate
from app.core.settings import Settings
from app.ingest.pipeline import Intake
from app.search import live
from app.search.live import Live
from ml.decoder import Decoder
from tests.factories import Gallery
from tests.waiting import until

TEMPLATE = "template_likeness"
_numbers = itertools.count(1)

Client = AsyncTestClient[Litestar]
OpenClient = Callable[[], Awaitable[Client]]
SignIn = Callable[[Viewer], Awaitable[Client]]
CaughtUp = Callable[[], Awaitable[None]]
Likeness = Callable[..., Result]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real pictures. Tests that need it are skipped where there is none."""
    name = os.environ.get("LIKENESS_TEST_DATA")
    if not name:
        pytest.skip("LIKENESS_TEST_DATA names no folder of real pictures")
    return Path(name)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The conninfo of a Postgres with a migrated template database."""
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        # Passable, so that the server's unprivileged user gets there when the tests run as root.
        Path(name).chmod(0o711)
        with EmbeddedPostgres(Path(name)) as postgres:
            with psycopg.connect(postgres.conninfo, autocommit=True) as conn:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
            migrate(make_conninfo(postgres.conninfo, dbname=TEMPLATE))
            yield postgres.conninfo


@pytest.fixture
def conninfo(server: str) -> Iterator[str]:
    """A fresh database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        yield make_conninfo(server, dbname=name)
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, model="baseline", workers=1)


@pytest.fixture
async def db(conninfo: str) -> AsyncIterator[Database]:
    async with Database(conninfo) as db:
        yield db


@pytest.fixture
async def blobs(db: Database, settings: Settings) -> BlobStore:
    return await open_blobs(db, settings)


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    with Decoder(1) as decoder:
        yield decoder


@pytest.fixture
def intake(db: Database, blobs: BlobStore, decoder: Decoder, settings: Settings) -> Intake:
    return Intake.of(settings, db, blobs, decoder)


@pytest.fixture
def gallery(intake: Intake, settings: Settings) -> Gallery:
    """Makes accounts, collections, pictures and embeddings, by the app's own verbs."""
    return Gallery(intake, settings)


@pytest.fixture
async def open_client(
    conninfo: str, settings: Settings, blobs: BlobStore, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenClient]:
    """Opens web clients of one running app, which starts with the first: each has its own cookies."""
    # One pool of decoding children for the whole run, and no long wait for the first model.
    monkeypatch.setattr(main, "Decoder", lambda *_, **__: nullcontext(decoder))
    monkeypatch.setattr(live, "RETRY_S", 0.05)
    app = main.create_app(settings, conninfo)
    async with AsyncExitStack() as stack:
        running: list[Client] = []

        async def open_one() -> Client:
            client = AsyncTestClient(app, base_url="http://testserver.local", raise_server_exceptions=False)
            client.headers.update({"sec-fetch-site": "same-origin", "accept": "text/html"})
            client.follow_redirects = False
            if not running:
                await stack.enter_async_context(client)
            running.append(client)
            return client

        yield open_one


@pytest.fixture
async def client(open_client: OpenClient) -> Client:
    """A browser that nobody is signed in with."""
    return await open_client()


@pytest.fixture
async def sign_in(open_client: OpenClient, gallery: Gallery) -> SignIn:
    """Opens a browser in which somebody is signed in."""

    async def sign_in(person: Viewer) -> Client:
        client = await open_client()
        client.cookies.set(SESSION_COOKIE, await gallery.session(person))
        return client

    return sign_in


@pytest.fixture
async def caught_up(client: Client, db: Database) -> CaughtUp:
    """Waits until the running app's search has followed the log to its end."""

    follower: Live = client.app.state.live

    async def wait() -> None:
        async with db.transaction() as conn:
            target = await changes.position(conn)

        async def reached() -> bool:
            if not follower.ready:
                return False
            searcher, memberships = follower.current()
            return min(searcher.position, memberships.position) >= target

        await until(reached)

    return wait


@pytest.fixture
def likeness(conninfo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Likeness]:
    """Runs `likeness …` on the test's database and folder."""
    monkeypatch.setenv("LIKENESS_DATABASE_URL", conninfo)
    monkeypatch.setenv("LIKENESS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LIKENESS_MODEL", "baseline")
    monkeypatch.setenv("LIKENESS_WORKERS", "1")

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli.main, [str(one) for one in arguments])

    yield run
    structlog.reset_defaults()  # a command configures the logs of its process, which here is ours
