"""Many pictures to the trash and out of it, each with its undo."""

import pytest

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.errors import NotFound
from app.images import service
from app.images.records import Filters
from app.images.records_batch import Batch
from app.images.service_batch import run
from tests.app.images.test_batch import NOWHERE, counts, log_after, position, undo
from tests.conftest import Client, SignIn
from tests.factories import Gallery


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds")


async def in_trash(gallery: Gallery, viewer: Viewer) -> set[int]:
    return {one.id for one in (await service.list_trash(gallery.intake.db, viewer)).images}


async def test_c10_the_trash_and_its_undo(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    ids = await gallery.pictures(anna, birds, range(3))
    await service.trash(db, anna, ids[0])
    outcome = await run(db, anna, Batch("trash", tuple(ids)))
    assert counts(outcome) == (2, 0, 1, 0), "what lies in the trash is not seen"
    assert set(outcome.gone_ids) == set(ids[1:])
    seq = await position(db)
    assert await undo(db, anna, outcome) == 2
    assert [one.id for one in (await service.list_images(db, anna, Filters())).images] == sorted(ids[1:], reverse=True)
    assert await log_after(db, seq) == [("restored", one, None) for one in ids[1:]]
    with pytest.raises(NotFound):
        await undo(db, anna, outcome)


async def test_what_lost_its_collection_meanwhile_comes_back_to_a_home(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    ids = await gallery.pictures(anna, birds, range(2))
    outcome = await run(db, anna, Batch("trash", tuple(ids)))
    await service.delete_collection(db, anna, birds.id)
    assert await undo(db, anna, outcome) == 2
    async with db.transaction() as conn:
        home = await collections.resolve(conn, anna, collections.OWN_DEFAULT)
    assert {one.id for one in (await service.list_images(db, anna, Filters(home.id))).images} == set(ids)


async def test_many_are_restored_and_that_is_undone(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    ids = await gallery.pictures(anna, birds, range(4))
    await run(db, anna, Batch("trash", tuple(ids[:3])))
    seq = await position(db)
    outcome = await run(db, anna, Batch("restore", (*ids, NOWHERE)))
    assert counts(outcome) == (3, 1, 1, 0), "one was never there, and one is none"
    assert set(outcome.gone_ids) == set(ids[:3])
    assert await log_after(db, seq) == [("restored", one, None) for one in ids[:3]]
    assert await in_trash(gallery, anna) == set()
    assert await undo(db, anna, outcome) == 3
    assert await in_trash(gallery, anna) == set(ids[:3])
    assert [one.id for one in (await service.list_images(db, anna, Filters())).images] == ids[3:]


async def test_nobody_restores_what_is_anothers(gallery: Gallery, anna: Viewer, birds: Collection) -> None:
    db = gallery.intake.db
    trashed, shown = await gallery.pictures(anna, birds, range(2))
    await service.trash(db, anna, trashed)
    ben = await gallery.person("ben")
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    outcome = await run(db, ben, Batch("restore", (trashed, shown, NOWHERE)))
    assert counts(outcome) == (0, 0, 3, 0)
    assert outcome.undo_id is None
    assert await in_trash(gallery, anna) == {trashed}


async def test_one_whose_like_took_its_place_stays_in_the_trash_and_the_others_come_back(
    gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    db = gallery.intake.db
    ids = await gallery.pictures(anna, birds, range(3))
    await service.delete_collection(db, anna, birds.id)  # all are in the trash, and stand nowhere
    async with db.transaction() as conn:
        home = await collections.ensure(conn, anna, collections.OWN_DEFAULT)
    ben = await gallery.person("ben")
    await collections.add_member(db, anna, home.id, "ben", "editor")
    (bens,) = await gallery.pictures(ben, home, [0])
    assert bens != ids[0]
    outcome = await run(db, anna, Batch("restore", tuple(ids)))
    assert counts(outcome) == (2, 1, 0, 0)
    assert await in_trash(gallery, anna) == {ids[0]}


async def test_c14_the_trash_is_ticked_and_restored_by_a_plain_form(
    gallery: Gallery, anna: Viewer, birds: Collection, sign_in: SignIn
) -> None:
    ids = await gallery.pictures(anna, birds, range(3))
    await run(gallery.intake.db, anna, Batch("trash", tuple(ids)))
    browser = await sign_in(anna)
    page = (await browser.get("/trash")).text
    bar = page.split('id="batch"')[1]
    assert all(f'name="ids" value="{one}"' in page for one in ids)
    assert 'value="restore"' in bar
    assert not any(f'value="{other}"' in bar for other in ("trash", "label", "add"))
    form = {"action": "restore", "ids": [str(one) for one in ids[:2]], "back": "/trash"}
    assert (await browser.post("/images/batch", data=form)).headers["location"] == "/trash"
    page = (await browser.get("/trash")).text
    assert "2 pictures restored." in page
    assert f"/images/{ids[2]}" in page
    assert f"/images/{ids[0]}" not in page


async def test_many_are_restored_by_the_api(gallery: Gallery, anna: Viewer, birds: Collection, client: Client) -> None:
    ids = await gallery.pictures(anna, birds, range(2))
    await run(gallery.intake.db, anna, Batch("trash", tuple(ids)))
    bearer = await gallery.bearer(anna)
    step = {"ids": ids, "action": "restore"}
    answer = (await client.post("/api/v1/images/batch", json=step, headers=bearer)).json()
    assert (answer["done"], answer["not_allowed"]) == (2, 0)
    assert (await client.get("/api/v1/trash", headers=bearer)).json()["images"] == []
    assert (await client.post(answer["undo"], headers=bearer)).json() == {"done": 2}
    assert len((await client.get("/api/v1/trash", headers=bearer)).json()["images"]) == 2
