"""One model's embeddings filled in: batches decoded ahead of the network, each stored in one commit."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog
from numpy.typing import NDArray

from app.core import changes, jobs
from app.core.blobs import BlobStore
from app.core.changes import Change
from app.core.database import Database
from app.core.errors import NotFound
from app.core.jobs import JobCancelled, JobReport
from app.embedding import store
from app.embedding.models import Embedders
from app.embedding.records import ModelRow, Waiting
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.images import PictureRefused
from ml.pipeline import embed_each

BATCH = 64
"""Pictures a commit: two such batches are under way at once, one in the decoder and one in the network."""

Vector = NDArray[np.float32]
Input = NDArray[np.generic]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Workshop:
    """What embedding needs."""

    db: Database
    blobs: BlobStore
    decoder: Decoder
    embedders: Embedders


@dataclass(slots=True)
class Fill:
    """One model and how far it has got: pictures up to `seen` have had their turn."""

    shop: Workshop
    model: ModelRow
    embedder: Embedder
    seen: int = 0


@dataclass(frozen=True, slots=True)
class _Begun:
    """A batch that has been noted as begun and is being decoded."""

    batch: Sequence[Waiting]
    inputs: asyncio.Future[list[Input | str]]


async def fill_in(fill: Fill, urgent: Sequence[Fill] = ()) -> int:
    """Embed what waits for one model, stepping aside between batches for what waits for the `urgent` ones."""
    shop, model = fill.shop, fill.model
    async with shop.db.transaction() as conn:
        await store.fail_exhausted(conn, model.id)
        waiting = (await store.count_progress(conn, model.id)).waiting
        if not waiting:
            fill.seen = await store.last_image_id(conn)
            return 0
        job_id, before = await jobs.continue_or_create(conn, "embed", f"Embedding with {model.name}", waiting)
    started, embedded = time.monotonic(), 0
    async with jobs.running(shop.db, job_id) as report:
        run = _Run(fill, urgent, report, done=before, total=before + waiting)
        try:
            await run.fresh()
            await run.begun()
        finally:
            embedded = run.embedded
    took_s = time.monotonic() - started
    log.info("embedded", model=model.name, pictures=embedded, per_s=round(embedded / max(took_s, 1e-3), 1))
    return embedded + run.urgently


@dataclass(slots=True)
class _Run:
    """One model's filling under way. `open` are the pictures noted as begun that have neither end yet."""

    fill: Fill
    urgent: Sequence[Fill]
    report: JobReport
    done: int
    total: int
    embedded: int = 0
    urgently: int = 0
    open: list[Waiting] = field(default_factory=list[Waiting])

    async def fresh(self) -> None:
        """What was never begun, in batches: one is decoded while the one before is in the network."""
        ahead = asyncio.create_task(self._begin_fresh(after_id=0))
        try:
            while (begun := await ahead) is not None:
                last = begun.batch[-1].image_id
                ahead = asyncio.create_task(self._begin_fresh(after_id=last))
                await self._finish(begun)
                self.fill.seen = max(self.fill.seen, last)
                for other in self.urgent:
                    if await _has_fresh(other):
                        self.urgently += await fill_in(other)
        except (JobCancelled, asyncio.CancelledError):
            await self._give_back(ahead)
            raise

    async def begun(self) -> None:
        """What was begun and never ended, alone: if it kills us again, it takes nobody with it."""
        for attempts in range(1, store.MAX_ATTEMPTS):
            while True:
                async with self.fill.shop.db.transaction() as conn:
                    one = await store.list_begun(conn, self.fill.model.id, attempts=attempts, limit=1)
                    await store.put_attempts(conn, self.fill.model.id, [each.image_id for each in one])
                if not one:
                    break
                await self._finish(_begin(self.fill, one))

    async def _begin_fresh(self, after_id: int) -> _Begun | None:
        fill = self.fill
        async with fill.shop.db.transaction() as conn:
            batch = await store.list_fresh(conn, fill.model.id, after_id=after_id, limit=BATCH)
            # Written before decoding, so that a picture that kills its process is known by it.
            await store.put_attempts(conn, fill.model.id, [one.image_id for one in batch])
            self.open += batch
        return _begin(fill, batch) if batch else None

    async def _give_back(self, ahead: asyncio.Task[_Begun | None]) -> None:
        """Whoever ends the work in an orderly way leaves no picture behind that seems to have killed its process."""
        ahead.cancel()
        (begun,) = await asyncio.gather(ahead, return_exceptions=True)
        if isinstance(begun, _Begun):
            begun.inputs.cancel()
            await asyncio.gather(begun.inputs, return_exceptions=True)
        async with self.fill.shop.db.transaction() as conn:
            await store.give_back_attempts(conn, self.fill.model.id, [one.image_id for one in self.open])

    async def _finish(self, begun: _Begun) -> None:
        inputs = await begun.inputs
        # Computed outside any transaction.
        results = await asyncio.to_thread(embed_each, self.fill.embedder, inputs)
        self.embedded += await _append(self.fill, begun.batch, results)
        ended = {one.image_id for one in begun.batch}
        self.open = [one for one in self.open if one.image_id not in ended]
        self.done += len(begun.batch)
        await self.report.advance(self.done, total=max(self.done, self.total))


async def _has_fresh(fill: Fill) -> bool:
    """Whether pictures have come in that this model has not seen."""
    async with fill.shop.db.transaction() as conn:
        return bool(await store.list_fresh(conn, fill.model.id, after_id=fill.seen, limit=1))


def _begin(fill: Fill, batch: Sequence[Waiting]) -> _Begun:
    return _Begun(batch, asyncio.gather(*(_prepare(fill, one) for one in batch)))


async def _append(fill: Fill, batch: Sequence[Waiting], results: Sequence[Vector | str]) -> int:
    """One commit: embeddings, log entries, reasons. Returns how many embeddings are new."""
    model = fill.model
    good = [(one.image_id, vector) for one, vector in zip(batch, results, strict=True) if not isinstance(vector, str)]
    stored: list[int] = []
    async with fill.shop.db.transaction() as conn:
        for one, reason in zip(batch, results, strict=True):
            if isinstance(reason, str):
                await store.fail_attempt(conn, model.id, one.image_id, reason)
        if good:
            vectors = np.stack([vector for _, vector in good])
            stored = await store.append_embeddings(conn, model.id, [image_id for image_id, _ in good], vectors)
        await changes.append(conn, [Change("embedded", image_id, model_id=model.id) for image_id in stored])
    return len(stored)


async def _prepare(fill: Fill, one: Waiting) -> Input | str:
    """The model's input, or the reason why there is none."""
    shop = fill.shop
    try:
        data = await asyncio.to_thread(shop.blobs.read, shop.blobs.original(one.digest))
        return await asyncio.wrap_future(shop.decoder.submit_prepare(data, fill.embedder.model.preprocess))
    except PictureRefused as refused:
        return refused.reason
    except NotFound as missing:
        return missing.detail
