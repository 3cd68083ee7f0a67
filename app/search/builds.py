"""Builds of an index: exported at a known position, trained, measured, published, activated."""

import asyncio
import shutil
from dataclasses import asdict, dataclass
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
from app.search import mirror_engine, store, store_queries, store_recall, upkeep
from app.search.construction import Construction, Order, construct
from app.search.index.files import Manifest
from app.search.records import IndexVersion
from app.search.searcher import version_dir
from app.search.upkeep import Kind

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
    cancelled: bool = False

    def progress(self, fraction: float, words: str) -> None:
        """Called by the building thread. Raises JobCancelled."""
        if self.cancelled:
            raise jobs.JobCancelled
        self.fraction, self.words = fraction, words


async def request_build(db: Database, reason: str, kind: Kind = "retrain") -> int:
    """Queue a build for the active model, `reason` in the job's message. Returns its job.

    One that waits or runs already will do, of whichever kind. Raises Conflict while there is no model.
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
            conn,
            BUILD_TASK,
            lock=BUILD_LOCK,
            model_id=model.id,
            job_id=job_id,
            activate=False,
            reason=reason,
            kind=kind,
        )
        return job_id


async def build(
    db: Database,
    settings: Settings,
    model_id: int,
    job_id: int | None,
    *,
    activate: bool = False,
    reason: str = "",
    kind: Kind = "retrain",
) -> None:
    """Build, publish and put in force a version of this model's index; with `activate`, the model itself too.

    `kind` "compact" takes the cells of the version in force, if they serve, instead of training new ones.
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
        compacted = await _active_version(conn, model) if kind == "compact" else None
    async with jobs.running(db, job_id) as report:
        phase = _Phase()
        order = Order(model, version_dir(settings.indexes_dir, version_id), compacted)
        work = asyncio.create_task(asyncio.to_thread(construct, db.conninfo, settings, order, phase.progress))
        try:
            await _report_until_done(work, phase, report, reason)
        except jobs.JobCancelled:
            phase.cancelled = True
            await asyncio.wait([work])
            raise
        made = await work
        manifest = made.manifest if made is not None else None
        if made is not None and made.cells:
            reason = f"{reason}; {made.cells}"
        chosen: IndexVersion | None = None
        refused = manifest is not None and manifest.recall < manifest.target_recall
        wanted = await find_choice(db, settings)
        async with db.transaction() as conn:
            await state.lock(conn)
            if made is not None:
                await store.insert_version(conn, version_id, model.id, made.manifest.seq, _summary(made, reason))
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


async def tend(db: Database, settings: Settings) -> None:
    """Queue the build that is due, if any; forget expired queries and old measurements.

    Where the mirror answers searches no build is ever due, and the log is pruned here.
    """
    async with db.transaction() as conn:
        await store_queries.delete_expired_queries(conn)
        await store_recall.delete_old_samples(conn)
        await jobs.fail_stale(conn)
        if settings.search_engine == "qdrant":
            await mirror_engine.prune_log(conn)
            return
    model = await embedding.active_model(db)
    if model is None:
        return
    async with db.transaction() as conn:
        proposal = await upkeep.due(conn, settings, model.id)
    if proposal is not None and not proposal.waits_for:
        await request_build(db, proposal.reason, proposal.kind)


async def _report_until_done(
    work: asyncio.Task[Construction | None], phase: _Phase, report: JobReport, reason: str
) -> None:
    while not work.done():
        await report.advance(int(phase.fraction * 100), message=f"{phase.words} ({reason})")
        await asyncio.wait([work], timeout=jobs.WRITE_INTERVAL_S)


async def _chosen_meanwhile(conn: Connection, model: ModelRow, job_id: int) -> IndexVersion | None:
    """The version that somebody put in force by hand since this build was asked for: the later word counts."""
    active = await _active_version(conn, model)
    held = await upkeep.held_since(conn, active)
    return active if held is not None and held > (await jobs.get(conn, job_id)).created_at else None


async def _active_version(conn: Connection, model: ModelRow) -> IndexVersion | None:
    return next((one for one in await store.list_versions(conn, model.id) if one.is_active), None)


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


def _summary(made: Construction, reason: str) -> dict[str, object]:
    """What the version's row tells, so that nobody needs to open its files; `reason` is why it was built."""
    numbers: dict[str, object] = asdict(made.manifest)
    del numbers["files"]
    return {
        **numbers,
        "built_at": made.manifest.built_at.isoformat(),
        "size_bytes": made.manifest.size_bytes,
        "trained_count": made.trained_count,
        "reason": reason,
    }


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
