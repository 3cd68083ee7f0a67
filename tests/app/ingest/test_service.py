"""The way in: one picture per collection and bytes, whoever brings them and however often."""

import asyncio

import pytest

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import changes
from app.core.blobs import THUMBNAIL_WIDTHS
from app.images import service as images
from app.images.records import Filters
from app.ingest.description import clean_filename
from app.ingest.service import resolve_target
from ml.datasets.items import Item
from ml.decoder import inspect
from tests.app.ingest.hostile import REFUSED
from tests.factories import Gallery, picture


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds")


def item(seed: int, name: str = "a.png") -> Item:
    return Item(name, name, picture(seed), ("bird",))


async def count_images(gallery: Gallery) -> int:
    async with gallery.intake.db.transaction() as conn:
        row = await (await conn.execute("SELECT count(*) FROM image")).fetchone()
    assert row is not None
    return row[0]


async def test_outcomes_come_in_the_order_of_the_items(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    items = [item(1, "1.png"), *(Item(name, name, data) for name, data in REFUSED.items()), item(2, "2.png")]
    items.append(item(1, "again.png"))
    outcomes = await gallery.add(anna, birds, items)
    assert [one.file for one in outcomes] == ["1.png", *REFUSED, "2.png", "again.png"]
    assert [one.is_new for one in outcomes] == [True, *(False for _ in REFUSED), True, False]
    assert outcomes[-1].image_id == outcomes[0].image_id
    assert all(one.reason for one in outcomes if one.image_id is None)


async def test_a_picture_is_kept_with_what_is_known_of_it(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    data = picture(1, (300, 200), "JPEG")
    given = Item("a.jpg", "robins/a.jpg", data, ("robin", "small"), ("At dusk",))
    (outcome,) = await gallery.add(anna, birds, [given])
    assert outcome.image_id is not None
    image = await images.get_visible(gallery.intake.db, anna, outcome.image_id)
    assert (image.filename, image.source, image.caption) == ("a.jpg", "robins/a.jpg", "At dusk")
    assert (image.format, image.width, image.height, image.size_bytes) == ("JPEG", 300, 200, len(data))
    assert image.labels == ["robin", "small"]
    assert gallery.intake.blobs.read(gallery.intake.blobs.original(image.digest)) == data
    async with gallery.intake.db.transaction() as conn:
        row = await (await conn.execute("SELECT perceptual_hash FROM image")).fetchone()
    assert row == (inspect(data, THUMBNAIL_WIDTHS).perceptual_hash,)


async def test_again_adds_none(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    items = [item(seed) for seed in range(20)]
    first = await gallery.add(anna, birds, items)
    again = await gallery.add(anna, birds, items)
    assert all(one.is_new for one in first)
    assert not any(one.is_new for one in again)
    assert [one.image_id for one in again] == [one.image_id for one in first]
    assert await count_images(gallery) == 20


async def test_the_same_bytes_of_two_members_are_one_picture(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    ben = await gallery.person("ben")
    await collections.add_member(gallery.intake.db, anna, birds.id, "ben", "editor")
    (annas,) = await gallery.add(anna, birds, [item(1)])
    (bens,) = await gallery.add(ben, birds, [item(1)])
    assert (bens.image_id, bens.is_new) == (annas.image_id, False)
    assert await count_images(gallery) == 1


async def test_the_same_bytes_in_two_collections_are_one_picture(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    fish = await gallery.collection(anna, "Fish")
    (first,) = await gallery.add(anna, birds, [item(1)])
    (second,) = await gallery.add(anna, fish, [item(1)])
    assert second.image_id == first.image_id
    assert second.is_new, "it is new to this collection"
    for collection in (birds, fish):
        page = await images.list_images(gallery.intake.db, anna, Filters(collection.id))
        assert [image.id for image in page.images] == [first.image_id]


async def test_the_same_bytes_of_two_owners_are_two_pictures_and_one_file(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    ben = await gallery.person("ben")
    (annas,) = await gallery.add(anna, birds, [item(1)])
    (bens,) = await gallery.add(ben, await gallery.collection(ben, "Mine"), [item(1)])
    assert bens.image_id != annas.image_id
    originals = (gallery.intake.blobs.root / "originals").rglob("*")
    assert len([path for path in originals if path.is_file()]) == 1


async def test_bytes_from_ones_trash_come_back(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    (first,) = await gallery.add(anna, birds, [item(1)])
    assert first.image_id is not None
    await images.trash(gallery.intake.db, anna, first.image_id)
    (again,) = await gallery.add(anna, birds, [item(1)])
    assert (again.image_id, again.is_new) == (first.image_id, True)
    assert (await images.get_visible(gallery.intake.db, anna, first.image_id)).trashed_at is None
    async with gallery.intake.db.transaction() as conn:
        assert [entry.kind for entry in await changes.list_after(conn, 0)] == ["joined", "retracted", "restored"]


async def test_bytes_that_another_has_trashed_give_way(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    ben = await gallery.person("ben")
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    (annas,) = await gallery.add(anna, birds, [item(1)])
    assert annas.image_id is not None
    await images.trash(db, anna, annas.image_id)
    (bens,) = await gallery.add(ben, birds, [item(1)])
    assert bens.is_new
    page = await images.list_images(db, anna, Filters(birds.id))
    assert [image.id for image in page.images] == [bens.image_id]


async def test_two_imports_of_the_same_at_once_make_one_of_each(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    items = [item(seed, f"{seed}.png") for seed in range(12)]
    first, second = await asyncio.gather(
        gallery.add(anna, birds, items), gallery.add(anna, birds, list(reversed(items)))
    )
    assert sum(one.is_new for one in first + second) == 12
    assert await count_images(gallery) == 12


async def test_b6_pictures_their_log_and_their_job_come_together(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    outcomes = await gallery.add(anna, birds, [item(1), item(2)])
    async with gallery.intake.db.transaction() as conn:
        log = [(one.kind, one.image_id, one.collection_id) for one in await changes.list_after(conn, 0)]
        cursor = await conn.execute("SELECT task_name, queueing_lock FROM procrastinate_jobs")
        assert await cursor.fetchall() == [("embedding:embed", "embed"), ("images:compare", "compare")]
    assert log == [("joined", one.image_id, birds.id) for one in outcomes]


async def test_what_was_taken_in_stays_when_the_rest_never_comes(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    def broken() -> "list[Item]":
        raise OSError("the disk was pulled out")

    class Source:
        def __iter__(self):
            yield from (item(seed) for seed in range(40))
            broken()

    with pytest.raises(OSError, match="pulled out"):
        await gallery.add(anna, birds, Source())  # pyright: ignore[reportArgumentType]
    kept = await count_images(gallery)
    assert kept >= 16
    outcomes = await gallery.add(anna, birds, [item(seed) for seed in range(40)])
    assert sum(not one.is_new for one in outcomes) == kept
    assert await count_images(gallery) == 40


async def test_targets_are_by_name_by_id_new_or_the_default(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    assert (await resolve_target(db, anna, "birds")).id == birds.id
    assert (await resolve_target(db, anna, birds.id)).id == birds.id
    assert (await resolve_target(db, anna, str(birds.id), "Fish")).name == "Fish"
    assert (await resolve_target(db, anna, None)).name == "My pictures"
    assert (await resolve_target(db, anna, "")).name == "My pictures"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.png", "a.png"),
        ("folder/a.png", "a.png"),
        ("C:\\folder\\a.png", "a.png"),
        ("../..", ".."),
        ("a\x00\nb.png", "ab.png"),
        ("", "picture"),
        ("/", "picture"),
        ("x" * 300 + ".png", "x" * 251 + ".png"),
    ],
)
def test_a27_file_names_are_plain_text(given: str, kept: str) -> None:
    assert clean_filename(given) == kept
