"""Steps on many pictures: who may do what, what is done, and that it can be undone."""

from dataclasses import replace

import pytest

from app.accounts.records import NOBODY, Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import changes
from app.core.database import Database
from app.core.errors import Invalid, NotAllowed, NotFound, SignInNeeded
from app.images import service, service_undo
from app.images.records import Filters
from app.images.records_batch import Action, Batch, Outcome
from app.images.service_batch import MAX_BATCH, run
from tests.factories import Gallery

NOWHERE = 2**40


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def ben(gallery: Gallery) -> Viewer:
    return await gallery.person("ben")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds")


@pytest.fixture
async def fish(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Fish")


async def standings(db: Database) -> set[tuple[int, int]]:
    """(collection, picture) of all that stands anywhere."""
    async with db.transaction() as conn:
        rows = await (await conn.execute("SELECT collection_id, image_id FROM collection_image")).fetchall()
    return {(row[0], row[1]) for row in rows}


async def labels(db: Database, viewer: Viewer, image_id: int) -> list[str]:
    return (await service.get_visible(db, viewer, image_id)).labels


async def log_after(db: Database, seq: int) -> list[tuple[str, int, int | None]]:
    async with db.transaction() as conn:
        return [(one.kind, one.image_id, one.collection_id) for one in await changes.list_after(conn, seq)]


async def position(db: Database) -> int:
    async with db.transaction() as conn:
        return await changes.position(conn)


def counts(outcome: Outcome) -> tuple[int, int, int, int]:
    return outcome.done, outcome.unchanged, outcome.not_allowed, outcome.last_place


async def undo(db: Database, viewer: Viewer, outcome: Outcome) -> int:
    assert outcome.undo_id is not None
    return await service_undo.undo(db, viewer, outcome.undo_id)


async def test_a_picture_comes_to_stand_in_several_collections_and_goes_from_one_to_another(
    gallery: Gallery, anna: Viewer, birds: Collection, fish: Collection
) -> None:
    db = gallery.intake.db
    one, two = await gallery.pictures(anna, birds, range(2))
    before, seq = await standings(db), await position(db)
    added = await run(db, anna, Batch("add", (one,), target="Fish"))
    assert counts(added) == (1, 0, 0, 0)
    assert await standings(db) == {*before, (fish.id, one)}
    assert await log_after(db, seq) == [("joined", one, fish.id)]
    seq = await position(db)
    moved = await run(db, anna, Batch("move", (one, two), source=str(birds.id), target=str(fish.id)))
    assert counts(moved) == (2, 0, 0, 0), "one that stands in the target already leaves the source"
    assert await standings(db) == {(fish.id, one), (fish.id, two)}
    assert set(await log_after(db, seq)) == {("joined", two, fish.id), ("left", one, birds.id), ("left", two, birds.id)}
    assert await undo(db, anna, moved) == 2
    assert await standings(db) == {*before, (fish.id, one)}, "what was there before the step stays there"
    assert await undo(db, anna, added) == 1
    assert await standings(db) == before


async def test_the_last_place_of_a_picture_is_not_left(
    gallery: Gallery, anna: Viewer, birds: Collection, fish: Collection
) -> None:
    db = gallery.intake.db
    one, two = await gallery.pictures(anna, birds, range(2))
    await run(db, anna, Batch("add", (one,), target="Fish"))
    outcome = await run(db, anna, Batch("remove", (one, two), source="Birds"))
    assert counts(outcome) == (1, 0, 0, 1)
    assert await standings(db) == {(fish.id, one), (birds.id, two)}
    assert counts(await run(db, anna, Batch("remove", (one,), source="Fish"))) == (0, 0, 0, 1)
    assert await undo(db, anna, outcome) == 1
    assert await standings(db) == {(birds.id, one), (birds.id, two), (fish.id, one)}


async def test_an_editor_takes_out_what_its_owner_sees_elsewhere(
    gallery: Gallery, anna: Viewer, ben: Viewer, birds: Collection, fish: Collection
) -> None:
    db = gallery.intake.db
    hidden = await gallery.collection(ben, "Hidden")
    (one,) = await gallery.pictures(anna, birds, [1])
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    assert counts(await run(db, ben, Batch("remove", (one,), source=str(birds.id)))) == (0, 0, 0, 1)
    async with db.transaction() as conn:  # a place that its owner does not see is none
        await conn.execute(
            "INSERT INTO collection_image SELECT %s, id, digest FROM image WHERE id = %s", (hidden.id, one)
        )
    assert counts(await run(db, ben, Batch("remove", (one,), source=str(birds.id)))) == (0, 0, 0, 1)
    await run(db, anna, Batch("add", (one,), target="Fish"))
    assert counts(await run(db, ben, Batch("remove", (one,), source=str(birds.id)))) == (1, 0, 0, 0)


async def test_a20_nobody_carries_others_pictures_where_their_owner_does_not_see_them(
    gallery: Gallery, anna: Viewer, ben: Viewer, birds: Collection, fish: Collection
) -> None:
    """Else a member whose membership ends would go on seeing them, and an editor could publish them."""
    db = gallery.intake.db
    await gallery.collection(ben, "Hidden")
    public = await gallery.collection(anna, "Public", public=True)
    (one,) = await gallery.pictures(anna, birds, [1])
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    await collections.add_member(db, anna, fish.id, "ben", "editor")
    await collections.add_member(db, anna, public.id, "ben", "editor")
    before = await standings(db)
    for batch in (
        Batch("add", (one,), target="Hidden"),
        Batch("move", (one,), source=str(birds.id), target="Hidden"),
        Batch("add", (one,), target=str(public.id)),
        Batch("trash", (one,)),
    ):
        assert counts(await run(db, ben, batch)) == (0, 0, 1, 0)
        assert await standings(db) == before
    moved = await run(db, ben, Batch("move", (one,), source=str(birds.id), target=str(fish.id)))
    assert counts(moved) == (1, 0, 0, 0), "between collections that its owner sees an editor may"
    assert await standings(db) == {(fish.id, one)}


async def test_a19_every_id_is_checked_and_hidden_ones_count_as_missing_ones_do(
    gallery: Gallery, anna: Viewer, ben: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    mine = await gallery.pictures(ben, await gallery.collection(ben, "Mine"), range(2))
    (hidden,) = await gallery.pictures(anna, birds, [7])
    await gallery.collection(ben, "Other")
    actions: tuple[Action, ...] = ("add", "move", "remove", "label", "unlabel", "trash")
    for action in actions:
        batch = Batch(action, (), source="Mine", target="Other", labels=("x",))
        with_hidden = await run(db, ben, replace(batch, image_ids=(*mine, hidden)))
        if with_hidden.undo_id:
            await undo(db, ben, with_hidden)
        with_missing = await run(db, ben, replace(batch, image_ids=(*mine, NOWHERE)))
        if with_missing.undo_id:
            await undo(db, ben, with_missing)
        assert counts(with_hidden) == counts(with_missing), action
        assert with_hidden.not_allowed == 1
    assert await labels(db, anna, hidden) == []
    assert [one.id for one in (await service.list_images(db, anna, Filters())).images] == [hidden]


async def test_collections_that_one_does_not_edit_are_no_targets(
    gallery: Gallery, anna: Viewer, ben: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    (mine,) = await gallery.pictures(ben, await gallery.collection(ben, "Mine"), [1])
    with pytest.raises(NotFound):
        await run(db, ben, Batch("add", (mine,), target=str(birds.id)))
    await collections.add_member(db, anna, birds.id, "ben", "viewer")
    with pytest.raises(NotAllowed):
        await run(db, ben, Batch("add", (mine,), target=str(birds.id)))
    with pytest.raises(NotAllowed):
        await run(db, ben, Batch("move", (mine,), source=str(birds.id), target="Mine"))


@pytest.mark.parametrize(
    "batch",
    [
        Batch("trash", ()),
        Batch("trash", tuple(range(MAX_BATCH + 1))),
        Batch("trash", (-1,)),
        Batch("trash", (2**63,)),
        Batch("add", (1,)),
        Batch("move", (1,), target="Birds"),
        Batch("move", (1,), source="Birds", target="birds"),
        Batch("label", (1,), labels=(" ", "")),
        Batch("label", (1,), labels=("x" * 121,)),
    ],
)
async def test_a_step_that_lacks_something_changes_nothing(
    gallery: Gallery, anna: Viewer, birds: Collection, batch: Batch
) -> None:
    with pytest.raises(Invalid):
        await run(gallery.intake.db, anna, batch)


async def test_nobody_changes_nothing(gallery: Gallery) -> None:
    with pytest.raises(SignInNeeded):
        await run(gallery.intake.db, NOBODY, Batch("trash", (1,)))


async def test_labels_come_and_go_and_undo_turns_back_only_what_changed(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    (one,) = await gallery.pictures(anna, birds, [1], ["robin", "small"])
    (two,) = await gallery.pictures(anna, birds, [2], ["grey"])
    labelled = await run(db, anna, Batch("label", (one, two), labels=("small", " at  dusk ")))
    assert counts(labelled) == (2, 0, 0, 0)
    assert await labels(db, anna, one) == ["robin", "small", "at dusk"]
    assert await labels(db, anna, two) == ["grey", "small", "at dusk"]
    assert [image.id for image in (await service.list_images(db, anna, Filters(words=("dusk",)))).images] == [two, one]
    again = await run(db, anna, Batch("label", (one, two), labels=("small",)))
    assert counts(again) == (0, 2, 0, 0)
    assert again.undo_id is None
    assert await undo(db, anna, labelled) == 2
    assert await labels(db, anna, one) == ["robin", "small"], "it had that label before"
    assert await labels(db, anna, two) == ["grey"]
    assert (await service.list_images(db, anna, Filters(words=("dusk",)))).images == []
    taken = await run(db, anna, Batch("unlabel", (one, two), labels=("robin",)))
    assert counts(taken) == (1, 1, 0, 0)
    assert await labels(db, anna, one) == ["small"]
    await undo(db, anna, taken)
    assert await labels(db, anna, one) == ["robin", "small"], "where it stood"


async def test_a_picture_without_room_for_labels_gets_none_of_them(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    (full,) = await gallery.pictures(anna, birds, [1], [f"label {number}" for number in range(49)])
    (other,) = await gallery.pictures(anna, birds, [2])
    outcome = await run(db, anna, Batch("label", (full, other), labels=("x", "y")))
    assert (outcome.done, outcome.full) == (1, 1)
    assert len(await labels(db, anna, full)) == 49


async def test_undo_is_for_the_one_who_did_it_and_for_what_is_still_theirs(
    gallery: Gallery, anna: Viewer, ben: Viewer, birds: Collection, fish: Collection
) -> None:
    db = gallery.intake.db
    (one,) = await gallery.pictures(anna, birds, [1])
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    await collections.add_member(db, anna, fish.id, "ben", "editor")
    assert ben.account_id is not None
    moved = await run(db, ben, Batch("move", (one,), source=str(birds.id), target=str(fish.id)))
    labelled = await run(db, ben, Batch("label", (one,), labels=("x",)))
    for viewer in (anna, NOBODY):
        with pytest.raises((NotFound, SignInNeeded)):
            await undo(db, viewer, moved)
    await collections.remove_member(db, anna, birds.id, ben.account_id)
    await collections.remove_member(db, anna, fish.id, ben.account_id)
    assert await undo(db, ben, moved) == 0
    assert await undo(db, ben, labelled) == 0
    assert await standings(db) == {(fish.id, one)}
    assert await labels(db, anna, one) == ["x"]


async def test_undo_is_kept_for_a_day(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    ids = await gallery.pictures(anna, birds, range(2))
    old = await run(db, anna, Batch("trash", (ids[0],)))
    async with db.transaction() as conn:
        await conn.execute("UPDATE undo SET made_at = now() - interval '25 hours'")
    with pytest.raises(NotFound):
        await undo(db, anna, old)
    await run(db, anna, Batch("trash", (ids[1],)))
    async with db.transaction() as conn:
        row = await (await conn.execute("SELECT count(*) FROM undo")).fetchone()
    assert row == (1,)


async def test_the_same_bytes_in_the_target_keep_a_picture_where_it_is(
    gallery: Gallery, anna: Viewer, ben: Viewer, birds: Collection, fish: Collection
) -> None:
    db = gallery.intake.db
    (annas,) = await gallery.pictures(anna, birds, [1])
    await collections.add_member(db, anna, fish.id, "ben", "editor")
    (bens,) = await gallery.pictures(ben, fish, [1])
    assert annas != bens
    moved = await run(db, anna, Batch("move", (annas,), source="Birds", target="Fish"))
    assert counts(moved) == (0, 1, 0, 0)
    assert await standings(db) == {(birds.id, annas), (fish.id, bens)}
