"""The teacher as a model that the embedder runs: what the probes measure while it learns."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ml.models.model import ModelSpec, NoPatches
from ml.models.preprocess import CentreCrop
from ml.training.dino import Learner
from ml.training.network import Start


class TeacherModel:
    """CLS tokens of the teacher as it is now."""

    batch_size = 32
    is_loaded = True
    identity = "a teacher that learns"

    def __init__(self, learner: Learner, side: int, start: Start) -> None:
        self._learner = learner
        self._normalisation = start.normalisation
        width = int(learner.backbone.network.config.hidden_size)
        self.spec = ModelSpec(
            name="teacher",
            title=start.title,
            hub_id=None,
            width=width,
            patch=start.patch,
            input_size=side,
            pooling="cls",
            licence="",
            size_bytes=0,
        )
        self.dim = width
        self.preprocess = CentreCrop(side, side)
        self.runs_on = str(learner.device)

    def forward(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Pixels uint8 `[side, side, 3]` to CLS tokens `[n, width]`, not normalised."""
        learner = self._learner
        device = learner.device
        mean = torch.tensor(self._normalisation.mean, device=device)
        std = torch.tensor(self._normalisation.std, device=device)
        pixels = (torch.from_numpy(np.stack(batch)).to(device).float() / 255 - mean) / std
        with torch.no_grad(), torch.autocast(device.type, learner.dtype, enabled=learner.dtype != torch.float32):
            tokens = learner.teacher.tokens(learner.backbone.trunk(pixels.permute(0, 3, 1, 2).contiguous()))
        return tokens.float().cpu().numpy()

    def patch_tokens(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:  # noqa: ARG002  # as every model has it
        """Raises NoPatches: the probes are of whole pictures."""
        raise NoPatches("the teacher is asked for whole pictures only")

    def unload(self) -> None:
        """It is in use."""
