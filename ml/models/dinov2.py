"""DINOv2 through transformers: tokens pooled to embeddings, in the fastest number format that keeps them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ml.models import formats
from ml.models.checkpoint import identity_of, read_network
from ml.models.formats import Running
from ml.models.model import ModelSpec, OutOfMemory, WrongCheckpoint
from ml.models.preprocess import make_transform, read_processor
from ml.models.weights import check_card


@dataclass(frozen=True, slots=True)
class Files:
    """What a model is read from: the network's folder, and the adapter's, if any; with the model's cards."""

    spec: ModelSpec
    network: ModelSpec
    folder: Path
    adapter: Path | None = None


class Dinov2:
    """One DINOv2 network, for inference. Its memory can be given back; it is then loaded again when asked.

    Raises WrongCheckpoint for another architecture or size, for missing weights and for a damaged file.
    """

    def __init__(self, files: Files) -> None:
        check_card(files.folder, files.network)
        reference, self._normalisation = read_processor(files.folder)
        self.spec = files.spec
        self.dim = files.spec.dim
        self.preprocess = make_transform(files.spec.transform, reference, files.network.patch or 1)
        self._files = files
        self._lock = threading.Lock()
        self.identity = self._identify()
        self._running: Running | None = self._load()

    @property
    def batch_size(self) -> int:
        return self._loaded().batch_size

    @property
    def runs_on(self) -> str:
        return str(self._loaded())

    @property
    def is_loaded(self) -> bool:
        return self._running is not None

    def forward(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Pixels uint8 `[h, w, 3]` of one size to pooled tokens after the last norm, `[n, dim]`, not normalised.

        `cls` is DINOv2's own; `cls+mean` is the concatenation that its linear evaluation uses (arXiv 2304.07193).
        """
        tokens = self._tokens(batch)
        parts = {"cls": lambda: tokens[:, 0], "mean": lambda: tokens[:, self._first_patch :].mean(axis=1)}
        return np.concatenate([parts[part]() for part in self.spec.pooling.split("+")], axis=1)

    def patch_tokens(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Pixels of one size to the tokens of their patches, row by row, `[n, patches, width]`, not normalised."""
        return self._tokens(batch)[:, self._first_patch :]

    def unload(self) -> None:
        """Give the memory back; the next batch loads the network again."""
        with self._lock:
            self._running = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @property
    def _first_patch(self) -> int:
        return 1 + self.spec.registers

    def _tokens(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        running = self._loaded()
        try:
            with torch.inference_mode():
                pixels = torch.from_numpy(np.stack(batch)).to(running.device)
                return running.encode(self._normalised(pixels).to(running.dtype)).float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemory(str(error)) from error
        except (MemoryError, RuntimeError) as error:
            # On the CPU torch tells it as a plain RuntimeError of its allocator.
            if isinstance(error, MemoryError) or "allocate" in str(error) or "not enough memory" in str(error):
                raise OutOfMemory(str(error)) from error
            raise

    def _normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        """Bytes `[n, h, w, 3]` to float32 `[n, 3, h, w]` as the network was trained with."""
        std = torch.tensor(self._normalisation.std, device=pixels.device)
        mean = torch.tensor(self._normalisation.mean, device=pixels.device)
        return ((pixels.float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()

    def _loaded(self) -> Running:
        with self._lock:
            if self._running is None:
                if self._identify() != self.identity:
                    raise WrongCheckpoint(
                        f"the files of {self.spec.name} have changed since they were read: start again to use them"
                    )
                self._running = self._load()
            return self._running

    def _load(self) -> Running:
        files = self._files
        try:
            network = read_network(files.folder, files.network.registers, files.adapter)
            return formats.prepare(network, files.network.input_size, files.network.patch or 1)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise OutOfMemory(f"{self.spec.name} does not fit into memory: choose a smaller model") from error

    def _identify(self) -> str:
        files = self._files
        preprocessing = repr((self.preprocess, self._normalisation))
        return identity_of(files.folder, files.network.registers, files.adapter, self.spec.pooling, preprocessing)
