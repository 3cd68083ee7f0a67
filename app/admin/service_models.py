"""The verbs of models over the web: list, and extract and index by one whose weights are here."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from app.core.database import Database
from app.core.errors import Conflict, NotFound
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import service_models
from app.embedding.records import ModelRow
from app.embedding.service_models import Listed
from app.search import builds
from ml.models import registry
from ml.models.model import ModelError

ASKED = "extract and index"


async def list_models(db: Database, settings: Settings) -> tuple[list[Listed], str]:
    """Every model by name, and why the wanted one was chosen."""
    listed, wanted = await service_models.list_models(db, settings)
    return listed, wanted.reason if wanted is not None else ""


async def extract_and_index(db: Database, settings: Settings, name: str) -> tuple[ModelRow, bool]:
    """Embed every picture by a model and build its index, which is put in force when both are complete.

    Returns its row, and whether that is a change. By the model in force what waits is embedded, and the index is built
    afresh. Raises as `use_listed` does.
    """
    active = await embedding.active_model(db)
    row = await use_listed(db, settings, name)
    if active is None or active.id != row.id:
        return row, True
    await builds.request_build(db, ASKED)
    return row, False


async def find_networks(names: Iterable[str], models_dir: Path) -> dict[str, str]:
    """The network below each of these models that is an adapter, by its name, as far as they can be read."""
    return await asyncio.to_thread(_find_networks, set(names), models_dir)


async def use_listed(db: Database, settings: Settings, name: str) -> ModelRow:
    """Want a model of the list from now on, whose weights are at hand: a request waits for no download.

    A name that is not listed may be a folder of the server's, which is for its command line. Raises NotFound, Conflict.
    """
    listed, _ = await service_models.list_models(db, settings)
    chosen = next((one for one in listed if one.name == name), None)
    if chosen is None:
        raise NotFound("no such model")
    if chosen.problem:
        raise Conflict(f"{name} cannot be used: {chosen.problem}", title="Not usable")
    if not chosen.at_hand:
        raise Conflict(
            f"the weights of {name} are not at hand",
            title="Not at hand",
            hint=f"fetch them first: likeness models fetch {name}",
        )
    try:
        return await service_models.use_model(db, settings, name)
    except ModelError as error:
        raise Conflict(f"{name} cannot be used: {error}", title="Not usable") from error


def _find_networks(names: Iterable[str], models_dir: Path) -> dict[str, str]:
    networks: dict[str, str] = {}
    for name in names:
        with suppress(ModelError):
            found = registry.resolve(name, cache_dir=models_dir)
            if found.adapter is not None:
                networks[name] = found.network.name
    return networks
