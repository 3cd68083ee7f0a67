"""Collections: who may see one, who may change it, and how it is named."""

import pytest

from app.accounts.records import NOBODY, Viewer
from app.collections import service
from app.collections.records import Role
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound, SignInNeeded
from app.images import service as images
from tests.factories import Gallery


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def ben(gallery: Gallery) -> Viewer:
    return await gallery.person("ben")


async def sees(gallery: Gallery, viewer: Viewer) -> list[str]:
    return [shelf.collection.name for shelf in await service.list_shelves(gallery.intake.db, viewer)]


async def test_a_new_collection_is_its_owners_alone(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    made = await gallery.collection(anna, "Birds")
    assert (made.role, made.visibility, made.owner_name) == ("owner", "private", "anna")
    assert await sees(gallery, anna) == ["Birds"]
    assert await sees(gallery, ben) == []
    assert await sees(gallery, NOBODY) == []


async def test_a_public_one_is_everybodys_and_nobodys_to_change(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    made = await gallery.collection(anna, "Birds", public=True)
    assert await sees(gallery, NOBODY) == ["Birds"]
    assert await sees(gallery, ben) == ["Birds"]
    with pytest.raises(NotAllowed):
        await service.update(gallery.intake.db, ben, made.id, name="Mine", description="", is_public=True)
    with pytest.raises(NotAllowed):
        await service.list_members(gallery.intake.db, ben, made.id)


async def test_sharing_and_its_end_act_at_once(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    db = gallery.intake.db
    made = await gallery.collection(anna, "Birds")
    await service.add_member(db, anna, made.id, "BEN", "viewer")
    assert await sees(gallery, ben) == ["Birds"]
    assert [(one.name, one.role) for one in await service.list_members(db, ben, made.id)] == [("ben", "viewer")]
    await service.add_member(db, anna, made.id, "ben", "editor")
    assert [one.role for one in await service.list_members(db, anna, made.id)] == ["editor"]
    assert ben.account_id is not None
    await service.remove_member(db, anna, made.id, ben.account_id)
    assert await sees(gallery, ben) == []


async def test_a_shared_one_is_called_so(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    made = await gallery.collection(anna, "Birds")
    await service.add_member(gallery.intake.db, anna, made.id, "ben", "viewer")
    async with gallery.intake.db.transaction() as conn:
        assert (await service.resolve(conn, ben, "Birds")).visibility == "shared"


@pytest.mark.parametrize(("role", "may_manage"), [("viewer", False), ("editor", False), ("owner", True)])
async def test_only_owners_share_and_rename(
    gallery: Gallery, anna: Viewer, ben: Viewer, role: Role, *, may_manage: bool
) -> None:
    db = gallery.intake.db
    await gallery.person("cleo")
    made = await gallery.collection(anna, "Birds")
    await service.add_member(db, anna, made.id, "ben", role)
    if may_manage:
        await service.add_member(db, ben, made.id, "cleo", "viewer")
        await service.update(db, ben, made.id, name="Fowl", description="", is_public=False)
        return
    with pytest.raises(NotAllowed):
        await service.add_member(db, ben, made.id, "cleo", "viewer")
    with pytest.raises(NotAllowed):
        await service.update(db, ben, made.id, name="Fowl", description="", is_public=False)
    assert anna.account_id is not None
    with pytest.raises(NotAllowed):
        await service.remove_member(db, ben, made.id, anna.account_id)


async def test_everybody_may_end_their_own_membership(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    made = await gallery.collection(anna, "Birds")
    await service.add_member(gallery.intake.db, anna, made.id, "ben", "viewer")
    assert ben.account_id is not None
    await service.remove_member(gallery.intake.db, ben, made.id, ben.account_id)
    assert await sees(gallery, ben) == []


async def test_members_are_people_who_are_here(gallery: Gallery, anna: Viewer) -> None:
    made = await gallery.collection(anna, "Birds")
    with pytest.raises(Invalid, match="nobody here is called nobody"):
        await service.add_member(gallery.intake.db, anna, made.id, "nobody", "viewer")
    with pytest.raises(Conflict, match="owns"):
        await service.add_member(gallery.intake.db, anna, made.id, "Anna", "viewer")
    with pytest.raises(Invalid):
        await service.add_member(gallery.intake.db, anna, made.id, "anna", "king")


@pytest.mark.parametrize("name", ["", "   ", "12", "x" * 121, "a\x00b", "a\u202eb"])
async def test_names_that_cannot_be_are_refused(gallery: Gallery, anna: Viewer, name: str) -> None:
    with pytest.raises(Invalid):
        await gallery.collection(anna, name)


async def test_a_name_is_one_per_owner_letter_case_aside(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    await gallery.collection(anna, "Birds")
    with pytest.raises(Conflict):
        await gallery.collection(anna, "  bIRDS ")
    await gallery.collection(ben, "Birds")
    other = await gallery.collection(anna, "Fish")
    with pytest.raises(Conflict):
        await service.update(gallery.intake.db, anna, other.id, name="birds", description="", is_public=False)
    assert await sees(gallery, anna) == ["Birds", "Fish"]


async def test_a_reference_is_an_id_or_a_name_ones_own_first(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    annas = await gallery.collection(anna, "Birds", public=True)
    bens = await gallery.collection(ben, "Birds", public=True)
    async with gallery.intake.db.transaction() as conn:
        assert (await service.resolve(conn, anna, "birds")).id == annas.id
        assert (await service.resolve(conn, ben, "birds")).id == bens.id
        assert (await service.resolve(conn, ben, str(annas.id))).id == annas.id
        assert (await service.resolve(conn, ben, annas.id)).id == annas.id
        with pytest.raises(Conflict, match=f"{annas.id} of anna"):
            await service.resolve(conn, NOBODY, "Birds")
        assert await service.resolve_any(conn, str(bens.id)) == bens.id
        with pytest.raises(Conflict):
            await service.resolve_any(conn, "Birds")


async def test_a17_hidden_and_missing_are_the_same(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    made = await gallery.collection(anna, "Birds")
    told: list[str] = []
    async with gallery.intake.db.transaction() as conn:
        for ref in (made.id, "Birds", 999, "Nothing", 2**70):
            with pytest.raises(NotFound) as hidden:
                await service.resolve(conn, ben, ref)
            told.append(hidden.value.detail)
    assert set(told) == {"no such collection"}


async def test_nobody_owns_nothing(gallery: Gallery) -> None:
    with pytest.raises(SignInNeeded):
        await gallery.collection(NOBODY, "Birds")


async def test_a_card_counts_what_is_not_in_the_trash_and_shows_the_newest(gallery: Gallery, anna: Viewer) -> None:
    birds = await gallery.collection(anna, "Birds")
    ids = await gallery.pictures(anna, birds, range(6))
    await images.trash(gallery.intake.db, anna, ids[5])
    (shelf,) = await service.list_shelves(gallery.intake.db, anna)
    assert shelf.count == 5
    assert shelf.cover_ids == tuple(reversed(ids[1:5]))


async def test_a_chosen_cover_shows_while_it_stands_there(gallery: Gallery, anna: Viewer, ben: Viewer) -> None:
    db = gallery.intake.db
    birds = await gallery.collection(anna, "Birds", public=True)
    ids = await gallery.pictures(anna, birds, range(6))
    (elsewhere,) = await gallery.pictures(anna, await gallery.collection(anna, "Fish"), [9])

    async def cover() -> tuple[int, ...]:
        return (await service.get_shelf(db, anna, birds.id)).cover_ids

    newest = tuple(sorted(ids, reverse=True)[:4])
    assert await cover() == newest
    await service.set_cover(db, anna, birds.id, ids[1])
    assert await cover() == (ids[1],)
    for image_id in (elsewhere, 2**40):
        with pytest.raises(NotFound):
            await service.set_cover(db, anna, birds.id, image_id)
    with pytest.raises(NotAllowed):
        await service.set_cover(db, ben, birds.id, ids[2])
    assert await cover() == (ids[1],)
    await images.trash(db, anna, ids[1])
    assert await cover() == newest
    await images.restore(db, anna, ids[1])
    assert await cover() == (ids[1],)
    await service.set_cover(db, anna, birds.id, None)
    assert await cover() == newest
