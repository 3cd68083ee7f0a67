"""Which model this gallery wants, and the models loaded in this process."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import structlog

from app.core import jobs, state
from app.core.database import Connection, Database
from app.core.jobs import JobCancelled
from app.core.settings import Settings
from app.embedding import store
from app.embedding.records import Choice, ModelRow
from ml.embedder import Embedder
from ml.models import names, registry, weights
from ml.models.choice import choose
from ml.models.model import ModelError, ModelSpec, ModelUnavailable
from ml.models.registry import BASELINE
from ml.models.weights import Progress

AUTO = "auto"
CHOSEN, CHOSEN_REASON = "auto_model", "auto_model_reason"
FETCH_REPORT_S = 2.0
TEND_S = 30.0

log = structlog.get_logger()


async def find_choice(db: Database, settings: Settings) -> Choice | None:
    """The model that is wanted: the setting's, else the stored one; None for `auto` before the first start."""
    if settings.model != AUTO:
        return Choice(absolute(settings.model), "named by LIKENESS_MODEL")
    async with db.transaction() as conn:
        name, reason = await state.find(conn, CHOSEN), await state.find(conn, CHOSEN_REASON)
    return None if name is None else Choice(name, reason or "chosen at the first start")


async def resolve_choice(db: Database, settings: Settings) -> Choice:
    """The model that is wanted; for `auto` it is chosen now, fetched and stored when that has not happened yet."""
    found = await find_choice(db, settings)
    if found is not None:
        return found
    chosen = await asyncio.to_thread(choose, settings.models_dir)
    name, reason = chosen.name, chosen.reason
    try:
        await ensure_weights(db, settings, name)
    except ModelError as error:
        name, reason = BASELINE.name, f"{chosen.name} could not be fetched: {error}"
    async with db.transaction() as conn:
        # Another process may have been first; what it chose stands.
        return Choice(await state.remember(conn, CHOSEN, name), await state.remember(conn, CHOSEN_REASON, reason))


async def store_choice(conn: Connection, choice: Choice) -> None:
    """Want this model from now on, unless LIKENESS_MODEL says otherwise."""
    await state.replace(conn, CHOSEN, choice.name)
    await state.replace(conn, CHOSEN_REASON, choice.reason)


async def find_reason(db: Database, settings: Settings) -> str:
    """Why this model, in one line; empty until a choice has been made."""
    choice = await find_choice(db, settings)
    return choice.reason if choice is not None else ""


def absolute(name: str) -> str:
    """The name as it is stored: a folder by its whole path, what is usual left out."""
    asked = names.parse(name)
    if not names.is_path(asked.base):
        return str(asked)
    return str(replace(asked, base=str(Path(asked.base).expanduser().absolute())))


async def ensure_weights(db: Database, settings: Settings, name: str, on_progress: Progress | None = None) -> None:
    """Fetch a model's weights when they are not at hand; a job and `on_progress` tell the bytes. Raises ModelError."""
    resolved = await asyncio.to_thread(registry.resolve, name, cache_dir=settings.models_dir)
    if resolved.at_hand:
        return
    spec = resolved.network
    async with db.transaction() as conn:
        job_id = await jobs.create(conn, "fetch", f"Fetching {spec.title}", spec.size_bytes)
    fetch = _Fetch(spec, settings.models_dir)
    async with jobs.running(db, job_id) as report:
        work = asyncio.create_task(asyncio.to_thread(fetch.run))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=FETCH_REPORT_S)
                await report.advance(fetch.done, total=fetch.total)
                if on_progress is not None and fetch.done:
                    on_progress(fetch.done, fetch.total)
                log.info("fetching weights", model=spec.name, megabytes=fetch.done // 1_000_000)
            await work
        finally:
            fetch.stopped.set()
            await asyncio.gather(work, return_exceptions=True)
        return
    raise ModelUnavailable(f"fetching {spec.name} was cancelled: fetch it again, which goes on where it broke off")


class _Fetch:
    """A download in a thread. A thread cannot be cancelled: told to stop, it ends with the next piece that comes in."""

    def __init__(self, spec: ModelSpec, models_dir: Path) -> None:
        self._spec = spec
        self._models_dir = models_dir
        self.done, self.total = 0, spec.size_bytes
        self.stopped = threading.Event()

    def run(self) -> None:
        weights.fetch(self._spec, self._models_dir, self._note)

    def _note(self, done: int, total: int) -> None:
        if self.stopped.is_set():
            raise JobCancelled
        self.done, self.total = done, total


class Embedders:
    """Loads each model once per process, off the event loop, and gives back the memory of those without work."""

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

    async def unload_idle(self, idle_s: float) -> list[str]:
        """Give back the memory of models without work for so long; their next picture loads them again.

        Returns the names of those that had memory to give back.
        """
        unloaded: list[str] = []
        for name, embedder in list(self._loaded.items()):
            if embedder.model.is_loaded and await asyncio.to_thread(embedder.unload_if_idle, idle_s):
                log.info("model unloaded", model=name, idle_s=round(idle_s))
                unloaded.append(name)
        return unloaded

    async def tend(self, idle_minutes: int) -> None:
        """Unload what idles, until cancelled; with 0 minutes nothing ever is."""
        while idle_minutes:
            await asyncio.sleep(TEND_S)
            await self.unload_idle(60.0 * idle_minutes)


async def register(db: Database, name: str, embedder: Embedder) -> ModelRow:
    """The database's row of a loaded model."""
    async with db.transaction() as conn:
        return await store.put_model(conn, name, embedder.model.identity, embedder.model.dim)
