"""Which model this gallery uses, and its loaded embedder."""

import asyncio
from pathlib import Path

import structlog

from app.core import jobs, state
from app.core.database import Database
from app.core.settings import Settings
from app.embedding import store
from app.embedding.records import Choice, ModelRow
from ml.embedder import Embedder
from ml.models import registry
from ml.models.model import ModelError

log = structlog.get_logger()

FETCH_REPORT_S = 2.0


async def resolve_choice(db: Database, settings: Settings) -> Choice:
    """The model that is wanted: the setting's, or for `auto` what was chosen at the first start and stored."""
    if settings.model != "auto":
        return Choice(settings.model, "named by LIKENESS_MODEL")
    async with db.transaction() as conn:
        name, reason = await state.find(conn, "auto_model"), await state.find(conn, "auto_model_reason")
    if name is not None:
        return Choice(name, reason or "chosen at the first start")
    chosen = await asyncio.to_thread(registry.choose_automatically, settings.models_dir)
    try:
        await ensure_weights(db, settings, chosen.name)
    except ModelError as error:
        chosen = registry.Choice("baseline", f"{chosen.name} could not be fetched: {error}")
    async with db.transaction() as conn:
        name = await state.remember(conn, "auto_model", chosen.name)
        reason = await state.remember(conn, "auto_model_reason", chosen.reason)
    return Choice(name, reason)


async def ensure_weights(db: Database, settings: Settings, name: str) -> None:
    """Fetch a model's weights when they are not at hand; its job shows the progress. Raises ModelError."""
    resolved = await asyncio.to_thread(registry.resolve, name, cache_dir=settings.models_dir)
    if resolved.folder is not None or resolved.spec.hub_id is None:
        return
    async with db.transaction() as conn:
        job_id = await jobs.create(conn, "fetch", f"Fetching {resolved.spec.title}", resolved.spec.size_bytes)
    fetched = 0

    def progress(done: int, _: int) -> None:
        nonlocal fetched
        fetched = done

    async with jobs.running(db, job_id) as report:
        work = asyncio.create_task(asyncio.to_thread(registry.fetch_weights, name, settings.models_dir, progress))
        while not work.done():
            await asyncio.wait([work], timeout=FETCH_REPORT_S)
            await report.advance(fetched)
            log.info("fetching weights", model=name, megabytes=fetched // 1_000_000)
        await work


async def find_reason(db: Database, settings: Settings) -> str:
    """Why this model, in one line; empty until a choice has been made."""
    if settings.model != "auto":
        return (await resolve_choice(db, settings)).reason
    async with db.transaction() as conn:
        return await state.find(conn, "auto_model_reason") or ""


class Embedders:
    """Loads each model once per process, off the event loop."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._loaded: dict[str, Embedder] = {}
        self._lock = asyncio.Lock()

    async def get(self, name: str) -> Embedder:
        """The embedder of a model by name or folder. Raises ml's ModelError when it cannot be loaded."""
        async with self._lock:
            if name not in self._loaded:
                model = await asyncio.to_thread(registry.load_model, name, cache_dir=self._models_dir)
                self._loaded[name] = Embedder(model)
            return self._loaded[name]


async def register(db: Database, name: str, embedder: Embedder) -> ModelRow:
    """The database's row of a loaded model."""
    async with db.transaction() as conn:
        return await store.put_model(conn, name, embedder.model.identity, embedder.model.dim)
