"""Small networks, galleries that may have them, and no network connection but to a hub on this machine."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.database import Database
from app.core.settings import Settings
from app.embedding.models import resolve_choice
from tests.conftest import Likeness
from tests.factories import Gallery
from tests.ml.checkpoints import make_network
from tests.ml.hub import LocalHub


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network and an empty cache, whatever the machine holds."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 64 dimensions; only ever read."""
    return make_network(tmp_path_factory.mktemp("networks") / "tiny", num_hidden_layers=1)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What passes for DINOv2-small; only ever read."""
    return make_network(tmp_path_factory.mktemp("networks") / "small", width=384, num_hidden_layers=1)


@pytest.fixture
def hub(small: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub that serves `small` as dinov2-small."""
    with LocalHub(small) as hub:
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            hub.address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        # What has arrived is written in pieces of this size: a break costs no more than one.
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 64 * 1024)
        yield hub


@pytest.fixture
def models_dir(likeness: Likeness, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the gallery's weights lie."""
    monkeypatch.setenv("LIKENESS_DATA_DIR", str(settings.data_dir))
    settings.models_dir.mkdir()
    return settings.models_dir


@pytest.fixture
def mine(tiny: Path, models_dir: Path) -> Path:
    """The tiny network among the gallery's, to be changed."""
    return Path(shutil.copytree(tiny, models_dir / "mine"))


@pytest.fixture
async def filled(
    likeness: Likeness,
    models_dir: Path,
    gallery: Gallery,
    settings: Settings,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Likeness:
    """Commands for a gallery of four public pictures that chose baseline by itself."""
    monkeypatch.setenv("LIKENESS_MODEL", "auto")
    anna = await gallery.person("anna")
    await gallery.pictures(anna, await gallery.collection(anna, "Birds", public=True), range(4))
    await gallery.embed()
    await resolve_choice(db, replace(settings, model="auto"))
    return likeness
