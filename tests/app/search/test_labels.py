"""Labels in memory: whatever happens in whatever order, they end as the database has them."""

import asyncio
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import changes
from app.core.changes import Change
from app.core.database import Connection, Database
from app.images import service as images
from app.images import store_writes
from app.search import labels as labels_module
from app.search import store
from app.search.labels import Labels
from app.search.live import Live
from tests.app.search.conftest import Finder
from tests.factories import Gallery

NAMES = ("red", "green", "blue")
IMAGES = (1, 2, 3, 4)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(IMAGES), st.sets(st.sampled_from(NAMES))),
        st.tuples(st.just("ask"), st.sampled_from(NAMES)),
        st.tuples(st.just("follow"), st.integers(1, 3)),
    ),
    max_size=25,
)
_examples = itertools.count()


async def add_images(conn: Connection) -> list[int]:
    """Four pictures in the database, of nobody's that is known."""
    account = await conn.execute("INSERT INTO account (name) VALUES (%s) RETURNING id", (f"a{next(_examples)}",))
    (owner,) = await account.fetchone() or (0,)
    rows = await conn.execute(
        """
        INSERT INTO image (owner_id, digest, filename, format, width, height, size_bytes)
        SELECT %s, decode(lpad(to_hex(n), 64, '0'), 'hex'), '', 'PNG', 1, 1, 1
        FROM generate_series(1, %s) AS n RETURNING id
        """,
        (owner, len(IMAGES)),
    )
    return [row[0] for row in await rows.fetchall()]


async def set_labels(db: Database, image_id: int, names: set[str]) -> None:
    async with db.transaction() as conn:
        await store_writes.set_labels(conn, image_id, sorted(names))
        await changes.append(conn, [Change("labelled", image_id)])


async def follow(db: Database, labels: Labels, limit: int = 1000) -> None:
    async with db.transaction() as conn:
        await labels.apply(conn, await changes.list_after(conn, labels.position, limit))


async def in_database(db: Database, name: str) -> list[int]:
    async with db.transaction() as conn:
        return sorted((await store.list_labelled(conn, name)).tolist())


async def ids_of(db: Database, labels: Labels, name: str) -> list[int]:
    return (await labels.get(db, name)).ids().tolist()


@given(operations=OPERATIONS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_labels_end_as_the_database_has_them(conninfo: str, operations: list[Any]) -> None:
    async def play() -> None:
        async with Database(conninfo) as db:
            async with db.transaction() as conn:
                labels = Labels(await changes.position(conn))
                ids = await add_images(conn)
            for operation in operations:
                match operation:
                    case ("set", image, names):
                        await set_labels(db, ids[image - 1], names)
                    case ("ask", name):
                        await labels.get(db, name)
                    case _:
                        await follow(db, labels, operation[1])
            await follow(db, labels)
            for name in NAMES:
                assert await ids_of(db, labels, name) == await in_database(db, name)

    asyncio.run(play())


async def test_a_change_while_a_label_is_loaded_is_not_missed(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with db.transaction() as conn:
        labels = Labels(0)
        first, *_ = await add_images(conn)
    read, go_on = asyncio.Event(), asyncio.Event()
    list_labelled = store.list_labelled

    async def slowly(conn: Connection, label: str) -> NDArray[np.int64]:
        ids = await list_labelled(conn, label)
        read.set()
        await go_on.wait()
        return ids

    with monkeypatch.context() as patched:
        patched.setattr(store, "list_labelled", slowly)
        asking = asyncio.create_task(labels.get(db, "red"))
        await read.wait()
    await set_labels(db, first, {"red"})
    following = asyncio.create_task(follow(db, labels))
    await asyncio.sleep(0.05)
    go_on.set()
    await asyncio.gather(asking, following)
    assert await ids_of(db, labels, "red") == [first]


async def test_only_so_many_labels_are_kept(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_module, "MAX_LABELS", 2)
    labels = Labels(0)
    for name in ("red", "green", "red", "blue"):
        await labels.get(db, name)
    assert len(labels) == 2
    asked: list[str] = []

    async def counted(conn: Connection, label: str) -> NDArray[np.int64]:
        asked.append(label)
        return np.empty(0, np.int64)

    monkeypatch.setattr(store, "list_labelled", counted)
    for name in ("red", "blue", "green"):
        await labels.get(db, name)
    assert asked == ["green"]


async def test_a_label_given_and_taken_is_found_and_gone(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder
) -> None:
    first, second = await gallery.pictures(anna, birds, [1, 2], ["robin"])
    await gallery.embed()
    await live.refresh()
    db = gallery.intake.db
    assert sorted(await find.like(1, label="robin")) == [first, second]
    assert await find.like(1, label="gull") == []
    await images.describe(db, anna, first, caption="", labels=["gull"])
    assert await find.like(1, label="robin") == [second]  # at once: what is found is checked
    await live.refresh()
    assert await find.like(1, label="gull") == [first]
    (third,) = await gallery.pictures(anna, birds, [3], ["gull"])
    await gallery.embed()
    await live.refresh()
    assert sorted(await find.like(1, label="gull")) == [first, third]
    await images.trash(db, anna, third)
    await live.refresh()
    assert await find.like(1, label="gull") == [first]
    await images.restore(db, anna, third)
    await live.refresh()
    assert sorted(await find.like(1, label="gull")) == [first, third]


async def test_words_that_stay_the_same_are_not_logged(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1], ["robin"])
    db = gallery.intake.db
    async with db.transaction() as conn:
        before = await changes.position(conn)
    await images.describe(db, anna, image_id, caption="a robin", labels=["robin"])
    async with db.transaction() as conn:
        assert await changes.position(conn) == before
    await images.describe(db, anna, image_id, caption="a robin", labels=["robin", "bird"])
    async with db.transaction() as conn:
        assert [one.kind for one in await changes.list_after(conn, before)] == ["labelled"]
