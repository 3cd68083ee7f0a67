"""Checks: whether every version's files are whole, and whether the index in force finds what the database holds."""

import asyncio
from pathlib import Path

from app.core import changes
from app.core.database import Database
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding.records import ModelRow
from app.search import store, store_recall, upkeep
from app.search.index.files import IndexDamaged, open_published
from app.search.measurement import measure
from app.search.records import IndexCheck, IndexVersion, Measurement, VersionCheck
from app.search.searcher import version_dir

IDS_SHOWN = 20


async def check(db: Database, settings: Settings) -> IndexCheck:
    """Every version's files, and the one in force against the database."""
    versions = await check_versions(db, settings)
    found = await _in_force(db)
    problems = [f"v{one.version}: {problem}" for one in versions for problem in one.problems]
    if found is None:
        return IndexCheck(versions, None, None, problems)
    model, active = found
    try:
        measured = await measure(db, settings, model, active)
    except IndexDamaged:
        return IndexCheck(versions, active, None, problems)  # its version's check has said why
    return IndexCheck(versions, active, measured, problems + list_problems(active, measured))


async def check_versions(db: Database, settings: Settings) -> list[VersionCheck]:
    """Every version: its files against their sums, its row against its files. Newest first."""
    async with db.transaction() as conn:
        versions = await store.list_versions(conn)
        models = {one.model_id: await embedding_store.get_model(conn, one.model_id) for one in versions}
        pruned_to = await changes.pruned_to(conn)
    found: list[VersionCheck] = []
    for one in versions:
        folder = version_dir(settings.indexes_dir, one.id)
        problem = await asyncio.to_thread(find_damage, one, models[one.model_id], folder)
        if problem is None and one.seq < pruned_to:
            problem = f"the log no longer reaches back to it (position {one.seq}, kept from {pruned_to})"
        found.append(VersionCheck(one.id, one.model, one.is_active, [problem] if problem else []))
    return found


def find_damage(version: IndexVersion, model: ModelRow, folder: Path) -> str | None:
    """Why the files in `folder` are not what this version's row says; None when they are. Reads all of them."""
    try:
        _, manifest = open_published(folder)
    except IndexDamaged as damaged:
        return str(damaged)
    if manifest.model_identity != model.identity:
        return f"its files are of another model ({manifest.model_identity[:12]}, not {model.identity[:12]})"
    if (manifest.seq, manifest.count) != (version.seq, version.manifest["count"]):
        return (
            f"its files stand at {manifest.seq} with {manifest.count} vectors, "
            f"its row at {version.seq} with {version.manifest['count']}"
        )
    return None


def list_problems(active: IndexVersion, measured: Measurement) -> list[str]:
    """What is wrong with the index in force, in words: pictures that differ, and recall that has fallen."""
    problems: list[str] = []
    for ids, words in ((measured.missing, "missing from the index"), (measured.surplus, "not in the database")):
        if ids:
            shown = ", ".join(map(str, ids[:IDS_SHOWN]))
            problems.append(f"pictures {words}: {len(ids):,} ({shown}{', …' if len(ids) > IDS_SHOWN else ''})")
    target = active.manifest["target_recall"]
    problems += [
        f"recall of {one.words} is {one.recall:.3f}, the target is {target:.2f}"
        for one in measured.recalls
        if upkeep.has_fallen(one, target)
    ]
    return problems


async def review(db: Database, settings: Settings) -> None:
    """Measure the index in force and keep what was found; an exact one has nothing to lose."""
    found = await _in_force(db)
    if found is None or found[1].manifest["layout"] == "exact":
        return
    try:
        measured = await measure(db, settings, *found)
    except IndexDamaged:
        return  # those who answer from it have it built again
    async with db.transaction() as conn:
        await store_recall.insert_samples(conn, measured.samples)


async def _in_force(db: Database) -> tuple[ModelRow, IndexVersion] | None:
    model = await embedding.active_model(db)
    if model is None:
        return None
    async with db.transaction() as conn:
        active = next((one for one in await store.list_versions(conn, model.id) if one.is_active), None)
    return None if active is None else (model, active)
