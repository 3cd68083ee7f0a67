"""The projection head: three layers to a bottleneck on the unit sphere, then its cosines to the prototypes."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ml.training.config import TrainingConfig


class Head(nn.Module):
    """CLS tokens `[n, width]` to scores `[n, prototypes]`, as in DINO (arXiv 2104.14294, appendix C).

    The last layer is weight-normalised with its lengths fixed at 1: a prototype cannot win by growing.
    """

    def __init__(self, width: int, config: TrainingConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, config.hidden),
            nn.GELU(),
            nn.Linear(config.hidden, config.hidden),
            nn.GELU(),
            nn.Linear(config.hidden, config.bottleneck),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.prototypes: Any = weight_norm(nn.Linear(config.bottleneck, config.prototypes, bias=False))
        lengths = self.prototypes.parametrizations.weight.original0
        lengths.data.fill_(1)
        lengths.requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Float32 throughout: bfloat16's 8 bits blur scores that are divided by a temperature of 0.04."""
        with torch.autocast(tokens.device.type, enabled=False):
            return self.prototypes(nn.functional.normalize(self.layers(tokens.float()), dim=-1))

    @property
    def prototype_directions(self) -> nn.Parameter:
        """What is held still while the last layer is frozen, `[prototypes, bottleneck]`."""
        return self.prototypes.parametrizations.weight.original1
