"""The worker: runs the queue's tasks, with its compute off the event loop."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException

from app.accounts import tasks as account_tasks
from app.core import jobs
from app.core.database import Database
from app.core.jobs import Job
from app.core.queue import count_open, enqueue, make_queue, rescue, worker_is_alive
from app.core.runtime import open_blobs
from app.core.settings import Settings
from app.embedding import models as embedding_models
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding import tasks as embedding_tasks
from app.embedding.filling import Workshop
from app.embedding.models import Embedders
from app.explore import tasks as explore_tasks
from app.images import service_families, service_hashes
from app.images import tasks as image_tasks
from app.ingest import tasks as ingest_tasks
from app.ingest.pipeline import EMBED_LOCK, EMBED_TASK, Intake
from app.search import builds
from app.search import tasks as search_tasks
from app.training import service as training
from app.training import service_evaluations
from app.training import tasks as training_tasks
from ml.decoder import Decoder
from ml.models.model import ModelError

CONCURRENCY = 4
RESCUE_INTERVAL_S = 10
POLL_S = 0.3

log = structlog.get_logger()


async def run(settings: Settings, conninfo: str) -> None:
    """Work until told to stop (SIGINT, SIGTERM): what runs is given ten seconds to end."""
    async with _assembled(settings, conninfo) as (queue, shop, context):
        background = [
            asyncio.create_task(_rescue_often(queue)),
            asyncio.create_task(shop.embedders.tend(settings.model_idle_minutes)),
        ]
        if settings.qdrant_url is not None:
            from app.search import mirror  # the client of Qdrant takes 46 MiB: only where there is a server

            background.append(asyncio.create_task(mirror.run(shop.db, settings)))
        try:
            await _prepare(settings, shop)
            await service_hashes.queue_unhashed(shop.db)
            await service_families.queue_uncompared(shop.db)
            await training.queue_unfinished(shop.db)
            await service_evaluations.queue_unfinished(shop.db)
            log.info("worker ready")
            await queue.run_worker_async(
                concurrency=CONCURRENCY,
                delete_jobs="successful",
                fetch_job_polling_interval=1.0,
                shutdown_graceful_timeout=10.0,
                additional_context=context,
            )
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)


async def settle(settings: Settings, db: Database, on_progress: Callable[[Job], None]) -> int:
    """Wait until the embedding is done: by the worker that is alive, or right here when there is none.

    Returns how many pictures still have no embedding: some, when the work itself failed.
    """
    async with db.transaction() as conn:
        alive = await worker_is_alive(conn)
    if alive:
        await _watch(db, on_progress)
    else:
        await _work_here(settings, db, on_progress)
    model = await embedding.active_model(db)
    async with db.transaction() as conn:
        return (await embedding_store.count_progress(conn, model.id if model else 0)).waiting


async def _work_here(settings: Settings, db: Database, on_progress: Callable[[Job], None]) -> None:
    async with _assembled(settings, db.conninfo) as (queue, shop, context):
        await _prepare(settings, shop)
        working = asyncio.create_task(
            queue.run_worker_async(
                wait=False,
                concurrency=1,
                delete_jobs="successful",
                install_signal_handlers=False,
                additional_context=context,
            )
        )
        watching = asyncio.create_task(_watch(db, on_progress))
        try:
            await working
            await _watch(db, on_progress)
        finally:
            for task in (working, watching):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def _watch(db: Database, on_progress: Callable[[Job], None]) -> None:
    while True:
        async with db.transaction() as conn:
            waiting = await count_open(conn, "embedding")
            job = await jobs.find_active(conn, "embed")
        if job is not None:
            on_progress(job)
        if not waiting:
            return
        await asyncio.sleep(POLL_S)


async def _prepare(settings: Settings, shop: Workshop) -> None:
    """Choose the model, make it known, and queue what waits for it."""
    choice = await embedding_models.resolve_choice(shop.db, settings)
    try:
        await embedding_models.ensure_weights(shop.db, settings, choice.name)
        embedder = await shop.embedders.get(choice.name)
    except ModelError as error:
        # The gallery goes on with the model it had.
        log.error("the wanted model cannot be used", model=choice.name, reason=str(error))
    else:
        model = await embedding_models.register(shop.db, choice.name, embedder)
        await builds.ensure_active(shop.db, model)
        log.info("model", name=choice.name, reason=choice.reason)
    async with shop.db.transaction() as conn:
        await enqueue(conn, EMBED_TASK, queueing_lock=EMBED_LOCK)


async def _rescue_often(queue: procrastinate.App) -> None:
    while True:
        try:
            rescued = await rescue(queue)
        except ConnectorException as error:
            log.warning("cannot look for dead workers' jobs", reason=str(error))
        else:
            if rescued:
                log.warning("jobs of a dead worker are queued again", count=rescued)
        await asyncio.sleep(RESCUE_INTERVAL_S)


@asynccontextmanager
async def _assembled(
    settings: Settings, conninfo: str
) -> AsyncGenerator[tuple[procrastinate.App, Workshop, dict[str, object]]]:
    queue = make_queue(
        conninfo,
        {
            "accounts": account_tasks.tasks,
            "images": image_tasks.tasks,
            "ingest": ingest_tasks.tasks,
            "embedding": embedding_tasks.tasks,
            "search": search_tasks.tasks,
            "explore": explore_tasks.tasks,
            "training": training_tasks.tasks,
        },
    )
    with Decoder(settings.decoders) as decoder:
        async with Database(conninfo) as db, queue.open_async():
            blobs = await open_blobs(db, settings)
            shop = Workshop(db, blobs, decoder, Embedders(settings.models_dir))
            context: dict[str, object] = {
                "settings": settings,
                "db": db,
                "blobs": blobs,
                "decoder": decoder,
                "intake": Intake.of(settings, db, blobs, decoder),
                "workshop": shop,
            }
            yield queue, shop, context
