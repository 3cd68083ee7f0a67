"""Builds of an index: exported at a known position, trained, measured, published, activated."""

import asyncio
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog

from app.core import changes, jobs, state
from app.core.database import Connection, Database
from app.core.errors import Conflict
from app.core.jobs import JobReport
from app.core.queue import enqueue
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding.models import find_choice
from app.embedding.records import ModelRow
from app.embedding.service import BUILD_LOCK, BUILD_TASK
from app.embedding.store_export import export
from app.search import store, store_recall, upkeep
from app.search.index import files, ivf
from app.search.index.files import Manifest
from app.search.records import IndexVersion
from app.search.searcher import version_dir

log = structlog.get_logger()

KEPT_VERSIONS = 2


class BelowTarget(Conflict):
    """A version was built and is there, but finds too little of the exact answers to be put in force by itself."""

    title = "Below the target"


@dataclass(slots=True)
class _Phase:
    """What the building thread says of itself, read by the event loop."""

    fraction: float = 0.0
    words: str = "reading"
    cancelled: bool = field(default=False)


async def request_build(db: Database, reason: str) -> int:
    """Queue a build for the active model, `reason` in the job's message. Returns its job.

    One that waits or runs already will do. Raises Conflict while there is no model.
    """
    model = await embedding.active_model(db)
    if model is None:
        raise Conflict("no model is active yet: start the worker first")
    async with db.transaction() as conn:
        under_way = await jobs.find_active(conn, "index")
        if under_way is not None:
            return under_way.id
        job_id = await jobs.create(conn, "index", _title(model), 100, message=reason)
        await enqueue(
            conn, BUILD_TASK, lock=BUILD_LOCK, model_id=model.id, job_id=job_id, activate=False, reason=reason
        )
        return job_id


async def build(
    db: Database, settings: Settings, model_id: int, job_id: int | None, *, activate: bool = False, reason: str = ""
) -> None:
    """Build, publish and put in force a version of this model's index; with `activate`, the model itself too.

    A build that waited while somebody chose yet another model does not switch to the one it was queued for.
    Raises BelowTarget when what was built finds too little: it is kept, and what was in force stays so.
    """
    async with db.transaction() as conn:
        model = await embedding_store.get_model(conn, model_id)
        if not reason:
            reason = "the gallery changes to this model" if activate else "the version in force cannot be used"
        if job_id is None:
            job_id = await jobs.create(conn, "index", _title(model), 100, message=reason)
        version_id = await store.next_version_id(conn)
    async with jobs.running(db, job_id) as report:
        phase = _Phase()
        folder = version_dir(settings.indexes_dir, version_id)
        work = asyncio.create_task(asyncio.to_thread(_build_files, db.conninfo, model, folder, settings, phase))
        try:
            await _report_until_done(work, phase, report, reason)
        except jobs.JobCancelled:
            phase.cancelled = True
            await asyncio.wait([work])
            raise
        manifest = await work
        chosen: IndexVersion | None = None
        refused = manifest is not None and manifest.recall < manifest.target_recall
        wanted = await find_choice(db, settings)
        async with db.transaction() as conn:
            await state.lock(conn)
            if manifest is not None:
                await store.insert_version(conn, version_id, model.id, manifest.seq, _summary(manifest, reason))
                chosen = await _chosen_meanwhile(conn, model, job_id)
                if not refused and chosen is None:
                    await store.activate_version(conn, model.id, version_id)
            if activate and not refused and (wanted is None or wanted.name == model.name):
                await state.replace(conn, embedding.ACTIVE_MODEL, str(model.id))
            await changes.wake(conn)
            needed = await _forget_old(conn, model)
        await asyncio.to_thread(_sweep, settings.indexes_dir, needed, version_id)
        report.outcome = _outcome(version_id, manifest, chosen, reason)
        if refused:
            raise BelowTarget(report.outcome)


async def ensure_active(db: Database, model: ModelRow) -> None:
    """On the very first start the wanted model is active at once: its pictures are found as they come in."""
    async with db.transaction() as conn:
        if await state.find(conn, embedding.ACTIVE_MODEL) is None:
            await state.replace(conn, embedding.ACTIVE_MODEL, str(model.id))
            await changes.wake(conn)


async def tend(db: Database) -> None:
    """Queue the build that is due, if any; forget expired queries and old measurements."""
    async with db.transaction() as conn:
        await store.delete_expired_queries(conn)
        await store_recall.delete_old_samples(conn)
        await jobs.fail_stale(conn)
    model = await embedding.active_model(db)
    if model is None:
        return
    async with db.transaction() as conn:
        proposal = await upkeep.due(conn, model.id)
    if proposal is not None and not proposal.waits_for:
        await request_build(db, proposal.reason)


def _build_files(conninfo: str, model: ModelRow, folder: Path, settings: Settings, phase: _Phase) -> Manifest | None:
    """Runs in a thread. None when there is nothing to index yet."""

    def progress(fraction: float, words: str) -> None:
        if phase.cancelled:
            raise jobs.JobCancelled
        phase.fraction, phase.words = fraction, words

    with export(conninfo, model.id, model.dim) as snapshot:
        if not snapshot.count:
            return None
        built = ivf.build(
            snapshot.chunks,
            dim=model.dim,
            n=snapshot.count,
            progress=progress,
            exact_below=settings.exact_below,
        )
        folder.parent.mkdir(parents=True, exist_ok=True)
        return files.publish(built, folder, seq=snapshot.seq, model_identity=model.identity)


async def _report_until_done(
    work: asyncio.Task[Manifest | None], phase: _Phase, report: JobReport, reason: str
) -> None:
    while not work.done():
        await report.advance(int(phase.fraction * 100), message=f"{phase.words} ({reason})")
        await asyncio.wait([work], timeout=jobs.WRITE_INTERVAL_S)


async def _chosen_meanwhile(conn: Connection, model: ModelRow, job_id: int) -> IndexVersion | None:
    """The version that somebody put in force by hand since this build was asked for: the later word counts."""
    active = next((one for one in await store.list_versions(conn, model.id) if one.is_active), None)
    held = await upkeep.held_since(conn, active)
    return active if held is not None and held > (await jobs.get(conn, job_id)).created_at else None


async def _forget_old(conn: Connection, model: ModelRow) -> set[str]:
    """Keep a model's newest two versions and the active one, and the log from the oldest position still needed.

    Returns the names of the folders that are still needed.
    """
    for version in (await store.list_versions(conn, model.id))[KEPT_VERSIONS:]:
        if not version.is_active:
            await store.delete_version(conn, version.id)
    kept = await store.list_versions(conn)
    if kept:
        await changes.prune(conn, min(version.seq for version in kept))
    return {str(version.id) for version in kept}


def _sweep(indexes_dir: Path, needed: set[str], newest: int) -> None:
    """Remove the folders of forgotten versions, and of builds that were killed before their row was written."""
    if not indexes_dir.is_dir():
        return
    for folder in indexes_dir.iterdir():
        version = folder.name.strip(".").split(".")[0]
        if folder.name not in needed and version.isdigit() and int(version) < newest:
            shutil.rmtree(folder, ignore_errors=True)


def _summary(manifest: Manifest, reason: str) -> dict[str, object]:
    """What the version's row tells, so that nobody needs to open its files; `reason` is why it was built."""
    numbers: dict[str, object] = asdict(manifest)
    del numbers["files"]
    built_at = manifest.built_at.isoformat()
    return {**numbers, "built_at": built_at, "size_bytes": manifest.size_bytes, "reason": reason}


def _outcome(version_id: int, manifest: Manifest | None, chosen: IndexVersion | None, reason: str) -> str:
    """How a build ended, in words."""
    if manifest is None:
        return f"there is nothing to index yet ({reason})"
    found = f"recall {manifest.recall:.3f} at nprobe {manifest.nprobe}"
    if manifest.recall >= manifest.target_recall:
        if chosen is not None:
            return f"v{version_id} is built and not in force: {chosen.label} was put so by hand meanwhile ({reason})"
        return f"v{version_id} is in force: {found} ({reason})"
    return (
        f"v{version_id} is built and not in force: {found}, the target is {manifest.target_recall:.2f} ({reason}). "
        f"`likeness index activate {version_id} --below-target` puts it in force all the same"
    )


def _title(model: ModelRow) -> str:
    return f"Building the index of {model.name}"
