"""The pool under load: whoever cannot be served is told so, and when to come again. Readings; lost connections."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from app.core import database
from app.core.database import Connection, Database
from app.core.errors import Invalid, Unavailable

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


async def backend(db: Database) -> int:
    """The process of the server that answers a transaction."""
    async with db.transaction() as conn:
        cursor = await conn.execute("SELECT pg_backend_pid()")
        (pid,) = await cursor.fetchone() or (0,)
        return pid


async def test_what_reads_together_is_one_transaction(db: Database) -> None:
    async def start(one: Database) -> tuple[int, float]:
        async with one.transaction() as conn:
            cursor = await conn.execute("SELECT pg_backend_pid(), extract(epoch FROM now())")
            pid, now = await cursor.fetchone() or (0, 0)
            return pid, now

    async with db.reading() as reading:
        assert await start(reading) == await start(reading)
        assert await start(db) != await start(reading), "the database itself has other connections"
        async with reading.reading() as inner:
            assert await start(inner) == await start(reading)
    assert await start(db) != await start(db)


async def test_errors_of_what_reads_together_are_those_of_one_verb(db: Database) -> None:
    with pytest.raises(Invalid):
        async with db.reading() as reading, reading.transaction() as conn:
            await conn.execute("SELECT %s::bigint", (2**70,))
    assert await backend(db)


async def test_a_connection_that_the_server_closed_is_not_given_out(db: Database) -> None:
    lost = await backend(db)
    async with db.session() as conn:
        await conn.execute("SELECT pg_terminate_backend(%s, 5000)", (lost,))
    assert await backend(db) != lost
