"""Counts of pictures: whatever happens, and whoever asks, the tally tells what looking at each picture would."""

import asyncio
import random

from app.accounts.records import NOBODY, Viewer
from app.core.database import Connection, Database
from app.images import service_counts, store_counts
from app.images.records import Filters
from app.images.service_counts import MAX_COUNTED
from tests.factories import Gallery

IMAGES, LABELS, STEPS = 8, 3, 150
JOIN = """INSERT INTO collection_image SELECT %(collection)s, id, digest FROM image WHERE id = ANY(%(ids)s)
    ON CONFLICT DO NOTHING"""
LABEL = """INSERT INTO image_label SELECT image.id, label.id, 1 FROM image, label
    WHERE image.id = ANY(%(ids)s) AND label.name = %(label)s ON CONFLICT DO NOTHING"""
UNLABEL = """DELETE FROM image_label USING label
    WHERE label.id = label_id AND label.name = %(label)s AND image_id = ANY(%(ids)s)"""
STEP = (
    JOIN,
    "DELETE FROM collection_image WHERE collection_id = %(collection)s AND image_id = ANY(%(ids)s)",
    LABEL,
    UNLABEL,
    "UPDATE image SET trashed_at = now() WHERE id = ANY(%(ids)s)",
    "UPDATE image SET trashed_at = NULL WHERE id = ANY(%(ids)s)",
    "UPDATE image SET caption = 'other' WHERE id = ANY(%(ids)s)",
    "UPDATE collection SET is_public = NOT is_public WHERE id = %(collection)s",
)


async def add_images(conn: Connection, owner: Viewer) -> list[int]:
    rows = await conn.execute(
        """
        INSERT INTO image (owner_id, digest, filename, format, width, height, size_bytes)
        SELECT %s, sha256(int4send(n)), '', 'PNG', 1, 1, 1 FROM generate_series(1, %s) AS n RETURNING id
        """,
        (owner.account_id, IMAGES),
    )
    await conn.execute("INSERT INTO label (name) SELECT 'l' || n FROM generate_series(1, %s) AS n", (LABELS,))
    return [row[0] for row in await rows.fetchall()]


async def check(conn: Connection, viewer: Viewer, collection_ids: list[int]) -> None:
    for chosen in (None, *collection_ids):
        filters = Filters(chosen)
        counted = await store_counts.count_visible(conn, viewer, filters)
        labels = await store_counts.list_labels(conn, viewer, chosen, 10)
        assert (counted, labels) == await store_counts.count_newest_matching(conn, viewer, filters, 10**6, 10)
        assert labels == await store_counts.list_matching_labels(conn, viewer, filters, 10)
        for label in labels:
            assert await store_counts.count_visible(conn, viewer, Filters(chosen, label.name)) == label.count


async def test_the_tally_tells_what_looking_at_each_picture_would(db: Database, gallery: Gallery) -> None:
    anna, ben = await gallery.person("anna"), await gallery.person("ben")
    shelves = [(await gallery.collection(owner, name)).id for owner in (anna, ben) for name in ("One", "Two")]
    async with db.transaction() as conn:
        ids = await add_images(conn, anna)
    drawn = random.Random(3)  # noqa: S311  # no secret
    for step in range(STEPS):
        values = {
            "collection": drawn.choice(shelves),
            "label": f"l{drawn.randint(1, LABELS)}",
            "ids": drawn.sample(ids, drawn.randint(1, 4)),
        }
        async with db.transaction() as conn:
            await conn.execute(drawn.choice(STEP).encode(), values)
            if step % 20 == 19:
                await store_counts.fold_tally(conn)
            for viewer in (NOBODY, anna, ben):
                await check(conn, viewer, shelves)
    async with db.transaction() as conn:
        await conn.execute("UPDATE image SET trashed_at = NULL")
        await conn.execute("DELETE FROM image WHERE id = ANY(%s)", (ids[:2],))
        await conn.execute("DELETE FROM collection WHERE id = %s", (shelves[0],))
        for viewer in (NOBODY, anna, ben):
            await check(conn, viewer, shelves[1:])
        await conn.execute("DELETE FROM image")
        await store_counts.fold_tally(conn)
        rows = await conn.execute("SELECT count(*) FROM tally")
        assert await rows.fetchone() == (0,)


async def test_two_who_change_the_same_picture_at_once_are_both_counted(db: Database, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    shelves = [(await gallery.collection(anna, name)).id for name in ("One", "Two", "Three")]
    async with db.transaction() as conn:
        ids = await add_images(conn, anna)
        await conn.execute(JOIN.encode(), {"collection": shelves[0], "ids": ids})

    async def change(statement: str, collection: int) -> None:
        async with db.transaction() as conn:
            await conn.execute(statement.encode(), {"collection": collection, "ids": ids, "label": "l1"})
            await asyncio.sleep(0.1)  # the others come meanwhile

    await asyncio.gather(change(JOIN, shelves[1]), change(JOIN, shelves[2]), change(LABEL, shelves[0]))
    async with db.transaction() as conn:
        await check(conn, anna, shelves)
        assert await store_counts.count_visible(conn, anna, Filters(shelves[2], "l1")) == IMAGES


async def test_filters_that_look_at_pictures_count_up_to_a_bound(db: Database, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    shelf = await gallery.collection(anna, "Many", public=True)
    async with db.transaction() as conn:
        await conn.execute(
            """
            WITH made AS (
                INSERT INTO image (owner_id, digest, filename, format, width, height, size_bytes)
                SELECT %s, sha256(int4send(n)), '', CASE WHEN n <= %s THEN 'PNG' ELSE 'WEBP' END, 1, 1, 1
                FROM generate_series(1, %s) AS n RETURNING id, digest)
            INSERT INTO collection_image SELECT %s, id, digest FROM made
            """,
            (anna.account_id, MAX_COUNTED, 2 * MAX_COUNTED + 1, shelf.id),
        )
    few = await service_counts.facets(db, NOBODY, Filters(format="PNG"))
    assert (few.total, few.complete) == (MAX_COUNTED, True)
    many = await service_counts.facets(db, NOBODY, Filters(format="WEBP"))
    assert (many.total, many.complete) == (MAX_COUNTED, False)
    everything = await service_counts.facets(db, NOBODY, Filters())
    assert (everything.total, everything.complete) == (2 * MAX_COUNTED + 1, True)
