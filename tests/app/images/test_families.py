"""Pictures with copies: what the filter tells is what each pair says, of what a viewer sees, whatever came when."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app import worker
from app.accounts.records import NOBODY, Client, Viewer
from app.collections import service_links
from app.collections.records import Collection
from app.core.database import Connection, Database
from app.core.settings import Settings
from app.images import service, service_counts, service_families, store_families
from app.images.families import KnownHashes, settle
from app.images.records import Filters, Relatives
from app.images.service_families import COMPARE_TASK, compare_uncompared, queue_uncompared
from app.search.copies import list_near
from ml.perceptual import BITS, COPY_DISTANCE
from tests.factories import Gallery
from tests.waiting import until

WITH_COPIES = Filters(has_copies=True)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture without a file: whose it is, where it stands, and what it can be told by."""

    owner: Viewer
    collection: Collection
    digest: bytes
    perceptual_hash: bytes | None


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def ben(gallery: Gallery) -> Viewer:
    return await gallery.person("ben")


@pytest.fixture
async def shelf(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Anna's", public=True)


@pytest.fixture
async def drawer(gallery: Gallery, ben: Viewer) -> Collection:
    return await gallery.collection(ben, "Ben's own")


async def insert(db: Database, drawn: Sequence[Drawn]) -> list[int]:
    ids: list[int] = []
    async with db.transaction() as conn:
        for one in drawn:
            cursor = await conn.execute(
                """
                INSERT INTO image (owner_id, digest, perceptual_hash, filename, format, width, height, size_bytes)
                VALUES (%s, %s, %s, 'drawn.png', 'PNG', 8, 8, 1) RETURNING id
                """,
                (one.owner.account_id, one.digest, one.perceptual_hash),
            )
            ids += [row[0] for row in await cursor.fetchall()]
            await conn.execute(
                "INSERT INTO collection_image (collection_id, image_id, digest) VALUES (%s, %s, %s)",
                (one.collection.id, ids[-1], one.digest),
            )
    return ids


async def erase(db: Database, image_id: int) -> None:
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM image WHERE id = %s", (image_id,))


async def listed(db: Database, viewer: Viewer, filters: Filters = WITH_COPIES) -> set[int]:
    found = {one.id for one in (await service.list_images(db, viewer, filters, limit=500)).images}
    assert (await service_counts.facets(db, viewer, filters)).total == len(found)
    return found


async def families(db: Database) -> dict[int, int]:
    async with db.transaction() as conn:
        return dict(await (await conn.execute("SELECT image_id, family_id FROM copy_family")).fetchall())


async def waiting(db: Database) -> int:
    async with db.transaction() as conn:
        return len(await store_families.list_uncompared(conn, 1000))


def hash_of(random: np.random.Generator) -> NDArray[np.uint8]:
    """Half of the bits set, as pictures have them."""
    return random.permutation(np.repeat([0, 1], BITS // 2)).astype(np.uint8)


def near(bits: NDArray[np.uint8], distance: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Another hash as far off, with as many bits set."""
    moved = bits.copy()
    for value in (0, 1):
        places = np.flatnonzero(bits == value)
        moved[random.choice(places, distance // 2, replace=False)] ^= 1
    return moved


def pack(bits: NDArray[np.uint8]) -> bytes:
    return np.packbits(bits).tobytes()


def expected(seen: dict[int, Drawn]) -> set[int]:
    """Those of the pictures seen of which another is a copy, by comparing each with each."""
    hashes = {image_id: one.perceptual_hash for image_id, one in seen.items() if one.perceptual_hash is not None}
    found: set[int] = set()
    for image_id, one in seen.items():
        copies = set(list_near(one.perceptual_hash, hashes))
        copies |= {other for other, its in seen.items() if its.digest == one.digest}
        if copies - {image_id}:
            found.add(image_id)
    return found


def draw(places: Sequence[tuple[Viewer, Collection]], count: int, random: np.random.Generator) -> list[Drawn]:
    """Pictures, many of which are near to others, up to just beyond the distance of copies; some tell nothing."""
    hashes = [hash_of(random) for _ in range(3)]
    flat = np.zeros(BITS, np.uint8)
    flat[0] = 1
    drawn: list[Drawn] = []
    for _ in range(count):
        known = hashes[int(random.integers(len(hashes)))]
        kind = random.integers(6)
        if kind == 0:
            bits = known
        elif kind == 1:
            bits = flat
        elif kind == 2:
            bits = hash_of(random)
        else:
            bits = near(known, int(random.choice([2, 20, COPY_DISTANCE, COPY_DISTANCE + 2])), random)
        if kind not in (0, 1):
            hashes.append(bits)
        owner, collection = places[int(random.integers(len(places)))]
        # One account has the same bytes once.
        taken = {one.digest for one in drawn if one.owner == owner}
        others = [one for one in drawn if one.owner != owner and one.digest not in taken]
        if others and random.random() < 0.15:
            original = others[int(random.integers(len(others)))]
            hashed = original.perceptual_hash if random.random() < 0.7 else None
            drawn.append(Drawn(owner, collection, original.digest, hashed))
        else:
            drawn.append(Drawn(owner, collection, random.bytes(32), pack(bits)))
    return drawn


@pytest.mark.parametrize("seed", range(4))
async def test_c5_the_filter_tells_what_each_pair_says(
    gallery: Gallery, anna: Viewer, ben: Viewer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In batches, while pictures come and go, for everybody; so of two copies both are listed or neither."""
    db = gallery.intake.db
    monkeypatch.setattr(service_families, "BATCH", 7)
    monkeypatch.setattr(service_families, "LOADED", 11)
    random = np.random.default_rng(seed)
    places = [
        (anna, await gallery.collection(anna, "public", public=True)),
        (anna, await gallery.collection(anna, "own")),
        (ben, await gallery.collection(ben, "public", public=True)),
        (ben, await gallery.collection(ben, "own")),
    ]
    pictures: dict[int, Drawn] = {}
    drawn = draw(places, 90, random)
    for start in range(0, 90, 30):
        part = drawn[start : start + 30]
        pictures.update(zip(await insert(db, part), part, strict=True))
        for image_id in random.choice(list(pictures), 4, replace=False).tolist():
            await erase(db, image_id)
            del pictures[image_id]
        await compare_uncompared(db)
        for viewer in (NOBODY, anna, ben):
            seen = {
                image_id: one
                for image_id, one in pictures.items()
                if one.collection.is_public or one.owner.account_id == viewer.account_id
            }
            assert await listed(db, viewer) == expected(seen), (start, viewer.name)
    assert await waiting(db) == 0


async def test_killed_at_any_step_it_goes_on_and_finds_the_same(
    gallery: Gallery, anna: Viewer, ben: Viewer, shelf: Collection, drawer: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = gallery.intake.db
    monkeypatch.setattr(service_families, "BATCH", 7)
    drawn = draw([(anna, shelf), (ben, drawer)], 60, np.random.default_rng(9))
    pictures = dict(zip(await insert(db, drawn), drawn, strict=True))
    steps = ("list_uncompared", "list_known", "delete_uncompared", "insert_members", "merge_families")
    for number in range(3 * len(steps)):
        name, calls = steps[number % len(steps)], 0
        do = getattr(store_families, name)

        async def dies(*arguments: Any, _do: Callable[..., Awaitable[Any]] = do, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            done = await _do(*arguments, **named)
            if calls == 2:
                raise ConnectionAbortedError("killed")
            return done

        with monkeypatch.context() as patch, contextlib.suppress(ConnectionAbortedError):
            patch.setattr(store_families, name, dies)
            await compare_uncompared(db)
    await compare_uncompared(db)
    assert await waiting(db) == 0
    seen = {image_id: one for image_id, one in pictures.items() if one.collection == shelf}
    assert await listed(db, NOBODY) == expected(seen)
    assert await listed(db, ben) == expected(pictures)


async def test_a18_a_copy_counts_for_those_who_may_see_it(
    gallery: Gallery, anna: Viewer, ben: Viewer, shelf: Collection, drawer: Collection
) -> None:
    db = gallery.intake.db
    bits = pack(hash_of(np.random.default_rng(1)))
    one, other = await insert(db, [Drawn(anna, shelf, b"a" * 32, bits), Drawn(ben, drawer, b"b" * 32, bits)])
    await compare_uncompared(db)
    assert await listed(db, NOBODY) == await listed(db, anna) == set()
    assert await listed(db, ben) == {one, other}
    link = await service_links.make_link(db, ben, Client("127.0.0.1"), drawer.id)
    async with db.transaction() as conn:
        cursor = await conn.execute("SELECT key_hash FROM share_link WHERE id = %s", (link.link.id,))
        holder = Viewer(links=tuple(key for (key,) in await cursor.fetchall()))
    assert await listed(db, holder) == {one, other}
    assert await listed(db, holder, replace(WITH_COPIES, collection_id=shelf.id)) == {one}, "a copy may stand elsewhere"
    await service_links.revoke_link(db, ben, Client("127.0.0.1"), drawer.id, link.link.id)
    assert await listed(db, holder) == set()
    public = await gallery.collection(ben, "Ben's", public=True)
    async with db.transaction() as conn:
        await conn.execute("UPDATE collection_image SET collection_id = %s WHERE image_id = %s", (public.id, other))
    assert await listed(db, NOBODY) == {one, other}


async def test_what_lies_in_the_trash_or_is_erased_counts_no_more(
    gallery: Gallery, anna: Viewer, shelf: Collection
) -> None:
    db, blobs = gallery.intake.db, gallery.intake.blobs
    bits = pack(hash_of(np.random.default_rng(1)))
    one, other = await insert(db, [Drawn(anna, shelf, digest * 32, bits) for digest in (b"a", b"b")])
    await compare_uncompared(db)
    assert await listed(db, NOBODY) == {one, other}
    await service.trash(db, anna, other)
    assert await listed(db, NOBODY) == set()
    await service.restore(db, anna, other)
    assert await listed(db, NOBODY) == {one, other}
    await service.trash(db, anna, other)
    await service.purge(db, blobs, anna, other)
    assert await listed(db, NOBODY) == set()
    assert await families(db) == {one: one}
    (third,) = await insert(db, [Drawn(anna, shelf, b"c" * 32, bits)])
    await compare_uncompared(db)
    assert await listed(db, NOBODY) == {one, third}
    await erase(db, third)
    await insert(db, [Drawn(anna, shelf, b"d" * 32, None)])
    await compare_uncompared(db)
    assert await families(db) == {}, "of which one picture is left is forgotten"


async def test_nothing_is_told_before_a_picture_was_compared(gallery: Gallery, anna: Viewer, shelf: Collection) -> None:
    db = gallery.intake.db
    bits = pack(hash_of(np.random.default_rng(1)))
    (one,) = await insert(db, [Drawn(anna, shelf, b"a" * 32, None)])
    (other,) = await insert(db, [Drawn(anna, shelf, b"b" * 32, bits)])
    await compare_uncompared(db)
    assert await listed(db, NOBODY) == set()
    async with db.transaction() as conn:
        await conn.execute("UPDATE image SET perceptual_hash = %s WHERE id = %s", (bits, one))
    assert await listed(db, NOBODY) == set()
    assert await compare_uncompared(db) == 1
    assert await listed(db, NOBODY) == {one, other}
    async with db.transaction() as conn:
        await conn.execute("UPDATE image SET perceptual_hash = %s WHERE id = %s", (b"\x0f\xf0" * 16, one))
    await compare_uncompared(db)
    assert await listed(db, NOBODY) == set(), "it is told by the hash that it has"


async def test_a_hash_that_changes_while_it_is_compared_is_compared_again(
    gallery: Gallery, anna: Viewer, shelf: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = gallery.intake.db
    bits = pack(hash_of(np.random.default_rng(1)))
    one, other = await insert(db, [Drawn(anna, shelf, b"a" * 32, None), Drawn(anna, shelf, b"b" * 32, bits)])
    list_known = store_families.list_known

    async def meanwhile(conn: Connection, *, after_id: int, limit: int) -> tuple[int, bytes] | None:
        if after_id == 0:
            async with db.transaction() as writer:
                await writer.execute("UPDATE image SET perceptual_hash = %s WHERE id = %s", (bits, one))
        return await list_known(conn, after_id=after_id, limit=limit)

    monkeypatch.setattr(store_families, "list_known", meanwhile)
    assert await compare_uncompared(db) == 3
    assert await listed(db, NOBODY) == {one, other}


async def test_many_pictures_alike_cost_a_row_each(
    gallery: Gallery, anna: Viewer, shelf: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = gallery.intake.db
    monkeypatch.setattr(service_families, "BATCH", 100)
    random = np.random.default_rng(1)
    bits = hash_of(random)
    alike = [pack(bits if n % 2 else near(bits, 10, random)) for n in range(400)]
    ids = await insert(db, [Drawn(anna, shelf, random.bytes(32), one) for one in alike])
    await compare_uncompared(db)
    assert await families(db) == dict.fromkeys(ids, ids[0])
    assert await listed(db, NOBODY) == set(ids)


async def test_families_that_a_picture_between_them_joins_are_one(
    gallery: Gallery, anna: Viewer, shelf: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a line of hashes, 20 bits from one to the next: each is a copy of the two on either side."""
    db = gallery.intake.db
    monkeypatch.setattr(service_families, "BATCH", 1)
    bits = hash_of(np.random.default_rng(1))
    ones, zeros = np.flatnonzero(bits == 1), np.flatnonzero(bits == 0)
    line: list[bytes] = []
    for step in range(10):
        moved = bits.copy()
        moved[[*ones[: 10 * step], *zeros[: 10 * step]]] ^= 1
        line.append(pack(moved))
    order = (0, 1, 7, 8, 4, 2, 6, 3, 5, 9)
    ids = await insert(db, [Drawn(anna, shelf, bytes([place]) * 32, line[place]) for place in order])
    await compare_uncompared(db)
    assert await families(db) == dict.fromkeys(ids, ids[0])
    for place in (0, 1, 2, 4, 5, 7, 8):
        await erase(db, ids[order.index(place)])
    assert await listed(db, NOBODY) == set(), "of one family, and 60 bits from each other"


def test_a_hash_meets_a_family_once_and_not_each_of_it() -> None:
    random = np.random.default_rng(1)
    bits = hash_of(random)
    known = KnownHashes()
    for start in range(0, 40, 20):
        rows = np.packbits([near(bits, 2, random) for _ in range(20)], axis=1)
        pairs = known.pair(rows)
        assert len(pairs) == 400 + (20 if start else 0)
        hashes = {row.tobytes(): number for number, row in enumerate(rows, start + 1)}
        known.follow(settle(pairs, [Relatives(True, key, None, [number]) for key, number in hashes.items()]))
        assert known.family_ids.tolist() == [1] * (start + 20)


async def test_whoever_brings_a_picture_queues_the_work_once(gallery: Gallery, anna: Viewer, shelf: Collection) -> None:
    db = gallery.intake.db
    await queue_uncompared(db)
    for seed in range(2):
        await gallery.pictures(anna, shelf, [seed])
    await queue_uncompared(db)
    async with db.transaction() as conn:
        cursor = await conn.execute("SELECT task_name FROM procrastinate_jobs WHERE queue_name = 'images'")
        assert await cursor.fetchall() == [(COMPARE_TASK,)]


async def test_a_worker_that_starts_does_what_waits(
    gallery: Gallery, anna: Viewer, ben: Viewer, shelf: Collection, settings: Settings, conninfo: str
) -> None:
    db = gallery.intake.db
    (one,) = await gallery.pictures(anna, shelf, [1])
    (other,) = await gallery.pictures(ben, await gallery.collection(ben, "Ben's", public=True), [1])
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM procrastinate_jobs")
    working = asyncio.create_task(worker.run(settings, conninfo))

    async def done() -> bool:
        return bool(await families(db)) or working.done()

    try:
        await until(done)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    assert await listed(db, NOBODY) == {one, other}
