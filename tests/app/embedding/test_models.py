"""Which model a gallery uses: named by the setting, or chosen once and kept."""

from dataclasses import replace

import pytest

from app.core.database import Database
from app.core.settings import Settings
from app.embedding.models import Embedders, register, resolve_choice
from ml.models import registry


async def test_a_named_model_is_the_choice(db: Database, settings: Settings) -> None:
    assert (await resolve_choice(db, settings)).name == "baseline"


async def test_auto_is_resolved_once_and_stored(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def choose(models_dir: object) -> registry.Choice:
        asked.append(models_dir)
        return registry.Choice("baseline", "nothing else is at hand")

    monkeypatch.setattr(registry, "choose_automatically", choose)
    auto = replace(settings, model="auto")
    first = await resolve_choice(db, auto)
    assert (first.name, first.reason) == ("baseline", "nothing else is at hand")
    assert await resolve_choice(db, auto) == first
    assert asked == [settings.models_dir]


async def test_a_model_is_loaded_once_and_known_by_its_identity(db: Database, settings: Settings) -> None:
    embedders = Embedders(settings.models_dir)
    embedder = await embedders.get("baseline")
    assert await embedders.get("baseline") is embedder
    row = await register(db, "baseline", embedder)
    assert (row.name, row.identity, row.dim) == ("baseline", embedder.model.identity, embedder.model.dim)
    assert await register(db, "baseline", embedder) == row
