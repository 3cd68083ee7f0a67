"""The pool of Postgres connections, and what every connection is set to."""

import asyncio
import copy
import select
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from app.core.errors import Invalid, Unavailable

Connection = AsyncConnection[tuple[Any, ...]]

STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 10_000
POOL_TIMEOUT_S = 5.0
POOL_WAITING = 500
"""Requests that may wait for a connection. Ten connections serve that many, of 5 ms each, within a quarter second;
in a longer line most would only wait for their timeout."""
CONNECT_TIMEOUT_S = 5


def with_search_path(conninfo: str) -> str:
    """The conninfo with the queue's schema on its search path, which the queue's SQL relies on."""
    return make_conninfo(
        conninfo,
        options="-c search_path=public,procrastinate -c timezone=UTC",
        application_name="likeness",
        connect_timeout=CONNECT_TIMEOUT_S,
    )


class Database:
    """Connections to Postgres: `transaction()` for verbs, `reading()` for pages, `session()` for followers."""

    def __init__(self, conninfo: str, *, min_size: int = 1, max_size: int = 10) -> None:
        self.conninfo = with_search_path(conninfo)
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self.conninfo,
            min_size=min_size,
            max_size=max_size,
            timeout=POOL_TIMEOUT_S,
            max_waiting=POOL_WAITING,
            open=False,
            configure=_configure,
            check=_check,
        )
        self._joined: Connection | None = None

    async def open(self) -> None:
        """Open the pool. Raises Unavailable when Postgres does not answer."""
        try:
            await self._pool.open(wait=True, timeout=POOL_TIMEOUT_S)
        except PoolTimeout as error:
            await self._pool.close()
            raise Unavailable("the database does not answer") from error

    async def close(self) -> None:
        await self._pool.close()

    async def __aenter__(self) -> "Database":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A connection in one transaction: committed at the end, rolled back on any exception.

        Raises Unavailable when no connection can be had in time, at once when too many wait for one, and when the
        server goes away or a statement takes too long; Invalid for a value that no column can hold: a text with NUL, a
        number beyond 64 bits.
        """
        if self._joined is not None:
            yield self._joined
            return
        try:
            # A block of its own, so that `conn.transaction()` inside is a savepoint and never commits by itself.
            async with self._pool.connection() as conn, conn.transaction():
                yield conn
        except TooManyRequests as error:
            raise Unavailable("too many requests wait already", retry_after_s=1) from error
        except PoolTimeout as error:
            raise Unavailable("the database does not answer", retry_after_s=5) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Unavailable("the database does not answer", retry_after_s=5) from error
        except psycopg.DataError as error:
            raise Invalid("a value in this request is too large, or no plain text") from error

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator["Database"]:
        """This database for several verbs that only read, all of them in one transaction, as `transaction` has it.

        A page takes one connection then, once, and each further verb saves two round trips: 0.1 ms where nothing else
        runs, and a place in the line for a core where much does.
        """
        async with self.transaction() as conn:
            one = copy.copy(self)
            one._joined = conn
            yield one

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Connection]:
        """A transaction in which every query sees the same moment."""
        async with self.transaction() as conn:
            await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield conn

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Connection]:
        """A connection of its own, in autocommit mode and without a statement timeout: LISTEN, exports, locks."""
        try:
            conn = await AsyncConnection.connect(self.conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise Unavailable("the database does not answer", retry_after_s=5) from error
        try:
            yield conn
        finally:
            await asyncio.shield(conn.close())


async def _check(conn: Connection) -> None:
    """Raises psycopg.OperationalError for a connection that the server has closed, before a request relies on it.

    There is something to read then, and nothing on one that lives and is idle. To ask the server each time was a
    quarter of what a transaction of one query takes.
    """
    waiting = select.poll()
    waiting.register(conn.fileno(), select.POLLIN)
    if waiting.poll(0):
        await AsyncConnectionPool.check_connection(conn)


async def _configure(conn: Connection) -> None:
    await conn.execute(
        "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
        (str(STATEMENT_TIMEOUT_MS), str(LOCK_TIMEOUT_MS)),
    )
    await conn.commit()
