"""The pool under load: whoever cannot be served is told so, and when to come again."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from app.core import database
from app.core.database import Connection, Database
from app.core.errors import Unavailable

AT_ONCE_S = 0.1
ATTEMPTS = 3  # the machine may be busy with something else for a moment


async def test_b19_a_full_line_is_refused_at_once(conninfo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "POOL_WAITING", 2)
    async with Database(conninfo, max_size=1) as db:

        async def ask() -> int:
            async with db.transaction() as conn:
                return (await conn.execute("SELECT 1")).rowcount

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(db.transaction())
            waiting = [asyncio.create_task(ask()) for _ in range(2)]
            await asyncio.sleep(0.05)
            took_s: list[float] = []
            for _ in range(ATTEMPTS):
                started = time.perf_counter()
                with pytest.raises(Unavailable) as refused:
                    await ask()
                took_s.append(time.perf_counter() - started)
                assert refused.value.retry_after_s == 1
            assert min(took_s) < AT_ONCE_S
        assert await asyncio.gather(*waiting) == [1, 1]


async def test_a_statement_that_takes_too_long_ends_as_unavailable(db: Database) -> None:
    async def sleep(conn: Connection) -> None:
        await conn.execute("SET LOCAL statement_timeout = 50")
        await conn.execute("SELECT pg_sleep(5)")

    started = time.perf_counter()
    with pytest.raises(Unavailable):
        async with db.transaction() as conn:
            await sleep(conn)
    assert time.perf_counter() - started < 2
