"""The verbs on published versions: put one in force, go back to the one before, delete one."""

import asyncio
from contextlib import suppress

import structlog

from app.core import changes, state
from app.core.database import Database
from app.core.errors import Conflict
from app.core.settings import Settings
from app.embedding import service as embedding
from app.search import store, upkeep
from app.search.builds import BelowTarget
from app.search.checks import find_damage
from app.search.index import files
from app.search.records import IndexVersion
from app.search.searcher import version_dir

log = structlog.get_logger()


async def activate(db: Database, settings: Settings, version_id: int, *, below_target: bool = False) -> IndexVersion:
    """Put a version of the active model in force; every process opens it and catches up from the log.

    From then on builds that only gather what came since wait for somebody to ask for them (`upkeep`). Raises
    NotFound, and Conflict for another model's version, a damaged one, and one that the log no longer reaches back
    to; BelowTarget for one that finds too little, unless `below_target` says that this is known.
    """
    model = await embedding.active_model(db)
    async with db.transaction() as conn:
        version = await store.get_version(conn, version_id)
        pruned_to = await changes.pruned_to(conn)
    if model is None or version.model_id != model.id:
        used = "no model" if model is None else model.name
        raise Conflict(
            f"{version.label} is an index of {version.model}, and {used} answers searches",
            hint=f"`likeness models use {version.model}` changes the model and its index together",
        )
    if version.seq < pruned_to:
        raise Conflict(f"the log no longer reaches back to {version.label}", hint="Build an index afresh.")
    if version.below_target and not below_target:
        found, target = version.manifest["recall"], version.manifest["target_recall"]
        raise BelowTarget(
            f"{version.label} finds {found:.3f} of the exact answers, the target is {target:.2f}",
            hint=f"`likeness index activate {version.id} --below-target` puts it in force all the same",
        )
    damage = await asyncio.to_thread(find_damage, version, model, version_dir(settings.indexes_dir, version.id))
    if damage is not None:
        raise Conflict(f"{version.label} cannot be used: {damage}", hint="Delete it, or build an index afresh.")
    async with db.transaction() as conn:
        await state.lock(conn)
        await store.get_version(conn, version_id)  # it may have been deleted while its files were read
        await store.activate_version(conn, model.id, version.id)
        await upkeep.hold(conn, version)
        await changes.wake(conn)
        version = await store.get_version(conn, version_id)
    log.info("index put in force by hand", version=version.label)
    return version


async def rollback(db: Database, settings: Settings) -> IndexVersion:
    """Put the version before the active one in force. Raises Conflict when there is none, and as `activate` does."""
    model = await embedding.active_model(db)
    async with db.transaction() as conn:
        versions = await store.list_versions(conn, model.id) if model is not None else []
    active = next((one for one in versions if one.is_active), None)
    if active is None:
        raise Conflict("no version is in force, so there is none to go back from")
    before = next((one for one in versions if one.id < active.id), None)
    if before is None:
        raise Conflict(f"there is no version before {active.label}")
    return await activate(db, settings, before.id)


async def delete(db: Database, settings: Settings, version_id: int) -> IndexVersion:
    """Forget a version, its row and then its files. Raises NotFound, and Conflict for an active one."""
    async with db.transaction() as conn:
        await state.lock(conn)
        version = await store.get_version(conn, version_id)
        if version.is_active:
            raise Conflict(f"{version.label} is the index of {version.model} in force", hint="Activate another first.")
        await store.delete_version(conn, version.id)
    with suppress(FileNotFoundError):
        await asyncio.to_thread(files.remove_version, version_dir(settings.indexes_dir, version.id))
    log.info("index deleted", version=version.label)
    return version
