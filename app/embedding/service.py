"""The verbs of embedding: embed what waits, queue that, switch models; every picture gets one embedding per model."""

from collections.abc import Sequence

import structlog

from app.core import state
from app.core.database import Connection, Database
from app.core.queue import enqueue
from app.embedding import store, store_models
from app.embedding.filling import Fill, Workshop, fill_in
from app.embedding.models import register
from app.embedding.records import ModelRow
from app.ingest.pipeline import EMBED_LOCK, EMBED_TASK
from ml.models.model import ModelError

ACTIVE_MODEL = "active_model"
BUILD_TASK = "search:build"
BUILD_LOCK = "index"

log = structlog.get_logger()


async def embed_pending(shop: Workshop, wanted: str) -> int:
    """Embed what waits: by the active model first, then by the wanted one, then by those asked for beside them.

    One process at a time does so (others wait). Can be killed at any moment and run again: a picture's
    embedding and its log entry are one commit. A picture that comes in while another model is being filled
    has its turn with the active one after the batch under way. When the wanted model is complete and not active,
    its activation is queued. Returns how many were embedded. A model that cannot be used is passed over; raises
    ModelError when none can be.
    """
    async with shop.db.session() as guard:
        await store.lock_embedding(guard)
        active = await active_model(shop.db)
        async with shop.db.transaction() as conn:
            asked = await store_models.list_asked(conn)
        first = [active.name] if active is not None else []
        fills = await _open_fills(shop, list(dict.fromkeys([*first, wanted, *asked])))
        count = 0
        for position, fill in enumerate(fills):
            count += await fill_in(fill, fills[:position])
        await _queue_activation(shop, fills, wanted, active)
        # Whoever asked has what there is to have; one that cannot be used is not tried for ever.
        async with shop.db.transaction() as conn:
            await store_models.forget_asked(conn, asked)
    return count


async def _open_fills(shop: Workshop, names: Sequence[str]) -> list[Fill]:
    """The models that can be used, each once: the gallery goes on without the others."""
    fills: dict[int, Fill] = {}
    unusable: list[ModelError] = []
    for name in names:
        try:
            embedder = await shop.embedders.get(name)
        except ModelError as error:
            log.error("a model cannot be used", model=name, reason=str(error))
            unusable.append(error)
            continue
        model = await register(shop.db, name, embedder)
        fills.setdefault(model.id, Fill(shop, model, embedder))
    if unusable and not fills:
        raise unusable[0]
    return list(fills.values())


async def _queue_activation(shop: Workshop, fills: Sequence[Fill], wanted: str, active: ModelRow | None) -> None:
    for fill in fills:
        if fill.model.name != wanted or (active is not None and active.id == fill.model.id):
            continue
        async with shop.db.transaction() as conn:
            if not (await store.count_progress(conn, fill.model.id)).waiting:
                await queue_build(conn, fill.model.id, activate=True)


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


async def queue_embedding(db: Database, model: str | None = None) -> None:
    """Queue what waits for its embedding, by the gallery's model and by `model`, if one is named.

    What was asked for is remembered until it is done: the job may die with its worker more often than the queue allows.
    """
    async with db.transaction() as conn:
        if model is not None:
            await store_models.ask_for(conn, model)
        await enqueue(conn, EMBED_TASK, queueing_lock=EMBED_LOCK)


async def retry_failed(db: Database, image_id: int | None = None) -> int:
    """Try again every picture that could not be embedded, or one. Returns how many failures there were."""
    async with db.transaction() as conn:
        count = await store.retry_failed(conn, image_id)
        if count:
            await enqueue(conn, EMBED_TASK, queueing_lock=EMBED_LOCK)
    return count
