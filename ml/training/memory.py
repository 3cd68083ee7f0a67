"""How many pictures are computed at once: measured on the network itself before the first step."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from ml.training.config import Machine
from ml.training.crops import GLOBAL_CROPS, in_patches
from ml.training.dino import Learner
from ml.training.loader import Crops

MOST_BYTES = 16 * 1024**3
SHARE = 0.6
"""Of the memory that is free: the rest is for gradients, the optimiser, decoded pictures and everybody else."""
PASSING = 1.5
"""What is kept for the backward pass, times this, is the peak: by the growth of scripts/bench_training.py's peaks from
batches of 4 to batches of 12, 1.43 with all blocks of small, 1.51 with the last 4."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The bytes that activations may take, and those of one picture with all its crops."""

    bytes: int
    per_picture: int

    def part(self, batch_size: int) -> int:
        """Pictures computed at once, at least one: a batch is cut into equal parts that fit."""
        fitting = max(1, int(self.bytes / (self.per_picture * PASSING)))
        parts = -(-batch_size // fitting)
        return -(-batch_size // parts)


def budget_of(learner: Learner, patch: int, machine: Machine) -> Budget:
    """What a picture takes; with gradient checkpointing, and a block that is computed again with its gradients.

    Small: 40 MiB, times PASSING 60; its peak grew by 63 MiB a picture.
    """
    owner = nn.ModuleList([learner.backbone.network, learner.head])
    budget = measure(lambda n: _rehearse(learner, n, patch), owner, machine, learner.device)
    if not learner.backbone.gradient_checkpointing:
        return budget
    kept, learner.backbone = learner.backbone, replace(learner.backbone, gradient_checkpointing=False)
    plain = measure(lambda n: _rehearse(learner, n, patch), owner, machine, learner.device)
    learner.backbone = kept
    return replace(budget, per_picture=budget.per_picture + 2 * plain.per_picture // kept.blocks)


def _rehearse(learner: Learner, n: int, patch: int) -> Tensor:
    """The loss of n black pictures: to see what they take."""
    config, device = learner.config, learner.device
    large, small = in_patches(config.global_size, patch), in_patches(config.local_size, patch)
    crops = Crops(
        torch.zeros(GLOBAL_CROPS, n, 3, large, large, device=device),
        torch.zeros(config.local_crops, n, 3, small, small, device=device),
    )
    shared, _, scores = learner.teach(crops)
    return learner.learn(crops, shared[0], learner.loss.targets(scores, config.teacher_temperature))


def measure(step: Callable[[int], Tensor], owner: nn.Module, machine: Machine, device: torch.device) -> Budget:
    """`step(n)` computes the loss of n pictures; the difference of two and one tells what a picture takes."""
    one, two = (kept_bytes(lambda n=n: step(n), owner) for n in (1, 2))
    return Budget(allowed_bytes(machine, device), max(1, two - one))


def kept_bytes(step: Callable[[], Tensor], owner: nn.Module) -> int:
    """The most bytes that autograd holds between forward and backward pass, the parameters' own not counted.

    Counted tensor by tensor, so that it is exact, and the same on every device; what gradient checkpointing computes
    again is not seen. Gradients are dropped.
    """
    own = {parameter.untyped_storage().data_ptr() for parameter in owner.parameters()}
    held: dict[int, list[int]] = {}
    total = peak = 0

    def release(key: int) -> None:
        nonlocal total
        held[key][0] -= 1
        if not held[key][0]:
            total -= held.pop(key)[1]

    def pack(tensor: Tensor) -> Any:
        nonlocal total, peak
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        kept = _Kept(tensor)
        if key not in own:
            if key not in held:
                held[key] = [0, storage.nbytes()]
                total += storage.nbytes()
                peak = max(peak, total)
            held[key][0] += 1
            weakref.finalize(kept, release, key)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        step().backward()
    owner.zero_grad(set_to_none=True)
    return peak


def allowed_bytes(machine: Machine, device: torch.device) -> int:
    """What was asked for, else SHARE of what is free, 16 GB at most: safe on a machine of that size."""
    if machine.memory_bytes is not None:
        return machine.memory_bytes
    if device.type == "cuda":
        return int(SHARE * torch.cuda.mem_get_info(device)[0])
    return int(SHARE * min(MOST_BYTES, psutil.virtual_memory().available))


class _Kept:
    """A saved tensor, with a life of its own to follow."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()
