"""Imports: on from where they were, past what kills them, up to the quota, and again for what was refused."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from app.accounts.records import Quota, Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import jobs
from app.core.database import Connection
from app.core.errors import Conflict, NotFound
from app.images import service as images
from app.images.records import Filters
from app.ingest import pipeline, running, service, store
from app.ingest.records import NewImport
from app.ingest.running import QuotaReached
from app.ingest.service import Progress
from ml.datasets.items import DataSet, DataSetError, Flaw, Item
from tests.factories import Gallery, picture

COUNT = 30
BAD = {3: b"no picture", 11: b"\xff\xd8\xff"}


class Died(BaseException):
    """As good as kill -9: no handler of ours takes it for an end."""


@dataclass
class Imports:
    """Begins and runs imports of drawn pictures."""

    gallery: Gallery
    owner: Viewer
    collection: Collection

    async def begin(self, fingerprint: str | None = "the same") -> int:
        assert self.owner.account_id is not None
        options = {"path": "/nowhere"}
        new = NewImport(
            self.owner.account_id, self.collection.id, self.collection.name, "archive", "a.zip", options, fingerprint
        )
        async with self.gallery.intake.db.transaction() as conn:
            return await service.begin(conn, new)

    async def run(self, import_id: int, data_set: DataSet, *, again: bool = False) -> None:
        await service.run(self.gallery.intake, import_id, data_set, again=again)

    async def look(self, import_id: int) -> Progress:
        return await service.get(self.gallery.intake.db, self.owner, import_id)

    async def filenames(self) -> list[str]:
        page = await images.list_images(self.gallery.intake.db, self.owner, Filters(), limit=500)
        return sorted(image.filename for image in page.images)


@pytest.fixture
async def imports(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> Imports:
    monkeypatch.setattr(pipeline.add_items, "__kwdefaults__", {"batch": 4, "on_commit": None})
    monkeypatch.setattr(running, "CAUTIOUS", 12)
    anna = await gallery.person("anna")
    return Imports(gallery, anna, await gallery.collection(anna, "Birds"))


def entry(number: int, *, bad: bool = True) -> Item:
    content = BAD[number] if bad and number in BAD else picture(number)
    return Item(f"{number:02}.png", f"a/{number:02}.png", content)


def data_set(stop: int = COUNT, error: BaseException | None = None, *, bad: bool = True) -> DataSet:
    """COUNT entries of which two are no pictures; before entry `stop` it raises `error`."""

    def items() -> Iterator[Item | Flaw]:
        for number in range(COUNT):
            if number == stop and error is not None:
                raise error
            yield entry(number, bad=bad)

    return DataSet("a.zip", items(), COUNT, ("a.zip: read",))


async def test_an_import_tells_what_came_of_each_file(imports: Imports) -> None:
    import_id = await imports.begin()
    await imports.run(import_id, data_set())
    found = await imports.look(import_id)
    assert (found.made.added, found.made.existing, found.made.refused) == (28, 0, 2)
    assert (found.made.position, found.made.checks) == (COUNT, ["a.zip: read"])
    assert [one.file for one in found.refusals] == ["a/03.png", "a/11.png"]
    assert all(one.reason for one in found.refusals)
    assert (found.job.state, found.job.done, found.job.total) == ("done", COUNT, COUNT)
    assert found.job.message == "28 added, 0 there already, 2 refused"
    assert len(await imports.filenames()) == 28


async def test_what_broke_off_goes_on_where_it_was(imports: Imports) -> None:
    import_id = await imports.begin()
    with pytest.raises(DataSetError, match="cut short"):
        await imports.run(import_id, data_set(17, DataSetError("a.zip is cut short: fetch it again")))
    halfway = await imports.look(import_id)
    assert (halfway.made.position, halfway.made.added, halfway.made.refused) == (17, 15, 2)
    assert (halfway.job.state, halfway.job.message) == ("failed", "a.zip is cut short: fetch it again")
    assert await imports.begin() == import_id, "the same source goes on"
    await imports.run(import_id, data_set())
    ended = await imports.look(import_id)
    assert (ended.made.added, ended.made.existing, ended.made.refused) == (28, 0, 2)
    assert ended.job.state == "done"
    assert await imports.begin() != import_id, "what has come to its end begins anew"


async def test_a_source_that_may_have_changed_begins_anew(imports: Imports) -> None:
    first = await imports.begin(None)
    with pytest.raises(DataSetError):
        await imports.run(first, data_set(17, DataSetError("gone")))
    second = await imports.begin(None)
    assert second != first
    await imports.run(second, data_set())
    ended = await imports.look(second)
    assert (ended.made.added, ended.made.existing, ended.made.refused) == (13, 15, 2)


async def test_b9_a_file_at_which_the_import_dies_twice_is_left_out(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = 9
    import_id = await imports.begin()
    dead: list[bool] = []

    def deadly() -> Iterator[Item | Flaw]:
        for number in range(COUNT):
            yield replace(entry(number), content=kill) if number == killer else entry(number)

    def kill() -> bytes:
        dead.append(True)
        raise Died

    async def unless_dead(conn: Connection, import_id: int) -> None:
        if not dead:
            await end_quietly(conn, import_id)

    end_quietly = store.end_quietly
    monkeypatch.setattr(store, "end_quietly", unless_dead)

    async def start() -> bool:
        """As a process that is killed when that file is read: nothing that it would still do is done."""
        dead.clear()
        try:
            await imports.run(import_id, DataSet("a.zip", deadly(), COUNT))
        except Died:
            return True
        return False

    # Twice by the batch, which may lose what was read beside it; then one by one, up to that file; then without it.
    starts = 0
    while await start():
        starts += 1
        assert starts < 8
    found = await imports.look(import_id)
    assert found.job.state == "done"
    assert [one.file for one in found.refusals] == ["a/03.png", "a/09.png", "a/11.png"]
    assert found.refusals[1].reason == running.KILLED
    assert found.made.added == 27


async def test_a31_an_import_stops_at_the_quota_and_goes_on_when_there_is_room(imports: Imports) -> None:
    gallery = imports.gallery
    gallery.intake = replace(gallery.intake, quota=Quota(max_files=10))
    import_id = await imports.begin()
    with pytest.raises(QuotaReached, match="quota"):
        await imports.run(import_id, data_set())
    full = await imports.look(import_id)
    assert (full.made.added, full.made.position, full.made.refused) == (10, 12, 2)
    assert (full.job.state, "quota" in full.job.message) == ("failed", True)
    gallery.intake = replace(gallery.intake, quota=Quota())
    await imports.run(await imports.begin(), data_set())
    assert (await imports.look(import_id)).made.added == 28


async def test_a31_quotas_hold_under_concurrency(imports: Imports) -> None:
    gallery = imports.gallery
    size = len(picture(1))
    gallery.intake = replace(gallery.intake, quota=Quota(max_bytes=10 * size + size // 2))
    other = await gallery.collection(imports.owner, "More")
    same = [Item(f"{n}.png", f"{n}.png", picture(n)) for n in range(100, 140)]
    await asyncio.gather(
        *(
            gallery.add(imports.owner, place, same[start::4])
            for start in range(4)
            for place in (other, imports.collection)
        )
    )
    async with gallery.intake.db.transaction() as conn:
        rows = await (await conn.execute("SELECT count(*), sum(size_bytes) FROM image")).fetchone()
        usage = await (await conn.execute("SELECT files, bytes FROM usage")).fetchone()
    assert rows is not None
    assert rows == usage, "what is counted is what there is"
    assert 8 * size < rows[1] <= 10 * size + size // 2


async def test_what_was_refused_is_tried_again(imports: Imports) -> None:
    import_id = await imports.begin()
    await imports.run(import_id, data_set())
    db = imports.gallery.intake.db
    await service.go_on(db, imports.owner, import_id, again=True)
    waiting = await imports.look(import_id)
    assert (waiting.job.state, waiting.job.total) == ("queued", 2)
    await imports.run(import_id, data_set(bad=False), again=True)
    ended = await imports.look(import_id)
    assert (ended.made.added, ended.made.refused, ended.refusals) == (30, 0, [])
    assert (ended.job.state, ended.job.done) == ("done", 2)
    with pytest.raises(Conflict, match="refused nothing"):
        await service.go_on(db, imports.owner, import_id, again=True)


async def test_a_cancelled_import_keeps_what_is_in(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "WRITE_INTERVAL_S", 0)
    import_id = await imports.begin()
    await service.cancel(imports.gallery.intake.db, imports.owner, import_id)
    await imports.run(import_id, data_set())
    found = await imports.look(import_id)
    assert (found.job.state, found.made.position) == ("cancelled", 0)
    await service.go_on(imports.gallery.intake.db, imports.owner, import_id)
    await imports.run(import_id, data_set())
    assert (await imports.look(import_id)).job.state == "done"


async def test_one_process_runs_an_import(imports: Imports) -> None:
    import_id = await imports.begin()
    async with imports.gallery.intake.db.session() as other:
        assert await store.try_lock(other, import_id)
        with pytest.raises(Conflict, match="running already"):
            await imports.run(import_id, data_set())
    await imports.run(import_id, data_set())


async def test_a17_other_peoples_imports_are_not_there(imports: Imports) -> None:
    import_id = await imports.begin()
    ben = await imports.gallery.person("ben")
    for verb in (service.get, service.cancel, service.go_on):
        with pytest.raises(NotFound):
            await verb(imports.gallery.intake.db, ben, import_id)


async def test_a_collection_deleted_in_the_middle_ends_the_import(imports: Imports) -> None:
    import_id = await imports.begin()
    with pytest.raises(DataSetError):
        await imports.run(import_id, data_set(17, DataSetError("gone")))
    await images.delete_collection(imports.gallery.intake.db, imports.owner, imports.collection.id)
    assert await collections.list_shelves(imports.gallery.intake.db, imports.owner) == []
    with pytest.raises(Conflict, match="was deleted"):
        await imports.run(import_id, data_set())


async def test_going_on_is_offered_where_it_can_help(imports: Imports) -> None:
    unreadable = await imports.begin(None)
    with pytest.raises(DataSetError):
        await imports.run(unreadable, data_set(0, DataSetError("a.zip is no archive")))
    assert not (await imports.look(unreadable)).can_go_on
    broken = await imports.begin(None)
    with pytest.raises(DataSetError):
        await imports.run(broken, data_set(17, DataSetError("a.zip is cut short")))
    assert (await imports.look(broken)).can_go_on


async def test_c4_imports_are_listed_by_pages(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LISTED", 2)
    made = [await imports.begin(None) for _ in range(5)]
    seen: list[int] = []
    cursor = None
    while len(seen) < 10:
        page, cursor = await service.list_own(imports.gallery.intake.db, imports.owner, cursor)
        seen += [one.made.id for one in page]
        if cursor is None:
            break
    assert seen == made[::-1]
