"""Lists that end after a page: whatever keeps them from reading all pictures, they show what looking at all would."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import get_args

import numpy as np
import pytest

from app.accounts.records import NOBODY, Viewer
from app.core.database import Database
from app.images import service, service_counts, store, store_listing
from app.images.records import NO_FILTERS, Filters, Order
from app.images.store_filters import VISIBLE
from tests.factories import Gallery

ORDERS: tuple[Order, ...] = get_args(Order)
PICTURES = 400
FIRST = date(2026, 3, 1)
DAYS = 12
LAST_HOUR = timedelta(hours=23, minutes=59)


@pytest.fixture
async def filled(gallery: Gallery, db: Database) -> Database:
    """Pictures whose days go up with their ids mostly, and some not; every third is private, every fifth in the trash.

    Their names have one of three words and a number of their own. The first and the last day have none.
    """
    anna = await gallery.person("anna")
    public = await gallery.collection(anna, "Public", public=True)
    private = await gallery.collection(anna, "Private")
    rng = np.random.default_rng(4)
    days = np.sort(rng.integers(1, DAYS - 1, PICTURES))
    swapped = rng.permutation(PICTURES)[:80]
    days[swapped] = rng.permutation(days[swapped])
    days[:3], days[-3:] = DAYS - 2, 1
    async with db.transaction() as conn:
        for number, day in enumerate(days.tolist()):
            name = f"{('sea', 'hill', 'tower')[number % 3]} {number}.jpg"
            cursor = await conn.execute(
                """
                INSERT INTO image (owner_id, digest, filename, format, width, height, size_bytes, created_at,
                    trashed_at, document)
                VALUES (%s, sha256(int4send(%s)), %s, 'JPEG', %s, 10, 1, %s, CASE WHEN %s THEN now() END,
                    image_document(%s, '{}', '{}')) RETURNING id
                """,
                (
                    anna.account_id,
                    number,
                    name,
                    10 + number % 7,
                    # Both ends of a day are its own.
                    f"{FIRST + timedelta(day)} {'00:00' if number % 2 else LAST_HOUR}+00",
                    number % 5 == 4,
                    name,
                ),
            )
            (image_id,) = await cursor.fetchone() or (0,)
            await conn.execute(
                "INSERT INTO collection_image (collection_id, image_id, digest) SELECT %s, id, digest FROM image "
                "WHERE id = %s",
                (private.id if number % 3 == 1 else public.id, image_id),
            )
    return db


async def listed(db: Database, filters: Filters, order: Order) -> list[int]:
    """All of them, page by page."""
    seen: list[int] = []
    cursor = None
    while True:
        page = await service.list_images(db, NOBODY, filters, order=order, cursor=cursor, limit=17)
        seen += [image.id for image in page.images]
        cursor = page.next_cursor
        if cursor is None:
            return seen


async def expected(db: Database, filters: Filters, order: Order) -> list[int]:
    """By looking at each picture in that order."""
    async with db.transaction() as conn:
        matching = set((await store.list_matching(conn, NOBODY, filters)).tolist())
    return [one for one in await listed(db, NO_FILTERS, order) if one in matching]


async def check(db: Database, several: Sequence[Filters]) -> int:
    """How many pictures these filters found, in all orders."""
    count = 0
    for filters in several:
        for order in ORDERS:
            found = await listed(db, filters, order)
            assert found == await expected(db, filters, order), (filters, order)
            count += len(found)
        assert (await service_counts.facets(db, NOBODY, filters)).total == len(await listed(db, filters, "newest"))
    return count


async def test_days_find_what_came_in_on_them_in_whatever_order_it_came(filled: Database) -> None:
    days = [FIRST + timedelta(day) for day in (0, 1, 5, DAYS - 2, DAYS - 1)]
    ranges = [(None, day) for day in days] + [(day, None) for day in days]
    ranges += [(after, before) for after in days for before in days if after <= before]
    assert await check(filled, [Filters(after=after, before=before) for after, before in ranges]) > PICTURES
    assert await check(filled, [Filters(after=days[2], before=days[2], words=("sea",))]) > 0


@pytest.mark.parametrize("few", [10_000, 20, 0])
async def test_words_find_the_same_however_many_have_them(
    filled: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(store_listing, "FEW", few)
    words = [("sea",), ("tower", "jpg"), ("sea", "12"), ("12",), ("399",), ("unheard",), ("...",), ("sea", "...")]
    assert await check(filled, [Filters(words=one) for one in words]) > 0


async def test_only_what_statistics_do_not_list_is_asked_for(filled: Database) -> None:
    async def is_rare(*words: str) -> bool:
        async with filled.transaction() as conn:
            where, _ = await store_listing.where_listed(conn, VISIBLE, Filters(words=words), "newest")
            return "images_with_words" in where.as_string(conn)

    async with filled.session() as conn:
        await conn.execute("ALTER TABLE image ALTER document SET STATISTICS 1")  # ten words at most
        await conn.execute("ANALYZE image")
    assert [await is_rare(one) for one in ("sea", "se", "jpg", "399", "39", "unheard")] == [False] * 3 + [True] * 3
    assert await is_rare("sea", "399"), "what both have is as rare as the rarer"


async def test_days_are_those_of_utc(filled: Database) -> None:
    """The index is of days in UTC, and so is every connection."""
    async with filled.transaction() as conn:
        cursor = await conn.execute("SELECT DISTINCT created_at::date FROM image ORDER BY 1")
        days = [row[0] for row in await cursor.fetchall()]
    assert days == [FIRST + timedelta(day) for day in range(1, DAYS - 1)]


async def test_a_hidden_picture_changes_no_list(filled: Database, gallery: Gallery) -> None:
    """A18: an id far above all others, on an old day, and words that it shares with visible ones."""
    several = [Filters(before=FIRST + timedelta(5)), Filters(words=("sea",)), Filters(words=("12",))]
    before = [await listed(filled, filters, order) for filters in several for order in ORDERS]
    ben: Viewer = await gallery.person("ben")
    (hidden,) = await gallery.pictures(ben, await gallery.collection(ben, "Hidden"), [9])
    async with filled.transaction() as conn:
        await conn.execute(
            "UPDATE image SET created_at = %s, document = image_document('sea 12', '{}', '{}') WHERE id = %s",
            (FIRST, hidden),
        )
    assert [await listed(filled, filters, order) for filters in several for order in ORDERS] == before
