"""A gallery with a small network at hand, and a collection of two labels to learn from."""

import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.settings import Settings
from app.training import service
from ml.datasets.items import Item
from tests.factories import Gallery
from tests.ml.checkpoints import make_network

NETWORK = "tiny-net"
LABELS = ("stripes", "spots")
SMALL = {
    "epochs": 2,
    "batch_size": 4,
    "global_size": 56,
    "local_size": 28,
    "local_crops": 2,
    "hidden": 32,
    "bottleneck": 16,
    "prototypes": 24,
    "warmup_epochs": 1,
    "probe_every": 1,
}
"""A run of a second or two."""


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network in the hub's format."""
    return make_network(tmp_path_factory.mktemp("networks") / NETWORK)


@pytest.fixture
def at_hand(network: Path, settings: Settings) -> str:
    """The name of the network, which lies among the gallery's models."""
    shutil.copytree(network, settings.models_dir / NETWORK)
    return NETWORK


@dataclass(frozen=True, slots=True)
class School:
    """What it takes to learn: an admin, a collection of theirs, and the verbs' first arguments."""

    db: Database
    settings: Settings
    blobs: BlobStore
    root: Viewer
    collection: Collection
    model: str

    async def begin(self, name: str = "mine", **config: object) -> int:
        return await service.begin(
            self.db,
            self.settings,
            self.root,
            collection=self.collection.id,
            model=self.model,
            name=name,
            config={**SMALL, **config},
            held_out_pct=25,
        )

    async def run(self, training_id: int) -> None:
        await service.run(self.db, self.settings, self.blobs, training_id)


@pytest.fixture
async def school(gallery: Gallery, at_hand: str) -> School:
    root = await gallery.person("root", admin=True)
    collection = await gallery.collection(root, "Patterns")
    items = [
        Item(f"{label}{number}.png", f"{label}{number}.png", draw(label, number), (label,))
        for label in LABELS
        for number in range(8)
    ]
    await gallery.add(root, collection, items)
    intake = gallery.intake
    return School(intake.db, gallery.settings, intake.blobs, root, collection, at_hand)


def draw(label: str, number: int) -> bytes:
    """A picture of stripes or of spots, different for each number."""
    random = np.random.default_rng((LABELS.index(label), number))
    pixels = random.integers(0, 120, (60 + 4 * number, 90 - 3 * number, 3), np.uint8)
    if label == "stripes":
        pixels[:, number % 5 :: 8] = random.integers(120, 256, 3)
    else:
        pixels[number::9, ::9] = random.integers(120, 256, 3)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
