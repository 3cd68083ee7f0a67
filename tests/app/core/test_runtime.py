"""What a process stands on: processes that start together agree on one volume."""

import asyncio

from app.core import state
from app.core.blobs import MARKER
from app.core.database import Database
from app.core.runtime import open_blobs
from app.core.settings import Settings


async def test_a_first_start_waits_while_another_decides(db: Database, settings: Settings) -> None:
    async with db.transaction() as conn:
        await state.lock(conn)
        starting = asyncio.create_task(open_blobs(db, settings))
        await asyncio.wait([starting], timeout=0.3)
        assert not (settings.blobs_dir / MARKER).exists()
    blobs = await starting
    async with db.transaction() as conn:
        assert await state.find(conn, "volume") == (blobs.root / MARKER).read_text()
