"""A real Postgres for the whole run; a fresh migrated database, folder and web app for each test."""

import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from psycopg import sql
from psycopg.conninfo import make_conninfo

from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.postgres import EmbeddedPostgres
from app.core.runtime import open_blobs
from app.core.schema import migrate
from app.core.settings import Settings
from app.ingest.service import Intake
from app.main import create_app
from ml.decoder import Decoder
from tests.factories import Gallery

TEMPLATE = "template_likeness"
_numbers = itertools.count(1)

Client = AsyncTestClient[Litestar]


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
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
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
    return Intake(db, blobs, decoder, 1, settings.max_upload_bytes)


@pytest.fixture
def gallery(intake: Intake, settings: Settings) -> Gallery:
    """Makes accounts, collections, pictures and embeddings, by the app's own verbs."""
    return Gallery(intake, settings)


@pytest.fixture
async def open_client(conninfo: str, settings: Settings, blobs: BlobStore) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    """Opens web clients of one running app: each has its own cookies."""
    async with AsyncExitStack() as stack:
        app = create_app(settings, conninfo)
        first = await stack.enter_async_context(AsyncTestClient(app, base_url="http://testserver"))
        opened = [first]

        async def open_one() -> Client:
            client = opened.pop() if opened else AsyncTestClient(app, base_url="http://testserver")
            client.headers.update({"sec-fetch-site": "same-origin", "accept": "text/html"})
            client.follow_redirects = False
            return client

        yield open_one


@pytest.fixture
async def client(open_client: Callable[[], Awaitable[Client]]) -> Client:
    """A browser that nobody is signed in with."""
    return await open_client()
