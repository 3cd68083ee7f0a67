"""What every model is: its card, its preprocessing, its forward pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's card. `patch` and `hub_id` are None for descriptors without a network; sizes are pixels."""

    name: str
    title: str
    hub_id: str | None
    dim: int
    patch: int | None
    input_size: int
    pooling: str
    licence: str
    size_bytes: int


class Preprocess(Protocol):
    """Picture to model input; picklable and free of torch, because it runs in the decoder's children."""

    @property
    def target(self) -> int:
        """The shorter side, in pixels, that the picture will be resized to: a JPEG is decoded near it."""
        ...

    def __call__(self, image: Image.Image) -> NDArray[np.generic]:
        """An upright RGB picture of any size as one model input."""
        ...


class Model(Protocol):
    """A network or a descriptor with its pooling and preprocessing."""

    @property
    def spec(self) -> ModelSpec: ...

    @property
    def identity(self) -> str:
        """Hex hash over weights, pooling and preprocessing: embeddings of different identities never meet."""
        ...

    @property
    def dim(self) -> int: ...

    @property
    def preprocess(self) -> Preprocess: ...

    def forward(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Inputs of one shape to raw embeddings `[n, dim]`, in order, not normalised."""
        ...


class ModelError(Exception):
    """A model that cannot be used; the message says why, and what to do."""


class UnknownModel(ModelError):
    """No model of that name."""


class ModelUnavailable(ModelError):
    """The model is known, its weights are not at hand."""


class WrongCheckpoint(ModelError):
    """The files at hand are of another architecture, or damaged."""
