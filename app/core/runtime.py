"""What a process stands on: settings, the database (embedded or given), and how to reach both from a command."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from app.core import state
from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.postgres import connectable
from app.core.schema import migrate
from app.core.settings import Settings, read_settings


@contextmanager
def reachable_database(settings: Settings) -> Generator[str]:
    """A conninfo: the given database, the running gallery's, or one started for the block."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with connectable(settings.data_dir) as conninfo:
        yield conninfo


@asynccontextmanager
async def cli_database(settings: Settings | None = None) -> AsyncGenerator[Database]:
    """An open, migrated database for one command.

    The embedded server must be spawned from the main thread (its parent-death signal follows the thread), which
    is where the command's event loop runs.
    """
    settings = settings or read_settings()
    with reachable_database(settings) as conninfo:
        migrate(conninfo)
        async with Database(conninfo, max_size=8) as db:
            yield db


async def open_blobs(db: Database, settings: Settings) -> BlobStore:
    """The store of pictures, with its volume marker checked. Raises VolumeMissing."""
    blobs = BlobStore(settings.blobs_dir)
    async with db.transaction() as conn:
        # A web server and a worker that start first, together, must not each make a marker.
        await state.lock(conn)
        volume = await state.find(conn, "volume")
        found = blobs.prepare(volume)
        await state.remember(conn, "volume", found)
    return blobs
