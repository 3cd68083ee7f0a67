"""Requests of proposed labels, for the matrix of rights."""

from app.core import jobs
from app.core.database import Database
from app.explore import store
from app.explore.records import NewGroup
from tests.app.world import Ask, Persona, World


async def propose(db: Database, collection_id: int, account_id: int, groups: list[NewGroup]) -> list[int]:
    """Put a grouping in place that has ended; returns its groups' ids."""
    async with db.transaction() as conn:
        job_id = await jobs.create(conn, "propose", "Suggest labels")
        grouping_id = await store.replace_grouping(conn, collection_id, account_id, job_id, len(groups) + 1, 0)
        await store.finish_grouping(conn, grouping_id, "baseline", 0.25, groups)
        await conn.execute("UPDATE job SET state = 'done' WHERE id = %s", (job_id,))
        return [one.id for one in await store.list_groups(conn, collection_id, 1)]


async def the_proposals(world: World, persona: Persona) -> Ask:
    """A group of one picture; the others have left."""
    owner = world.people["owner"].account_id
    assert owner is not None
    group = NewGroup("", [world.image_id])
    (group_id,) = await propose(world.gallery.intake.db, world.collection.id, owner, [group])
    return Ask({"collection_id": world.collection.id, "group_id": group_id}, data={"name": "alike"})


async def the_proposals_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask((await the_proposals(world, persona)).names, json={"name": "alike"})


async def a_grouping(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id}, data={"groups": "2", "seed": "0"})


async def a_grouping_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id}, json={"groups": 2})
