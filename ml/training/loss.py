"""DINO's loss: the student's view of every crop against the teacher's of the other global crop."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ml.training.config import Centring, TrainingConfig

SINKHORN_ROUNDS = 3
"""As DINOv2 does it (arXiv 2304.07193, section 4)."""


class DinoLoss(nn.Module):
    """Cross-entropy between the teacher's targets and the student's scores, over all pairs of unlike crops.

    `centre` `[prototypes]` follows the mean of the teacher's scores, and starts as that of the first batch: from
    zero it would take its first twenty steps to get there. With Sinkhorn-Knopp it is not used.
    """

    centre: Tensor

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self._student_temperature = config.student_temperature
        self._momentum = config.centre_momentum
        self._centring: Centring = config.centring
        self.register_buffer("centre", torch.zeros(config.prototypes))

    def targets(self, teacher: Tensor, temperature: float) -> Tensor:
        """The teacher's scores `[2, n, prototypes]` of the two global crops to probabilities, without gradient."""
        teacher = teacher.detach().float()
        if self._centring == "sinkhorn":
            return sinkhorn_knopp(teacher.flatten(0, 1), temperature).view_as(teacher)
        return torch.softmax((teacher - self.centre) / temperature, dim=-1)

    def forward(self, targets: Tensor, student: Tensor) -> Tensor:
        """The mean over the pairs, and over the pictures.

        `targets` `[2, n, prototypes]` from the global crops; `student` `[2 + locals, n, prototypes]`, the global
        crops first, in the same order. Row i of every crop is of picture i: a crop meets only the targets of its
        own picture, and a global crop never its own.
        """
        log_probabilities = torch.log_softmax(student.float() / self._student_temperature, dim=-1)
        # [target crop, student crop], each the mean over the pictures.
        losses = -torch.einsum("tnp,snp->ts", targets, log_probabilities) / student.shape[1]
        pairs = torch.ones_like(losses).triu(1) + torch.ones_like(losses).tril(-1)
        return (losses * pairs).sum() / pairs.sum()

    @torch.no_grad()
    def update_centre(self, teacher: Tensor) -> None:
        """Move the centre towards the mean of the teacher's scores of a whole batch, `[2, n, prototypes]`."""
        self.centre.lerp_(teacher.float().mean(dim=(0, 1)), 1 - self._momentum)

    @torch.no_grad()
    def start_centre(self, teacher: Tensor) -> None:
        """Set the centre to the mean of the teacher's scores of the first batch, `[2, n, prototypes]`."""
        self.centre.copy_(teacher.float().mean(dim=(0, 1)))


def sinkhorn_knopp(scores: Tensor, temperature: float) -> Tensor:
    """Scores `[n, prototypes]` to probabilities that use every prototype equally over the batch (SwAV, DINOv2)."""
    n, prototypes = scores.shape
    # Less its highest value, that exp stays finite; a common factor changes nothing.
    shares = torch.exp((scores - scores.max()) / temperature)
    for _ in range(SINKHORN_ROUNDS):
        shares = shares / shares.sum(dim=0, keepdim=True).clamp_min(1e-30) / prototypes
        shares = shares / shares.sum(dim=1, keepdim=True).clamp_min(1e-30) / n
    return shares * n


def koleo(tokens: Tensor) -> Tensor:
    """Minus the mean log distance of each of `[n, width]` to its nearest other, on the unit sphere.

    It spreads the embeddings of a batch (Kozachenko-Leonenko; Sablayrolles et al. 2018, arXiv 1806.03198).
    """
    with torch.autocast(tokens.device.type, enabled=False):
        unit = nn.functional.normalize(tokens.float(), dim=-1)
        cosines = unit @ unit.T
        nearest = cosines.detach().fill_diagonal_(-2).argmax(dim=1)
        return -torch.log((unit - unit[nearest]).norm(dim=1) + 1e-8).mean()


@dataclass(frozen=True, slots=True)
class Spread:
    """How varied the teacher's output is over a batch; entropies are in shares of the highest possible.

    `floor` is the mean entropy of one picture's targets in nats: the loss of a student that is right about all.
    `entropy` is the same as a share: near 1 targets tell nothing. `mean_entropy` of the mean over all pictures:
    near 0 all are sent to one prototype. `deviation` of the CLS tokens on the unit sphere, times the root of their
    width: about 1 when they point everywhere, 0 when all are the same.
    """

    floor: float
    entropy: float
    mean_entropy: float
    deviation: float

    @property
    def collapse(self) -> str:
        """What has gone wrong in a plain sentence; empty when nothing has."""
        if self.mean_entropy < 0.1:
            return "the teacher sends every picture to the same few prototypes: raise the teacher's temperature"
        if self.entropy > 0.98:
            return "the teacher's targets are uniform and teach nothing: lower the teacher's temperature"
        if self.deviation < 0.02:
            return "all pictures have nearly the same embedding: lower the learning rate"
        return ""


@torch.no_grad()
def spread_of(targets: Tensor, tokens: Tensor) -> Spread:
    """Of the teacher's targets `[2, n, prototypes]` and its CLS tokens `[m, width]`."""
    flat = targets.flatten(0, 1)
    highest = math.log(flat.shape[1])
    unit = nn.functional.normalize(tokens.float(), dim=-1)
    deviation = unit.std(dim=0, unbiased=False).mean() * unit.shape[1] ** 0.5
    floor = float(_entropy(flat).mean())
    return Spread(floor, floor / highest, float(_entropy(flat.mean(dim=0))) / highest, float(deviation))


def _entropy(probabilities: Tensor) -> Any:
    return torch.special.entr(probabilities).sum(dim=-1)
