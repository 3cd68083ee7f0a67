"""The verbs on models: list, describe, fetch, use and remove one."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from app.core.database import Database
from app.core.errors import Conflict
from app.core.queue import enqueue
from app.core.settings import Settings
from app.embedding import store, store_models
from app.embedding.models import AUTO, absolute, ensure_weights, find_choice, store_choice
from app.embedding.records import Choice, ModelRow, Progress
from app.embedding.service import active_model
from app.ingest.pipeline import EMBED_LOCK, EMBED_TASK
from ml.embedder import Embedder, NoDirection
from ml.models import registry, weights
from ml.models.choice import choose
from ml.models.model import Model, ModelError, WrongCheckpoint
from ml.models.names import parse
from ml.models.registry import REGISTRY, Resolved

CHOSEN_BY_HAND = "chosen by an admin"


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of the list: `found` is None, or of no use, when there is a `problem`."""

    name: str
    found: Resolved | None
    problem: str
    active: bool
    wanted: bool

    @property
    def at_hand(self) -> bool:
        return self.found is not None and self.found.at_hand and not self.problem


@dataclass(frozen=True, slots=True)
class Described:
    """One model in full. `identity` and `runs_on` are None while its weights are not at hand."""

    name: str
    found: Resolved
    identity: str | None
    runs_on: str | None
    progress: Progress


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a model takes away: its folder, or None and why its files stay; its rows and their vectors."""

    name: str
    folder: Path | None
    files_stay: str
    size_bytes: int
    rows: list[ModelRow]
    vectors: int


async def list_models(db: Database, settings: Settings) -> tuple[list[Listed], Choice | None]:
    """Every model by name, whatever its state, and the one that is wanted, if that is settled."""
    active, wanted = await active_model(db), await find_choice(db, settings)
    async with db.transaction() as conn:
        rows = await store_models.list_models(conn)
    used = [one.name for one in (active, wanted) if one is not None]
    folders = weights.list_folders(settings.models_dir)
    listed: list[Listed] = []
    for name in dict.fromkeys([*REGISTRY, *folders, *used, *(row.name for row in rows)]):
        found, problem = await asyncio.to_thread(_look_at, name, settings.models_dir)
        is_active = active is not None and name == active.name
        listed.append(Listed(name, found, problem, is_active, wanted is not None and name == wanted.name))
    return listed, wanted


async def describe_model(db: Database, settings: Settings, name: str) -> Described:
    """A model's card, its state here, and how far this gallery is with it. Raises ModelError."""
    name = absolute(name)
    found = await asyncio.to_thread(registry.resolve, name, cache_dir=settings.models_dir)
    model: Model | None = None
    if found.at_hand:
        model = await asyncio.to_thread(registry.load_model, name, cache_dir=settings.models_dir)
    identity = model.identity if model is not None else None
    async with db.transaction() as conn:
        rows = await store_models.list_models(conn)
        row = next((one for one in rows if identity == one.identity or (identity is None and name == one.name)), None)
        progress = await store.count_progress(conn, row.id if row is not None else 0)
    return Described(name, found, identity, model.runs_on if model is not None else None, progress)


def fetch_model(name: str, models_dir: Path, progress: weights.Progress) -> Resolved:
    """Bring a model's weights to hand, unless they are, and check that its files are whole. Raises ModelError."""
    found, problem = _look_at(name, models_dir)
    if found is None:
        found = registry.resolve(name, cache_dir=models_dir)
    spec = found.network
    # A damaged file is replaced where it is ours; the hub's own cache and folders elsewhere are left alone.
    if spec.hub_id is not None and (found.folder is None or (problem and found.folder == models_dir / spec.name)):
        weights.fetch(spec, models_dir, progress)
        found = registry.resolve(name, cache_dir=models_dir)
    _check_files(found)
    return found


async def use_model(
    db: Database, settings: Settings, name: str, on_progress: weights.Progress | None = None
) -> ModelRow:
    """Want another model from now on; `auto` chooses what suits this machine. Returns its row.

    A worker fills it beside the active one, and the gallery switches when it is complete. Its weights are
    fetched when they are not at hand, and it is loaded once and tried: nothing is changed when anything fails.
    Raises ModelError, and Conflict when LIKENESS_MODEL names another one.
    """
    name = absolute(name)
    if settings.model != AUTO and absolute(settings.model) != name:
        raise Conflict(
            f"LIKENESS_MODEL is set to {settings.model} and wins",
            hint="unset it, or set it to the model you want, and start the gallery again",
        )
    reason = CHOSEN_BY_HAND
    if name == AUTO:
        chosen = await asyncio.to_thread(choose, settings.models_dir)
        name, reason = chosen.name, chosen.reason
    await ensure_weights(db, settings, name, on_progress)
    identity, dim = await asyncio.to_thread(_try, name, settings.models_dir)
    async with db.transaction() as conn:
        row = await store.put_model(conn, name, identity, dim)
        await store_choice(conn, Choice(name, reason))
        await enqueue(conn, EMBED_TASK, queueing_lock=EMBED_LOCK)
    return row


async def plan_removal(db: Database, settings: Settings, name: str, *, embeddings: bool) -> Removal:
    """What would be removed. Raises Conflict when that is nothing, and when the gallery needs the model."""
    name = absolute(name)
    needed = [one.name for one in (await active_model(db), await find_choice(db, settings)) if one is not None]
    if name in needed:
        raise Conflict(f"this gallery needs {name}", hint="change to another model first: likeness models use NAME")
    async with db.transaction() as conn:
        rows = [row for row in await store_models.list_models(conn) if embeddings and row.name == name]
        vectors = [await store_models.count_embeddings(conn, row.id) for row in rows]
    folder, files_stay = await asyncio.to_thread(_own_folder, name, needed, settings.models_dir)
    if folder is None and not rows:
        raise Conflict(f"nothing of {name} can be removed: {files_stay}")
    size_bytes = sum(weights.size_of(file) for file in folder.rglob("*")) if folder is not None else 0
    return Removal(name, folder, files_stay, size_bytes, rows, sum(vectors))


async def remove_model(db: Database, settings: Settings, name: str, *, embeddings: bool) -> Removal:
    """Delete a model's files below `models_dir`, and with `embeddings` all that the database holds of it.

    Raises as `plan_removal` does, and Conflict while somebody embeds. The files of its indexes go with the next
    build.
    """
    plan = await plan_removal(db, settings, name, embeddings=embeddings)
    if plan.rows:
        # A session of its own: erasing a million vectors takes longer than a statement of the pool may.
        async with db.session() as conn:
            if not await store_models.try_lock_embedding(conn):
                raise Conflict("pictures are being embedded right now", hint="try again when that has ended")
            async with conn.transaction():
                for row in plan.rows:
                    await store_models.erase_model(conn, row.id)
    if plan.folder is not None:
        await asyncio.to_thread(weights.remove, plan.folder.name, settings.models_dir)
    return plan


def _look_at(name: str, models_dir: Path) -> tuple[Resolved | None, str]:
    """A model's card and folders, and what is wrong with them, in a sentence."""
    found: Resolved | None = None
    try:
        found = registry.resolve(name, cache_dir=models_dir)
        _check_files(found)
    except ModelError as error:
        return found, str(error)
    return found, ""


def _check_files(found: Resolved) -> None:
    """A look at the files of a model that are at hand. Raises WrongCheckpoint."""
    if found.adapter is not None:
        weights.check_whole(found.adapter / weights.ADAPTER_WEIGHTS)
    if found.folder is not None:
        weights.check_whole(found.folder / weights.WEIGHTS)
        weights.check_card(found.folder, found.network)


def _try(name: str, models_dir: Path) -> tuple[str, int]:
    """Identity and dimension of a model that has been loaded and has embedded one picture. Raises ModelError."""
    model = registry.load_model(name, cache_dir=models_dir)
    try:
        Embedder(model).embed([model.preprocess(Image.linear_gradient("L").convert("RGB"))])
    except NoDirection as error:
        raise WrongCheckpoint(f"{name} gives no embeddings: its weights are not a trained model's") from error
    return model.identity, model.dim


def _own_folder(name: str, needed: list[str], models_dir: Path) -> tuple[Path | None, str]:
    """The folder that goes with a model, or None and why its files stay."""
    asked = parse(name)
    folder = models_dir / asked.base
    if str(asked) != asked.base:
        return None, f"its files are those of {asked.base}"
    if folder.resolve().parent != models_dir.resolve() or not folder.is_dir():
        return None, _where_files_are(name, models_dir)
    for other in needed:
        found, _ = _look_at(other, models_dir)
        if found is not None and folder.resolve() in {one.resolve() for one in (found.folder, found.adapter) if one}:
            return None, f"its files are also those of {other}, which this gallery needs"
    return folder, ""


def _where_files_are(name: str, models_dir: Path) -> str:
    found, problem = _look_at(name, models_dir)
    folder = found and (found.adapter or found.folder)
    if folder is not None:
        where = f"its files lie in {folder.resolve()}"
        return f"{where}, and only folders in {models_dir} are this gallery's own: delete them there"
    return problem or "it has no files here"
