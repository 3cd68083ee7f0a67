"""The log: its order is the order of the commits, so a follower misses nothing."""

import asyncio

import pytest
from psycopg import sql

from app.core import changes
from app.core.changes import CHANNEL, Change
from app.core.database import Connection, Database
from tests.waiting import a_lock_is_waited_for, until


async def last_seq(conn: Connection) -> int:
    entries = await changes.list_after(conn, 0)
    return entries[-1].seq if entries else 0


async def test_entries_come_back_in_order_behind_a_position(db: Database) -> None:
    given = [
        Change("joined", 1, collection_id=7),
        Change("embedded", 1, model_id=3),
        Change("retracted", 1),
        Change("restored", 1),
        Change("left", 1, collection_id=7),
    ]
    async with db.transaction() as conn:
        await changes.append(conn, given)
    async with db.transaction() as conn:
        entries = await changes.list_after(conn, 0)
        assert [Change(one.kind, one.image_id, one.collection_id, one.model_id) for one in entries] == given
        assert await changes.list_after(conn, entries[1].seq) == entries[2:]
        assert await changes.list_after(conn, 0, limit=2) == entries[:2]
        assert await changes.position(conn) == entries[-1].seq


async def test_what_is_rolled_back_leaves_no_entry(db: Database) -> None:
    async def fail() -> None:
        async with db.transaction() as conn:
            await changes.append(conn, [Change("retracted", 1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with db.transaction() as conn:
        assert await changes.list_after(conn, 0) == []


async def test_b3_seq_order_is_commit_order(db: Database) -> None:
    """The one that appends first commits last: the other has to wait, or its higher seq would be seen first."""
    appended, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with db.transaction() as conn:
            await changes.append(conn, [Change("retracted", 1)])
            appended.set()
            await go_on.wait()

    async def quick() -> None:
        await appended.wait()
        async with db.transaction() as conn:
            await changes.append(conn, [Change("retracted", 2)])

    first, second = asyncio.create_task(slow()), asyncio.create_task(quick())
    await appended.wait()
    await until(lambda: a_lock_is_waited_for(db))
    async with db.transaction() as conn:
        assert await changes.list_after(conn, 0) == []
    go_on.set()
    await asyncio.gather(first, second)
    async with db.transaction() as conn:
        assert [entry.image_id for entry in await changes.list_after(conn, 0)] == [1, 2]


async def test_b3_a_follower_misses_nothing_while_many_write(db: Database) -> None:
    writers, each = 6, 15
    seen: list[int] = []

    async def write(writer: int) -> None:
        for number in range(each):
            async with db.transaction() as conn:
                await changes.append(conn, [Change("retracted", 1000 * writer + number)])
                await asyncio.sleep(0.001 * (writer % 3))

    async def follow() -> None:
        position = 0
        while len(seen) < writers * each:
            async with db.transaction() as conn:
                entries = await changes.list_after(conn, position)
            seen.extend(entry.image_id for entry in entries)
            position = entries[-1].seq if entries else position
            await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await asyncio.gather(follow(), *(write(writer) for writer in range(writers)))
    assert sorted(seen) == sorted(1000 * writer + number for writer in range(writers) for number in range(each))


async def test_followers_are_woken_by_the_commit(db: Database) -> None:
    async with db.session() as listener:
        await listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        async with db.transaction() as conn:
            await changes.append(conn, [Change("retracted", 1)])
        woken = [notice.channel async for notice in listener.notifies(timeout=10, stop_after=1)]
    assert woken == [CHANNEL]


async def test_pruning_is_known_to_those_who_stand_before_it(db: Database) -> None:
    async with db.transaction() as conn:
        await changes.append(conn, [Change("retracted", number) for number in range(4)])
        seq = await last_seq(conn)
        await changes.prune(conn, seq - 1)
        assert [entry.image_id for entry in await changes.list_after(conn, 0)] == [3]
        assert await changes.pruned_to(conn) == seq - 1
        await changes.prune(conn, seq)
        assert await changes.position(conn) == seq, "an empty log stands where it was pruned to"
        await changes.prune(conn, seq - 3)
        assert await changes.pruned_to(conn) == seq, "pruning never goes back"
