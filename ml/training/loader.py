"""The batches of a run: pictures in an order, their crops, and the changes of colour, all decided by the seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.models.preprocess import Normalisation
from ml.training import colours
from ml.training.config import TrainingConfig, TrainingError
from ml.training.crops import MultiCrop
from ml.training.pictures import Picture, Studio


@dataclass(frozen=True, slots=True)
class Crops:
    """A batch on the device: global crops `[2, n, 3, g, g]` and local ones `[l, n, 3, s, s]`, picture i in row i."""

    globals: Tensor
    locals: Tensor

    @property
    def pictures(self) -> int:
        return self.globals.shape[1]

    def rows(self, start: int, stop: int) -> "Crops":
        return Crops(self.globals[:, start:stop], self.locals[:, start:stop])


@dataclass(frozen=True, slots=True)
class Loader:
    """The batches of a run: which pictures and which crops is decided by seed, epoch and step alone."""

    config: TrainingConfig
    pictures: Sequence[Picture]
    studio: Studio
    patch: int
    normalisation: Normalisation
    device: torch.device

    @property
    def batch_size(self) -> int:
        return min(self.config.batch_size, len(self.pictures))

    @property
    def steps_per_epoch(self) -> int:
        return len(self.pictures) // self.batch_size

    def batches(self, first: int, stop: int) -> Iterator[Crops]:
        """Those of steps `first` to `stop`, counted from 0. Pictures beyond the last whole batch wait an epoch."""
        steps = range(first, stop)
        planned = ([(self.pictures[i], self._crop(step, i)) for i in self._rows(step)] for step in steps)
        for step, packed in zip(steps, self.studio.batches(planned), strict=True):
            if not packed:
                raise TrainingError("none of a batch's pictures can be read any more: are they still there?")
            yield self._changed([np.asarray(one, np.uint8) for one in packed], step)

    def _rows(self, step: int) -> list[int]:
        epoch, within = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.config.seed, epoch)).permutation(len(self.pictures))
        return order[within * self.batch_size : (within + 1) * self.batch_size].tolist()

    def _crop(self, step: int, picture: int) -> MultiCrop:
        return MultiCrop.of(self.config, self.patch, self.config.seed, step, picture)

    def _changed(self, packed: list[NDArray[np.uint8]], step: int) -> Crops:
        """Colours changed, values as the network takes them."""
        unpacked = [self._crop(0, 0).unpack(one) for one in packed]
        random = np.random.default_rng((self.config.seed, step, 1))
        views = np.stack([views for views, _ in unpacked], axis=1)
        kinds = [colours.FIRST_GLOBAL, colours.SECOND_GLOBAL]
        large = [self._one(view, kind, random) for view, kind in zip(views, kinds, strict=True)]
        parts = np.stack([parts for _, parts in unpacked], axis=1)
        small = self._one(parts.reshape(-1, *parts.shape[2:]), colours.LOCAL, random)
        return Crops(torch.stack(large), small.unflatten(0, parts.shape[:2]))

    def _one(self, crops: NDArray[np.uint8], kind: colours.Changes, random: np.random.Generator) -> Tensor:
        values = torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2).float() / 255
        changed = colours.change(values, kind, self.config.global_size / 224, random)
        mean = torch.tensor(self.normalisation.mean, device=self.device).view(3, 1, 1)
        std = torch.tensor(self.normalisation.std, device=self.device).view(3, 1, 1)
        return (changed - mean) / std
