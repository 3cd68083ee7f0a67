"""`/metrics`: what this process counts of itself, and how queue, embeddings and index are, for Prometheus."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar import Response, get
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.accounts.guards import require_admin
from app.admin import service, store_metrics
from app.admin.records import IndexLife, IndexState, JobCount, QueueDepth
from app.core import changes
from app.core.database import Database
from app.core.errors import SignInNeeded, Unavailable
from app.core.metrics import REGISTRY
from app.core.queue import worker_is_alive
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding.records import Progress
from app.search.live import Live
from app.search.mirror_status import read_status
from app.search.records_mirror import MirrorStatus


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database and the index in force say."""

    queues: list[QueueDepth]
    jobs: list[JobCount]
    embeddings: Progress
    worker_alive: bool
    index: IndexState
    life: IndexLife
    mirror: MirrorStatus | None


async def require_scraper(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Passes whoever holds the token of LIKENESS_METRICS_TOKEN, and admins who are signed in.

    Not everybody on this machine: behind a proxy that stands there, everybody is.
    Raises SignInNeeded for a wrong token, and as `require_admin` does.
    """
    given = connection.headers.get("authorization")
    if given is None:
        await require_admin(connection, handler)
        return
    settings: Settings = connection.app.state.settings
    expected = f"Bearer {settings.metrics_token}" if settings.metrics_token else None
    if expected is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise SignInNeeded("this is not the token of the metrics")


@get("/metrics", guards=[require_scraper], include_in_schema=False)
async def metrics(
    db: NamedDependency[Database], settings: NamedDependency[Settings], live: NamedDependency[Live]
) -> Response[bytes]:
    """Counts of this process and of the gallery; those of the gallery are left out while its database is away."""
    registry = CollectorRegistry()
    try:
        registry.register(_Gauges(await _gather(db, settings, live)))
    except Unavailable:
        registry.register(_Gauges(None))
    body = generate_latest(REGISTRY) + generate_latest(registry)
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


async def _gather(db: Database, settings: Settings, live: Live) -> Facts:
    model = await embedding.active_model(db)
    mirror = await read_status(db, settings)
    async with db.transaction() as conn:
        return Facts(
            queues=await store_metrics.list_queues(conn),
            jobs=await store_metrics.list_job_counts(conn),
            embeddings=await embedding_store.count_progress(conn, model.id) if model else Progress(0, 0, 0),
            worker_alive=await worker_is_alive(conn),
            index=service.describe_index(live, await changes.position(conn), building=False),
            life=await service.describe_life(conn, settings, model),
            mirror=mirror,
        )


class _Gauges(Collector):
    """Facts in Prometheus' terms; without any, the database did not answer."""

    def __init__(self, facts: Facts | None) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        yield _gauge("likeness_database_up", "Whether the database answered.", float(self._facts is not None))
        if self._facts is None:
            return
        facts = self._facts
        yield _gauge("likeness_worker_up", "Whether a worker's heart beats.", float(facts.worker_alive))
        yield from _queues(facts.queues)
        yield _labelled(
            "likeness_jobs",
            "Long work that is kept on record, by kind and state.",
            ("kind", "state"),
            [((one.kind, one.state), one.count) for one in facts.jobs],
        )
        yield _labelled(
            "likeness_embeddings",
            "Pictures by how far the model in force is with them.",
            ("state",),
            [
                (("embedded",), facts.embeddings.embedded),
                (("waiting",), facts.embeddings.waiting),
                (("failed",), facts.embeddings.failed),
            ],
        )
        yield from _index(facts.index, facts.life)
        if facts.mirror is not None:
            yield from _mirror(facts.mirror)


def _queues(queues: list[QueueDepth]) -> Iterator[Metric]:
    yield _labelled(
        "likeness_queue_jobs",
        "Background jobs, by queue, that wait or run.",
        ("queue", "state"),
        [
            ((one.queue, state), count)
            for one in queues
            for state, count in (("waiting", one.waiting), ("running", one.running))
        ],
    )
    yield _labelled(
        "likeness_queue_oldest_seconds",
        "How long the oldest waiting job of a queue has waited.",
        ("queue",),
        [((one.queue,), one.oldest_s) for one in queues],
    )


def _index(index: IndexState, life: IndexLife) -> Iterator[Metric]:
    yield _labelled(
        "likeness_index_vectors",
        "Vectors of the index in this process: in the built part, fresh beside it, and taken out of it.",
        ("part",),
        [(("main",), index.main_count), (("delta",), index.delta_count), (("tombstones",), index.tombstones)],
    )
    yield _gauge("likeness_index_size_bytes", "Its files and its fresh vectors.", index.size_bytes)
    yield _gauge("likeness_index_lag_entries", "Entries of the log that it has not followed yet.", index.lag)
    yield _gauge("likeness_index_ready", "Whether this process can answer searches.", float(bool(index.version)))
    published = index.published
    if published is None:
        return
    yield _gauge("likeness_index_version", "The version in force in this process.", published.id)
    age_s = (datetime.now(UTC) - published.created_at).total_seconds()
    yield _gauge("likeness_index_age_seconds", "Since it was built.", age_s)
    yield _gauge(
        "likeness_index_nprobe", "Cells that a search without filters looks into.", published.manifest["nprobe"]
    )
    yield _gauge("likeness_index_recall_built", "ann_recall_at_10 at its build.", published.manifest["recall"])
    yield _gauge("likeness_index_recall_target", "What it had to reach.", published.manifest["target_recall"])
    today = life.todays(published)
    if today is not None:
        yield _gauge("likeness_index_recall_today", "Mean recall of sampled searches, last 24 hours.", today.recall)
        yield _gauge("likeness_index_recall_samples", "How many searches that is the mean of.", today.queries)


def _mirror(mirror: MirrorStatus) -> Iterator[Metric]:
    yield _gauge("likeness_mirror_up", "Whether its follower reached Qdrant last.", float(mirror.reachable))
    yield _gauge("likeness_mirror_lag_entries", "Entries of the log that it has not followed yet.", mirror.lag)
    if mirror.counted_at is not None:
        drift = mirror.points - mirror.expected
        yield _gauge("likeness_mirror_points", "Points in Qdrant at the last count.", mirror.points)
        yield _gauge("likeness_mirror_drift", "How many too many, or below 0 too few, there were then.", drift)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(
    name: str, words: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family
