"""What every model is: its card, its preprocessing, its forward pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's card. `patch` and `hub_id` are None for descriptors without a network; sizes are pixels.

    `width` is the length of one token, `adapter` the name of the LoRA weights on top of a network.
    """

    name: str
    title: str
    hub_id: str | None
    width: int
    patch: int | None
    input_size: int
    pooling: str
    licence: str
    size_bytes: int
    registers: int = 0
    transform: str = "own"
    adapter: str | None = None

    @property
    def dim(self) -> int:
        """The length of an embedding: two tokens' for `cls+mean`."""
        return self.width * len(self.pooling.split("+"))


class Preprocess(Protocol):
    """Picture to model input; picklable and free of torch, because it runs in the decoder's children."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that the whole of such a picture is brought to: a JPEG is decoded near them."""
        ...

    def __call__(self, image: Image.Image) -> NDArray[np.generic]:
        """An upright RGB picture of any size as one model input.

        For networks: uint8 pixels `[h, w, 3]`, or several windows of one size `[windows, h, w, 3]`.
        """
        ...


class Model(Protocol):
    """A network or a descriptor with its pooling and preprocessing."""

    @property
    def spec(self) -> ModelSpec: ...

    @property
    def identity(self) -> str:
        """Hex hash over weights, adapter, pooling and preprocessing: embeddings of different identities never meet."""
        ...

    @property
    def dim(self) -> int: ...

    @property
    def preprocess(self) -> Preprocess: ...

    @property
    def batch_size(self) -> int:
        """How many inputs of the usual size are best computed at once."""
        ...

    @property
    def is_loaded(self) -> bool:
        """Whether a network holds memory; never for a descriptor."""
        ...

    @property
    def runs_on(self) -> str:
        """Device and number format in words; loads the network when it is not loaded."""
        ...

    def forward(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Inputs of one shape to raw embeddings `[n, dim]`, in order, not normalised. Raises OutOfMemory."""
        ...

    def patch_tokens(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Inputs of one shape to the tokens of their patches, row by row, `[n, patches, width]`, not normalised.

        Raises NoPatches for a descriptor without a network, OutOfMemory.
        """
        ...

    def unload(self) -> None:
        """Give the memory back; the next batch loads the network again. Raises nothing."""
        ...


class ModelError(Exception):
    """A model that cannot be used; the message says why, and what to do."""


class UnknownModel(ModelError):
    """No model of that name."""


class ModelUnavailable(ModelError):
    """The model is known, its weights are not at hand."""


class WrongCheckpoint(ModelError):
    """The files at hand are of another architecture, or damaged."""


class NoPatches(ModelError):
    """A descriptor without a network has no tokens for parts of a picture."""


class OutOfMemory(ModelError):
    """A batch did not fit into the device's memory; a smaller one may."""
