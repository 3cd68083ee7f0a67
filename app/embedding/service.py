"""The embed job: every picture gets one embedding per wanted model, whatever dies on the way."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from app.core import changes, jobs, state
from app.core.blobs import BlobStore
from app.core.changes import Change
from app.core.database import Connection, Database
from app.core.errors import NotFound
from app.core.jobs import JobReport
from app.core.queue import enqueue
from app.embedding import store
from app.embedding.models import Embedders, register
from app.embedding.records import ModelRow, Waiting
from app.ingest.service import EMBED_LOCK, EMBED_TASK
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.images import PictureRefused

BATCH = 32
ACTIVE_MODEL = "active_model"
BUILD_TASK = "search:build"
BUILD_LOCK = "index"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Workshop:
    """What embedding needs."""

    db: Database
    blobs: BlobStore
    decoder: Decoder
    embedders: Embedders


@dataclass(slots=True)
class _Run:
    """One model's filling under way."""

    shop: Workshop
    model: ModelRow
    embedder: Embedder
    report: JobReport
    done: int
    total: int


async def embed_pending(shop: Workshop, wanted: str) -> int:
    """Embed what waits, by the wanted model and, while it is another one, by the active model.

    One process at a time does so (others wait). Can be killed at any moment and run again: a picture's
    embedding and its log entry are one commit. When the wanted model is complete and not active, its activation is
    queued. Returns how many were embedded.
    """
    async with shop.db.session() as guard:
        await store.lock_embedding(guard)
        embedder = await shop.embedders.get(wanted)
        model = await register(shop.db, wanted, embedder)
        count = await _fill(shop, model, embedder)
        active = await active_model(shop.db)
        if active is not None and active.id != model.id:
            count += await _fill(shop, active, await shop.embedders.get(active.name))
        if active is None or active.id != model.id:
            async with shop.db.transaction() as conn:
                await queue_build(conn, model.id, activate=True)
    return count


async def queue_build(conn: Connection, model_id: int, *, activate: bool) -> None:
    """Queue a build of this model's index, and with `activate` the switch to the model; one of each may wait."""
    await enqueue(
        conn,
        BUILD_TASK,
        queueing_lock=f"index:{model_id}:{activate}",
        lock=BUILD_LOCK,
        model_id=model_id,
        job_id=None,
        activate=activate,
    )


async def active_model(db: Database) -> ModelRow | None:
    """The model that answers searches, or None before the first one is activated."""
    async with db.transaction() as conn:
        value = await state.find(conn, ACTIVE_MODEL)
        return await store.get_model(conn, int(value)) if value else None


async def _fill(shop: Workshop, model: ModelRow, embedder: Embedder) -> int:
    async with shop.db.transaction() as conn:
        await store.fail_exhausted(conn, model.id)
        waiting = (await store.count_progress(conn, model.id)).waiting
        if not waiting:
            return 0
        title = f"Embedding with {model.name}"
        job_id, before = await jobs.continue_or_create(conn, "embed", title, waiting)
    embedded = 0
    async with jobs.running(shop.db, job_id) as report:
        run = _Run(shop, model, embedder, report, done=before, total=before + waiting)
        # What was begun and never ended goes alone, and last: if it kills us again, it takes nobody with it.
        for attempts in range(store.MAX_ATTEMPTS):
            embedded += await _fill_pass(run, attempts, BATCH if attempts == 0 else 1)
    return embedded


async def _fill_pass(run: _Run, attempts: int, batch: int) -> int:
    after_id = embedded = 0
    model_id = run.model.id
    while True:
        async with run.shop.db.transaction() as conn:
            waiting = await store.list_waiting(conn, model_id, after_id=after_id, attempts=attempts, limit=batch)
            # Written before decoding, so that a picture that kills its process is known by it.
            await store.put_attempts(conn, model_id, [one.image_id for one in waiting])
        if not waiting:
            return embedded
        embedded += await _embed_batch(run.shop, run.model, run.embedder, waiting)
        after_id = waiting[-1].image_id
        run.done += len(waiting)
        await run.report.advance(run.done, total=max(run.done, run.total))


async def _embed_batch(shop: Workshop, model: ModelRow, embedder: Embedder, batch: Sequence[Waiting]) -> int:
    prepared = await asyncio.gather(*(_prepare(shop, embedder, one) for one in batch))
    # Computed outside any transaction.
    results = await asyncio.to_thread(_embed_all, embedder, prepared)
    good = [(one.image_id, vector) for one, vector in zip(batch, results, strict=True) if not isinstance(vector, str)]
    stored: list[int] = []
    async with shop.db.transaction() as conn:
        for one, reason in zip(batch, results, strict=True):
            if isinstance(reason, str):
                await store.fail_attempt(conn, model.id, one.image_id, reason)
        if good:
            vectors = np.stack([vector for _, vector in good])
            stored = await store.append_embeddings(conn, model.id, [image_id for image_id, _ in good], vectors)
        await changes.append(conn, [Change("embedded", image_id, model_id=model.id) for image_id in stored])
    return len(stored)


def _embed_all(embedder: Embedder, prepared: Sequence[NDArray[np.generic] | str]) -> list[NDArray[np.float32] | str]:
    """An embedding, or the reason why there is none, for each; one picture without direction spoils no batch."""
    arrays = [one for one in prepared if not isinstance(one, str)]
    try:
        vectors: list[NDArray[np.float32] | str] = list(embedder.embed(arrays)) if arrays else []
    except ValueError:
        vectors = [_embed_or_reason(embedder, one) for one in arrays]
    remaining = iter(vectors)
    return [one if isinstance(one, str) else next(remaining) for one in prepared]


def _embed_or_reason(embedder: Embedder, prepared: NDArray[np.generic]) -> NDArray[np.float32] | str:
    try:
        return embedder.embed([prepared])[0]
    except ValueError:
        return "the model finds nothing in this picture to tell it by"


async def _prepare(shop: Workshop, embedder: Embedder, one: Waiting) -> NDArray[np.generic] | str:
    """The model's input, or the reason why there is none."""
    try:
        data = await asyncio.to_thread(shop.blobs.read, shop.blobs.original(one.digest))
        return await asyncio.wrap_future(shop.decoder.submit_prepare(data, embedder.model.preprocess))
    except PictureRefused as refused:
        return refused.reason
    except NotFound as missing:
        return missing.detail


async def embed_query(decoder: Decoder, embedder: Embedder, data: bytes) -> NDArray[np.float32]:
    """The embedding `[d]` of a picture that is searched with. Raises PictureRefused."""
    prepared = await asyncio.wrap_future(decoder.submit_prepare(data, embedder.model.preprocess))
    return (await asyncio.to_thread(embedder.embed, [prepared]))[0]


async def retry_failed(db: Database) -> int:
    """Try again every picture that could not be embedded. Returns how many there were."""
    async with db.transaction() as conn:
        count = await store.retry_failed(conn)
        if count:
            await enqueue(conn, EMBED_TASK, queueing_lock=EMBED_LOCK)
    return count
