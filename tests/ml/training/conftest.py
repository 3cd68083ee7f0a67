"""Few small pictures of two kinds, small settings, and a network to adapt."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.training.config import Machine, TrainingConfig
from ml.training.pictures import Picture
from ml.training.run import Task

LABELS = ("stripes", "spots")
CPU = Machine(device="cpu", precision="float32")


@pytest.fixture(scope="session")
def small() -> TrainingConfig:
    """Two epochs of 3 steps, crops of 4 x 4 and 2 x 2 patches."""
    return TrainingConfig(
        epochs=2,
        batch_size=4,
        global_size=56,
        local_size=28,
        local_crops=3,
        hidden=32,
        bottleneck=16,
        prototypes=24,
        warmup_epochs=1,
        probe_every=1,
    )


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    """12 pictures on disk, six of each label, of several sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    return [draw(folder / f"{label}{number}.png", label, number) for number in range(6) for label in LABELS]


@pytest.fixture
def task(checkpoint: Path, pictures: list[Picture], small: TrainingConfig, tmp_path: Path) -> Task:
    """To adapt the small network to the pictures, on the CPU in float32."""
    return Task(str(checkpoint), tmp_path / "models", "drawn", pictures, [], tmp_path / "tuned", small, CPU)


def draw(file: Path, label: str, number: int) -> Picture:
    """A picture of stripes or of spots, different for each number."""
    random = np.random.default_rng((LABELS.index(label), number))
    height, width = 60 + 4 * number, 90 - 3 * number
    pixels = random.integers(0, 120, (height, width, 3), np.uint8)
    if label == "stripes":
        pixels[:, number % 5 :: 8] = random.integers(120, 256, 3)
    else:
        pixels[number::9, ::9] = random.integers(120, 256, 3)
    Image.fromarray(pixels).save(file)
    return Picture(file.name, file, label)
