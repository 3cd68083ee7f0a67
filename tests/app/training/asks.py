"""Requests of trainings and evaluations, for the matrix of rights: all are an admin's alone."""

from app.core.database import Database
from app.embedding.service import active_model
from app.training import order, service_evaluations, service_promotion, store, store_evaluations
from app.training.records import NewEvaluation, NewTraining, State
from app.training.service_config import check_config
from tests.app.training.conftest import NETWORK, SMALL
from tests.app.world import Ask, Persona, World
from tests.ml.checkpoints import make_network


async def _collection(world: World) -> int:
    """A collection of the admin's own."""
    world.file_seed += 1
    return (await world.gallery.collection(world.people["admin"], f"School {world.file_seed}")).id


async def _training(world: World, state: State) -> Ask:
    db, root = world.gallery.intake.db, world.people["admin"]
    collection_id = await _collection(world)
    config = check_config(SMALL).to_json()
    new = NewTraining(
        root.account_id, collection_id, "School", "dinov2-small", f"made-{world.file_seed}", config, held_out_pct=20
    )
    async with db.transaction() as conn:
        cursor = await conn.execute("INSERT INTO job (kind, title) VALUES ('train', 'Training') RETURNING id")
        row = await cursor.fetchone()
        assert row is not None
        training_id = await store.insert(conn, new, row[0])
        await store.set_state(conn, training_id, state)
    return Ask({"training_id": training_id}, data={"confirm": "yes"})


async def a_training(world: World, persona: Persona) -> Ask:
    """One that waits."""
    return await _training(world, "queued")


async def a_stopped_training(world: World, persona: Persona) -> Ask:
    return await _training(world, "stopped")


async def a_training_that_made_a_model(world: World, persona: Persona) -> Ask:
    made = await _training(world, "done")
    make_network(world.gallery.settings.models_dir / await _output(world.gallery.intake.db, made))
    return made


async def a_promoted_training(world: World, persona: Persona) -> Ask:
    """Its model is in force: here the one that LIKENESS_MODEL names, as no other can be."""
    db, settings = world.gallery.intake.db, world.gallery.settings
    made = await _training(world, "done")
    active = await active_model(db)
    assert active is not None
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM training WHERE output = %s", (active.name,))
        await conn.execute(
            "UPDATE training SET output = %(name)s, promoted_over = %(name)s WHERE id = %(training_id)s",
            {**made.names, "name": active.name},
        )
    folder = settings.models_dir / active.name
    if not folder.exists():
        make_network(folder)
    assert active.name in (await service_promotion.find_standings(db, settings)).folders
    return made


async def a_new_training(world: World, persona: Persona) -> Ask:
    return Ask({}, data=await _asked(world))


async def a_new_training_by_the_api(world: World, persona: Persona) -> Ask:
    asked = await _asked(world)
    return Ask({}, json={"collection_id": asked["collection"], "model": asked["model"], "name": asked["name"]})


async def _asked(world: World) -> dict[str, object]:
    folder = world.gallery.settings.models_dir / NETWORK
    if not folder.exists():
        make_network(folder)
    collection_id = await _collection(world)
    return {"collection": collection_id, "model": NETWORK, "name": f"new-{world.file_seed}"}


async def an_evaluation(world: World, persona: Persona) -> Ask:
    """One that waits."""
    db, root = world.gallery.intake.db, world.people["admin"]
    collection_id = await _collection(world)
    new = NewEvaluation(root.account_id, collection_id, "School", None, ["baseline"], ["clusters"], None, 0)
    async with db.transaction() as conn:
        cursor = await conn.execute("INSERT INTO job (kind, title) VALUES ('evaluate', 'Evaluating') RETURNING id")
        row = await cursor.fetchone()
        assert row is not None
        return Ask({"evaluation_id": await store_evaluations.insert(conn, new, row[0])}, data={})


async def an_ended_evaluation(world: World, persona: Persona) -> Ask:
    """With a report."""
    made = await an_evaluation(world, persona)
    async with world.gallery.intake.db.transaction() as conn:
        await store_evaluations.set_state(conn, made.names["evaluation_id"], "done")
    folder = world.gallery.settings.evaluations_dir / str(made.names["evaluation_id"])
    order.write_order(folder, order.Order("evaluate", "School", "", [], [], {}))
    (folder / order.REPORT).mkdir()
    for name in ("report.html", "results.json"):
        (folder / order.REPORT / name).write_text("{}")
    return made


async def a_new_evaluation(world: World, persona: Persona) -> Ask:
    data = {"data": str(await _collection(world)), "models": "baseline", "protocols": "clusters"}
    return Ask({}, data=data)


async def a_new_evaluation_by_the_api(world: World, persona: Persona) -> Ask:
    protocols = list(service_evaluations.PROTOCOLS)
    return Ask({}, json={"collection_id": await _collection(world), "models": ["baseline"], "protocols": protocols})


async def _output(db: Database, made: Ask) -> str:
    async with db.transaction() as conn:
        return (await store.get(conn, made.names["training_id"])).output
