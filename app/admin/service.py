"""How the gallery is: counts, health, the index in force."""

import asyncio
import shutil
from dataclasses import dataclass, replace

from app.accounts.service_claims import CLAIM_LIFETIME_S
from app.admin import store, store_metrics, store_users
from app.admin.records import Check, Counts, IndexLife, IndexState, QueueDepth, Storage, User
from app.core import changes, jobs
from app.core.database import Connection, Database
from app.core.errors import Unavailable
from app.core.jobs import Job
from app.core.queue import worker_is_alive
from app.core.schema import head
from app.core.settings import Settings
from app.core.words import size_text
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding.records import ModelRow
from app.ingest import store as ingest_store
from app.search import store as search_store
from app.search import store_recall, upkeep
from app.search.live import Live
from app.search.mirror_status import read_status
from app.search.records_mirror import MirrorStatus

FULL_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Overview:
    """How the gallery is. `imports` are the imports that its jobs run, by job."""

    index: IndexState
    life: IndexLife
    mirror: MirrorStatus | None
    counts: Counts
    jobs: list[Job]
    imports: dict[int, int]
    health: list[Check]
    queues: list[QueueDepth]
    storage: Storage
    users: list[User]


async def overview(db: Database, settings: Settings, live: Live) -> Overview:
    """How the gallery is, now."""
    model = await embedding.active_model(db)
    async with db.transaction() as conn:
        counts = await store.get_counts(conn)
        if model is not None:
            progress = await embedding_store.count_progress(conn, model.id)
            counts = replace(counts, searchable=progress.embedded, waiting=progress.waiting, failed=progress.failed)
        recent = await jobs.list_recent(conn)
        imports = await ingest_store.find_by_jobs(conn, [job.id for job in recent])
        queues = await store_metrics.list_queues(conn)
        originals, database = await store.get_sizes(conn)
        users = await store_users.list_users(conn, CLAIM_LIFETIME_S)
        position = await changes.position(conn)
        life = await describe_life(conn, settings, model)
    building = any(job.kind == "index" and not job.ended for job in recent)
    index = describe_index(live, position, building=building)
    mirror = await read_status(db, settings)
    health = [*await check_health(db, settings, live), *_check_drift(index, counts)]
    disk = await asyncio.to_thread(shutil.disk_usage, settings.data_dir)
    indexes = sum(one.manifest["size_bytes"] for one in life.versions)
    storage = Storage(originals, indexes, database, disk.free, disk.total)
    return Overview(index, life, mirror, counts, recent, imports, health, queues, storage, users)


def describe_index(live: Live, position: int, *, building: bool) -> IndexState:
    """The index in force in this process, while the log stands at `position`."""
    if not live.ready:
        return IndexState("building" if building else "empty")
    searcher, _ = live.current()
    lag = max(0, position - searcher.position)
    if searcher.mirror is not None:
        return IndexState(
            state="ready" if searcher.mirror.points else "empty",
            engine="qdrant",
            model=searcher.embedder.model.spec.name,
            model_id=searcher.model.id,
            identity_short=searcher.model.identity[:12],
            count=searcher.mirror.points,
            lag=lag,
            version=searcher.label,
        )
    stats = searcher.index.stats
    return IndexState(
        state="building" if building else "ready" if stats.count else "empty",
        model=searcher.embedder.model.spec.name,
        model_id=searcher.model.id,
        identity_short=searcher.model.identity[:12],
        count=stats.count,
        main_count=stats.main_count,
        delta_count=stats.delta_count,
        tombstones=stats.tombstones,
        size_bytes=stats.size_bytes,
        is_locked=stats.is_locked,
        lag=lag,
        version=searcher.label,
        published=searcher.version,
    )


async def describe_life(conn: Connection, settings: Settings, model: ModelRow | None) -> IndexLife:
    """All versions of all models, and how the active model's index does."""
    versions = await search_store.list_versions(conn)
    if model is None:
        return IndexLife(versions, [], [], None)
    active = next((one for one in versions if one.is_active and one.model_id == model.id), None)
    return IndexLife(
        versions,
        await store_recall.list_todays_recall(conn, model.id),
        await store_recall.list_reviewed_recall(conn, active.id) if active is not None else [],
        await upkeep.due(conn, settings, model.id),
    )


async def check_health(db: Database, settings: Settings, live: Live) -> list[Check]:
    """Database, schema, worker, index, disk. Never raises: what fails is what it tells."""
    checks: list[Check] = []
    try:
        async with db.transaction() as conn:
            revision = await store.get_revision(conn)
            alive = await worker_is_alive(conn)
        checks.append(Check("database", True, "answers"))
        checks.append(Check("schema", revision == head(), f"revision {revision}"))
        checks.append(Check("worker", alive, "alive" if alive else "no heartbeat: nothing new is embedded"))
    except Unavailable as error:
        checks.append(Check("database", False, error.detail))
    try:
        searcher, _ = live.current()
        mirror = searcher.mirror
        if mirror is not None:
            checks.append(
                Check("index", not mirror.error, mirror.error or f"{searcher.label}, {mirror.points} pictures")
            )
        else:
            checks.append(Check("index", True, f"{searcher.label}, {searcher.index.count} pictures"))
    except Unavailable as error:
        checks.append(Check("index", False, error.detail))
    usage = await asyncio.to_thread(shutil.disk_usage, settings.data_dir)
    share = 1 - usage.free / usage.total  # what is reserved for root is as good as used
    checks.append(Check("disk", share < FULL_SHARE, f"{share:.0%} used, {size_text(usage.free)} free"))
    return checks


def _check_drift(index: IndexState, counts: Counts) -> list[Check]:
    """Whether the index holds what the database does; while it catches up with the log it need not."""
    if index.engine == "qdrant" or index.model_id is None:
        return []
    drift = index.count - counts.searchable
    if index.lag:
        return [Check("drift", True, f"{index.lag:,} changes are being followed")]
    if drift:
        return [Check("drift", False, f"the index holds {index.count:,} pictures, the database {counts.searchable:,}")]
    return [Check("drift", True, "none: the index holds what the database does")]
