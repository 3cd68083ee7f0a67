"""Proposed labels: made from the embeddings, accepted with an undo, dropped, replaced; for editors alone."""

import pytest

from app.accounts.records import NOBODY, Viewer
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound, SignInNeeded
from app.explore import running, service, store
from app.images import service as images
from app.images import service_batch, service_undo
from app.images.records_batch import Batch
from tests.app.explore.conftest import KINDS, Shelf

LARGE, SMALL = KINDS


async def test_groups_follow_the_embeddings_and_their_names_the_labels(shelf: Shelf) -> None:
    found = await shelf.group()
    assert found.grouping is not None
    assert found.job is not None
    assert (found.job.state, found.job.message) == ("done", "2 groups of 12 pictures")
    assert (found.grouping.model, found.grouping.pictures, found.grouping.account) == ("baseline", 12, "anna")
    assert found.grouping.silhouette == pytest.approx(0.98, abs=0.02)
    assert [(one.images, one.name, one.state) for one in found.groups] == [(8, "wren", "open"), (4, "", "open")]
    assert all(set(one.cover_ids) < set(shelf.ids) for one in found.groups[:1])
    assert [len(one.cover_ids) for one in found.groups] == [6, 4]
    assert await shelf.labels() == [["wren"]] * 4 + [[]] * 7 + [["wren"]], "nothing is labelled by itself"


async def test_accepting_labels_the_group_and_is_undone(shelf: Shelf) -> None:
    large, small = (await shelf.group()).groups
    done = await service.accept(shelf.db, shelf.anna, shelf.collection.id, large.id)
    assert (done.label, done.done, done.unchanged, done.full) == ("wren", 4, 4, 0)
    assert (await shelf.labels())[:LARGE] == [["wren"]] * LARGE
    other = await service.accept(shelf.db, shelf.anna, shelf.collection.id, small.id, "  sea   eagle ")
    assert (other.label, other.done) == ("sea eagle", SMALL)
    assert [(one.name, one.state) for one in (await shelf.look()).groups] == [
        ("wren", "accepted"),
        ("sea eagle", "accepted"),
    ]
    assert done.undo_id is not None
    assert await service_undo.undo(shelf.db, shelf.anna, done.undo_id) == 4
    assert (await shelf.labels())[:LARGE] == [["wren"]] * 4 + [[]] * 4, "those that had it keep it"


async def test_a_group_is_decided_once_until_it_is_proposed_again(shelf: Shelf) -> None:
    large, small = (await shelf.group()).groups
    here = shelf.collection.id
    await service.drop(shelf.db, shelf.anna, here, small.id)
    with pytest.raises(Conflict, match="dropped already"):
        await service.accept(shelf.db, shelf.anna, here, small.id, "tit")
    await service.accept(shelf.db, shelf.anna, here, large.id)
    with pytest.raises(Conflict, match="accepted already"):
        await service.drop(shelf.db, shelf.anna, here, large.id)
    await service.reopen(shelf.db, shelf.anna, here, small.id)
    assert [one.state for one in (await shelf.look()).groups] == ["accepted", "open"]
    with pytest.raises(Invalid, match="name the label"):
        await service.accept(shelf.db, shelf.anna, here, small.id)
    with pytest.raises(Invalid, match="characters"):
        await service.accept(shelf.db, shelf.anna, here, small.id, "x" * 1000)
    assert (await shelf.labels())[LARGE:-1] == [[]] * (SMALL - 1)


async def test_what_has_left_is_not_shown_and_not_labelled(shelf: Shelf) -> None:
    large, small = (await shelf.group()).groups
    left, trashed = large.cover_ids[:2]
    elsewhere = await shelf.gallery.collection(shelf.anna, "Others")
    move = Batch("move", (left,), str(shelf.collection.id), str(elsewhere.id))
    assert (await service_batch.run(shelf.db, shelf.anna, move)).done == 1
    for image_id in (trashed, *shelf.ids[LARGE:]):
        await images.trash(shelf.db, shelf.anna, image_id)
    (shown,) = (await shelf.look()).groups
    assert (shown.images, set(shown.cover_ids) & {left, trashed}) == (LARGE - 2, set())
    done = await service.accept(shelf.db, shelf.anna, shelf.collection.id, large.id, "robin")
    assert done.done == LARGE - 2
    by_id = dict(zip(shelf.ids, await shelf.labels(), strict=True))
    assert [one for one in by_id if "robin" not in by_id[one]] == sorted([left, trashed, *shelf.ids[LARGE:]])
    empty = await service.accept(shelf.db, shelf.anna, shelf.collection.id, small.id, "robin")
    assert (empty.done, empty.undo_id) == (0, None)


async def test_a_new_grouping_takes_the_place_of_the_one_before(shelf: Shelf) -> None:
    before = await shelf.group()
    await service.accept(shelf.db, shelf.anna, shelf.collection.id, before.groups[0].id)
    after = await shelf.group(3, seed=1)
    assert {one.id for one in before.groups} & {one.id for one in after.groups} == set()
    assert (await shelf.labels())[:LARGE] == [["wren"]] * LARGE, "labels stay"
    with pytest.raises(NotFound, match="grouped anew"):
        await service.drop(shelf.db, shelf.anna, shelf.collection.id, before.groups[1].id)


async def test_one_that_was_replaced_while_it_waited_ends_cancelled(shelf: Shelf) -> None:
    await service.begin(shelf.db, shelf.anna, shelf.collection.id, groups=2)
    first = (await shelf.look()).grouping
    assert first is not None
    await service.begin(shelf.db, shelf.anna, shelf.collection.id, groups=3)
    await running.run(shelf.db, first.id, first.job_id)
    assert (await shelf.job(first.job_id)).state == "cancelled"
    assert (await shelf.look()).groups == []
    await shelf.work()
    assert len((await shelf.look()).groups) == 3
    await shelf.work()
    assert len((await shelf.look()).groups) == 3, "a second time, after a worker's death, it is done already"


async def test_the_same_seed_groups_the_same_way(shelf: Shelf) -> None:
    async def members() -> list[list[int]]:
        groups = (await shelf.group(4, seed=5)).groups
        async with shelf.db.transaction() as conn:
            return [await store.list_members(conn, shelf.collection.id, one.id) for one in groups]

    first = await members()
    assert await members() == first
    assert sorted(one for group in first for one in group) == shelf.ids


@pytest.mark.parametrize(("groups", "seed"), [(1, 0), (0, 0), (-3, 0), (13, 0), (2, -1), (2, 2**31)])
async def test_numbers_that_cannot_be_used_are_refused(shelf: Shelf, groups: int, seed: int) -> None:
    with pytest.raises(Invalid):
        await service.begin(shelf.db, shelf.anna, shelf.collection.id, groups=groups, seed=seed)
    assert (await shelf.look()).grouping is None


async def test_too_few_pictures_are_told(shelf: Shelf) -> None:
    bare = await shelf.gallery.collection(shelf.anna, "Bare")
    with pytest.raises(Conflict, match="at least 2"):
        await service.begin(shelf.db, shelf.anna, bare.id)
    await service.begin(shelf.db, shelf.anna, shelf.collection.id, groups=5)
    for image_id in shelf.ids[:LARGE]:
        await images.trash(shelf.db, shelf.anna, image_id)
    with pytest.raises(Conflict, match="4 pictures are left"):
        await shelf.work()
    job = (await shelf.look()).job
    assert job is not None
    assert (job.state, job.message) == ("failed", "4 pictures are left, which cannot be 5 groups")


async def test_editors_propose_and_nobody_else(shelf: Shelf) -> None:
    editor, viewer = await shelf.member("eve", "editor"), await shelf.member("vera", "viewer")
    stranger = await shelf.gallery.person("sam")
    group = (await shelf.group()).groups[1]
    here = shelf.collection.id

    async def refused(who: Viewer, error: type[Exception]) -> None:
        for verb in (
            service.look(shelf.db, who, here),
            service.accept(shelf.db, who, here, group.id, "tit"),
            service.drop(shelf.db, who, here, group.id),
            service.reopen(shelf.db, who, here, group.id),
        ):
            with pytest.raises(error):
                await verb

    await refused(viewer, NotAllowed)
    await refused(stranger, NotFound)
    for who, error in ((viewer, NotAllowed), (stranger, NotFound), (NOBODY, SignInNeeded)):
        with pytest.raises(error):
            await service.begin(shelf.db, who, here)
    assert (await service.accept(shelf.db, editor, here, group.id, "tit")).done == SMALL
    other = await shelf.gallery.collection(shelf.anna, "Others")
    with pytest.raises(NotFound, match="no such group"):
        await service.reopen(shelf.db, shelf.anna, other.id, group.id)


async def test_a_deleted_collection_takes_its_proposals_along(shelf: Shelf) -> None:
    await shelf.group()
    await images.delete_collection(shelf.db, shelf.anna, shelf.collection.id)
    async with shelf.db.transaction() as conn:
        cursor = await conn.execute("SELECT count(*) FROM proposal_group")
        assert await cursor.fetchone() == (0,)
