"""Pictures: lists, words, trash, restore, purge, and the collections that they stand in."""

import asyncio
from typing import LiteralString

import pytest

from app.accounts.records import NOBODY, Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import changes
from app.core.database import Database
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.images import service, service_counts
from app.images.records import Filters
from tests.factories import Gallery


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds", public=True)


async def ids_of(db: Database, viewer: Viewer, collection: Collection | None = None) -> list[int]:
    filters = Filters(collection.id if collection else None)
    return [image.id for image in (await service.list_images(db, viewer, filters)).images]


async def count(db: Database, table: str, image_id: int) -> int:
    queries: dict[str, LiteralString] = {
        "image": "SELECT count(*) FROM image WHERE id = %s",
        "embedding": "SELECT count(*) FROM embedding WHERE image_id = %s",
        "collection_image": "SELECT count(*) FROM collection_image WHERE image_id = %s",
    }
    async with db.transaction() as conn:
        row = await (await conn.execute(queries[table], (image_id,))).fetchone()
    assert row is not None
    return row[0]


async def log_of(db: Database) -> list[tuple[str, int]]:
    async with db.transaction() as conn:
        return [(entry.kind, entry.image_id) for entry in await changes.list_after(conn, 0)]


async def test_c4_pages_list_every_picture_exactly_once(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    ids = await gallery.pictures(anna, birds, range(7))
    seen: list[int] = []
    cursor = None
    while True:
        page = await service.list_images(gallery.intake.db, NOBODY, Filters(), cursor=cursor, limit=3)
        seen += [image.id for image in page.images]
        cursor = page.next_cursor
        if cursor is None:
            break
        if len(seen) == 3:  # what comes in meanwhile is newer than the cursor, and moves nothing
            await gallery.pictures(anna, birds, [100])
    assert seen == sorted(ids, reverse=True)


async def test_a_full_last_page_has_no_next(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    await gallery.pictures(anna, birds, range(3))
    assert (await service.list_images(gallery.intake.db, NOBODY, Filters(), limit=3)).next_cursor is None


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_page_has_its_bounds(db: Database, limit: int) -> None:
    with pytest.raises(Invalid):
        await service.list_images(db, NOBODY, Filters(), limit=limit)


async def test_lists_are_narrowed_by_collection_and_label(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    fish = await gallery.collection(anna, "Fish", public=True)
    robin = await gallery.pictures(anna, birds, [1], ["robin", "small"])
    gull = await gallery.pictures(anna, birds, [2], ["gull"])
    trout = await gallery.pictures(anna, fish, [3], ["trout", "small"])
    assert await ids_of(db, NOBODY, birds) == gull + robin
    by_label = await service.list_images(db, NOBODY, Filters(label="small"))
    assert [image.id for image in by_label.images] == trout + robin
    both = await service.list_images(db, NOBODY, Filters(birds.id, "small"))
    assert [image.id for image in both.images] == robin
    facets = await service_counts.facets(db, NOBODY, Filters())
    assert facets.total == 3
    assert [(one.name, one.count) for one in facets.labels] == [("small", 2), ("gull", 1), ("robin", 1), ("trout", 1)]


async def test_facets_count_only_what_one_may_see(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    ben = await gallery.person("ben")
    private = await gallery.collection(ben, "Private")
    await gallery.pictures(anna, birds, [1], ["robin"])
    await gallery.pictures(ben, private, [2, 3], ["robin"])
    facets = await service_counts.facets(gallery.intake.db, anna, Filters())
    assert (facets.total, facets.labels[0].count) == (1, 1)


async def test_words_are_changed_by_owners_and_editors(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    ben = await gallery.person("ben")
    (image_id,) = await gallery.pictures(anna, birds, [1], ["robin"])
    with pytest.raises(NotAllowed):
        await service.describe(db, ben, image_id, caption="Mine", labels=[])
    with pytest.raises(NotAllowed):
        await service.describe(db, NOBODY, image_id, caption="Mine", labels=[])
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    await service.describe(db, ben, image_id, caption="  At dusk ", labels=["b", " a  c ", "b", ""])
    changed = await service.get_visible(db, ben, image_id)
    assert (changed.caption, changed.labels, changed.label, changed.alt) == ("At dusk", ["b", "a c"], "b", "At dusk")


@pytest.mark.parametrize(
    ("caption", "labels"), [("x" * 2001, []), ("", ["x" * 121]), ("", [str(number) for number in range(51)])]
)
async def test_words_have_their_bounds(
    gallery: Gallery, anna: Viewer, birds: Collection, caption: str, labels: list[str]
) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1], ["robin"])
    with pytest.raises(Invalid):
        await service.describe(gallery.intake.db, anna, image_id, caption=caption, labels=labels)
    assert (await service.get_visible(gallery.intake.db, anna, image_id)).labels == ["robin"]


async def test_c10_trash_hides_and_restore_shows_again(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await service.trash(db, anna, image_id)
    assert await ids_of(db, anna) == []
    assert [image.id for image in (await service.list_trash(db, anna)).images] == [image_id]
    with pytest.raises(NotFound):
        await service.get_visible(db, anna, image_id)
    with pytest.raises(NotFound):
        await service.get_bytes_of(db, NOBODY, image_id)
    assert (await service.get_bytes_of(db, anna, image_id)).id == image_id
    await service.restore(db, anna, image_id)
    assert await ids_of(db, NOBODY, birds) == [image_id]
    assert await log_of(db) == [("joined", image_id), ("retracted", image_id), ("restored", image_id)]


async def test_only_the_owner_trashes(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    ben = await gallery.person("ben")
    await collections.add_member(db, anna, birds.id, "ben", "owner")
    (image_id,) = await gallery.pictures(anna, birds, [1])
    with pytest.raises(NotAllowed):
        await service.trash(db, ben, image_id)
    await service.trash(db, anna, image_id)
    with pytest.raises(NotFound):
        await service.restore(db, ben, image_id)


async def test_purge_erases_row_vectors_and_file(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db, blobs = gallery.intake.db, gallery.intake.blobs
    (image_id,) = await gallery.pictures(anna, birds, [1])
    await gallery.embed()
    image = await service.get_visible(db, anna, image_id)
    with pytest.raises(Conflict):
        await service.purge(db, blobs, anna, image_id)
    await service.trash(db, anna, image_id)
    assert blobs.original(image.digest).exists()
    await service.purge(db, blobs, anna, image_id)
    for table in ("image", "embedding", "collection_image"):
        assert await count(db, table, image_id) == 0
    assert not blobs.original(image.digest).exists()
    assert not blobs.thumbnail(image.digest, 256).exists()
    assert (await log_of(db))[-1] == ("retracted", image_id)


async def test_purge_keeps_a_file_that_somebody_else_has(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db, blobs = gallery.intake.db, gallery.intake.blobs
    ben = await gallery.person("ben")
    (annas,) = await gallery.pictures(anna, birds, [1])
    (bens,) = await gallery.pictures(ben, await gallery.collection(ben, "Mine"), [1])
    digest = (await service.get_visible(db, anna, annas)).digest
    await service.trash(db, anna, annas)
    await service.purge(db, blobs, anna, annas)
    assert blobs.read(blobs.original(digest))
    await service.trash(db, ben, bens)
    await service.purge(db, blobs, ben, bens)
    assert not blobs.original(digest).exists()


async def test_a_purge_and_an_upload_of_the_same_bytes_at_once_lose_no_file(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db, blobs = gallery.intake.db, gallery.intake.blobs
    ben = await gallery.person("ben")
    bens = await gallery.collection(ben, "Mine")
    for seed in range(5):
        (image_id,) = await gallery.pictures(anna, birds, [seed])
        digest = (await service.get_visible(db, anna, image_id)).digest
        await service.trash(db, anna, image_id)
        await asyncio.gather(service.purge(db, blobs, anna, image_id), gallery.pictures(ben, bens, [seed]))
        assert blobs.original(digest).exists()


async def test_the_trash_empties_itself(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db, blobs = gallery.intake.db, gallery.intake.blobs
    old, new, kept = await gallery.pictures(anna, birds, range(3))
    await service.trash(db, anna, old)
    await service.trash(db, anna, new)
    async with db.transaction() as conn:
        await conn.execute("UPDATE image SET trashed_at = now() - interval '31 days' WHERE id = %s", (old,))
    assert await service.purge_expired(db, blobs, 30) == 1
    assert [await count(db, "image", one) for one in (old, new, kept)] == [0, 1, 1]


async def test_a_deleted_collection_sends_orphans_to_the_trash(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    fish = await gallery.collection(anna, "Fish")
    orphan, both = await gallery.pictures(anna, birds, [1, 2])
    assert await gallery.pictures(anna, fish, [2]) == [both]
    assert await service.delete_collection(db, anna, birds.id) == 1
    assert await ids_of(db, anna) == [both]
    assert [image.id for image in (await service.list_trash(db, anna)).images] == [orphan]
    await service.restore(db, anna, orphan)
    async with db.transaction() as conn:
        home = await collections.resolve(conn, anna, collections.OWN_DEFAULT)
    assert await ids_of(db, anna, home) == [orphan]
    assert ("left", both) in await log_of(db)
    assert (await log_of(db))[-2:] == [("joined", orphan), ("restored", orphan)]


async def test_a_deleted_collection_trashes_what_members_brought_to_their_own_trash(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    ben = await gallery.person("ben")
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    (bens,) = await gallery.pictures(ben, birds, [1])
    await service.delete_collection(db, anna, birds.id)
    assert (await service.list_trash(db, anna)).images == []
    assert [image.id for image in (await service.list_trash(db, ben)).images] == [bens]


async def test_a_pictures_neighbours_are_those_one_may_see(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    private = await gallery.collection(anna, "Private")
    first, *_ = await gallery.pictures(anna, birds, [1])
    await gallery.pictures(anna, private, [2])
    (last,) = await gallery.pictures(anna, birds, [3])
    shown = await service.show(gallery.intake.db, NOBODY, first)
    assert (shown.newer_id, shown.older_id) == (last, None)
    assert [one.name for one in shown.standings] == ["Birds"]
    assert not shown.rights.can_edit
    assert not shown.rights.can_trash
