"""The verbs on what a training made: let the gallery find by it, and go back to the model before."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from app.core.database import Database
from app.core.errors import Conflict
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import service_models
from app.embedding.models import absolute, find_choice
from app.training import store
from app.training.records import Training
from ml.models import weights
from ml.models.model import ModelError
from ml.models.names import parse

Standing = Literal["none", "at hand", "next", "in force"]


@dataclass(frozen=True, slots=True)
class Standings:
    """Which model answers searches, which one will, and which folders there are among the models."""

    active: str
    wanted: str
    folders: list[str]

    def of(self, made: Training) -> Standing:
        """How the gallery stands to the model that a training makes."""
        if made.state != "done" or made.output not in self.folders:
            return "none"
        if parse(self.active).base == made.output:
            return "in force"
        return "next" if parse(self.wanted).base == made.output else "at hand"

    def previous(self, made: Training) -> str | None:
        """The model to go back to, while this one is wanted."""
        return made.promoted_over if self.of(made) != "none" and parse(self.wanted).base == made.output else None

    def moves(self, made: Training) -> bool:
        """Whether the gallery is about to change to the model that a training made, or away from it."""
        return self.active != self.wanted and made.output in (parse(self.active).base, parse(self.wanted).base)


async def find_standings(db: Database, settings: Settings) -> Standings:
    """What is in force, and what is wanted."""
    active, wanted = await embedding.active_model(db), await find_choice(db, settings)
    folders = await asyncio.to_thread(weights.list_folders, settings.models_dir)
    return Standings(active.name if active else "", wanted.name if wanted else "", folders)


async def promote(db: Database, settings: Settings, training_id: int) -> Training:
    """Embed every picture by the new model beside the one in force; the gallery switches when its index is built.

    Raises NotFound, and Conflict for a training that has made no model, one in force already, and when LIKENESS_MODEL
    names another one.
    """
    async with db.transaction() as conn:
        made = await store.get(conn, training_id)
    standings = await find_standings(db, settings)
    standing = standings.of(made)
    if standing == "none":
        raise Conflict("this training has made no model yet" if made.state != "done" else f"{made.output} is gone")
    if standing != "at hand":
        raise Conflict(f"{made.output} is in force" if standing == "in force" else f"{made.output} is on its way")
    await _use(db, settings, made.output)
    async with db.transaction() as conn:
        await store.set_promoted_over(conn, training_id, standings.active or None)
    return made


async def roll_back(db: Database, settings: Settings, training_id: int) -> str:
    """Go back to the model that was in force before; its embeddings and index are still there. Returns its name.

    Raises NotFound, Conflict.
    """
    async with db.transaction() as conn:
        made = await store.get(conn, training_id)
    previous = (await find_standings(db, settings)).previous(made)
    if previous is None:
        raise Conflict(f"{made.output} was not put in force here, so there is nothing to go back from")
    await _use(db, settings, previous)
    return previous


async def _use(db: Database, settings: Settings, name: str) -> None:
    try:
        await service_models.use_model(db, settings, absolute(name))
    except ModelError as error:
        raise Conflict(f"{name} cannot be used: {error}", title="Not usable") from error
