"""Embeddings come out normalised and in order, whatever the shapes and batches."""

import io
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml.embedder import Embedder
from ml.models.baseline import Baseline
from ml.models.registry import BASELINE, load_model

Input = NDArray[np.generic]


class Means(Baseline):
    """Embeds by mean and size, and remembers its batches."""

    dim = 2

    def __init__(self) -> None:
        super().__init__(BASELINE)
        self.batches: list[int] = []

    def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
        self.batches.append(len(batch))
        stacked = np.stack(batch).astype(np.float32)  # refuses mixed shapes
        axes = tuple(range(1, stacked.ndim))
        return np.stack([stacked.mean(axis=axes), np.full(len(batch), stacked[0].size)], axis=1)


def filled(value: float, side: int) -> NDArray[np.float32]:
    return np.full((side, side), value, np.float32)


def test_order_is_kept_over_mixed_shapes_and_batches() -> None:
    model = Means()
    prepared = [filled(value, 2 + value % 2) for value in range(1, 12)]
    embeddings = Embedder(model, batch_size=4).embed(prepared)
    raw = np.array([(array.mean(), array.size) for array in prepared])
    np.testing.assert_allclose(embeddings, raw / np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-6)
    assert embeddings.dtype == np.float32
    assert sorted(model.batches) == [1, 2, 4, 4]


def test_nothing_embeds_to_nothing() -> None:
    assert Embedder(Means()).embed([]).shape == (0, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_embedding_without_direction_names_its_position(bad: float) -> None:
    with pytest.raises(ValueError, match="position 2"):
        Embedder(Means()).embed([filled(1, 2), filled(1, 2), filled(bad, 2)])


def test_a_zero_embedding_is_refused() -> None:
    class Zero(Means):
        def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
            return np.zeros((len(batch), 2), np.float32)

    with pytest.raises(ValueError, match="position 0"):
        Embedder(Zero()).embed([filled(1, 2)])


def test_one_batch_runs_at_a_time() -> None:
    inside = 0
    overlaps: list[int] = []
    turn = threading.Event()

    class Watched(Means):
        def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
            nonlocal inside
            inside += 1
            overlaps.append(inside)
            turn.wait(0.01)
            inside -= 1
            return super().forward(batch)

    embedder = Embedder(Watched())
    threads = [threading.Thread(target=embedder.embed, args=([filled(1, 2)],)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == [1] * 5


def test_the_same_bytes_score_one(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((300, 200), 80).convert("RGB").save(buffer, "JPEG")
    embedder = Embedder(load_model("baseline", cache_dir=tmp_path))
    first, second = (embedder.embed_bytes(buffer.getvalue()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first @ second == pytest.approx(1, abs=1e-6)
