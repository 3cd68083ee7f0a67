"""The verbs of models over the web: list, and change to one whose weights are here."""

from app.core.database import Database
from app.core.errors import Conflict, NotFound
from app.core.settings import Settings
from app.embedding import service_models
from app.embedding.records import ModelRow
from app.embedding.service_models import Listed
from ml.models.model import ModelError


async def list_models(db: Database, settings: Settings) -> tuple[list[Listed], str]:
    """Every model by name, and why the wanted one was chosen."""
    listed, wanted = await service_models.list_models(db, settings)
    return listed, wanted.reason if wanted is not None else ""


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
