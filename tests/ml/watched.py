"""A model that remembers how it was used."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml.models.baseline import Baseline
from ml.models.model import OutOfMemory
from ml.models.registry import BASELINE

Input = NDArray[np.generic]
Array = NDArray[np.float32]

USUAL = 8
"""The usual side, in pixels, of the model that these tests watch."""


class Watched(Baseline):
    """Embeds pixels by mean and size; has room for `room` pixels at once; remembers the batches it was given."""

    dim = 2
    batch_size = 8

    def __init__(self, room: int = 10**9) -> None:
        super().__init__(replace(BASELINE, input_size=USUAL))
        self.room = room
        self.batches: list[int] = []
        self.unloads = 0

    def forward(self, batch: Sequence[Input]) -> Array:
        self.batches.append(len(batch))
        stacked = np.stack(batch).astype(np.float32)  # refuses mixed shapes
        if stacked[..., 0].size > self.room:
            raise OutOfMemory("too much")
        return np.stack([stacked.mean(axis=(1, 2, 3)), np.full(len(batch), stacked[0].size)], axis=1)

    def patch_tokens(self, batch: Sequence[Input]) -> Array:
        return np.stack([array[..., :2].reshape(-1, 2) for array in batch]).astype(np.float32)

    def unload(self) -> None:
        self.unloads += 1


def filled(value: float, height: int = USUAL, width: int = USUAL) -> Array:
    return np.full((height, width, 3), value, np.float32)


def expected(prepared: Sequence[Array]) -> Array:
    raw = np.array([(array.mean(), array.size) for array in prepared])
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)
