"""The teacher: a slow average of the student, as a second adapter on the same network or as a copy of all of it."""

import copy
from collections.abc import Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from ml.training.backbone import STUDENT, TEACHER, Backbone
from ml.training.head import Head

Kind = TypeVar("Kind", bound=nn.Module)


class Teacher(Protocol):
    """Gives the targets, never has gradients, and follows the student after each step."""

    head: Head

    def tokens(self, shared: Tensor) -> Tensor:
        """CLS tokens `[n, width]` of what the student's trunk gave. The student is in use again afterwards."""
        ...

    def update(self, momentum: float) -> None:
        """Keep `momentum` of itself, take the rest from the student; the head's statistics follow wholly."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What it has learnt, by name, to be kept and put back: the live tensors."""
        ...


class AdapterTeacher:
    """A second adapter on the student's own network: 3 MiB for DINOv2 small, where a copy takes 84."""

    def __init__(self, backbone: Backbone, head: Head) -> None:
        self._backbone = backbone
        self._student_head = head
        self.head = _copied(head)

    @torch.no_grad()
    def tokens(self, shared: Tensor) -> Tensor:
        """CLS tokens by the teacher's adapter."""
        self._backbone.use(TEACHER)
        try:
            return self._backbone.tail(shared)
        finally:
            self._backbone.use(STUDENT)

    def update(self, momentum: float) -> None:
        """The adapter's weights and the head's."""
        mine, theirs = self._backbone.parameters(TEACHER), self._backbone.parameters(STUDENT)
        _follow(list(mine.values()), [theirs[name] for name in mine], momentum)
        _follow_module(self.head, self._student_head, momentum)

    def tensors(self) -> dict[str, Tensor]:
        """The adapter's and the head's."""
        adapter = {f"backbone.{name}": parameter.data for name, parameter in self._backbone.parameters(TEACHER).items()}
        return {**adapter, **_named(self.head, "head.")}


class CopiedTeacher:
    """A full copy of the network: for training from scratch, where nothing is frozen."""

    def __init__(self, backbone: Backbone, head: Head) -> None:
        self._student, self._student_head = backbone, head
        self._network: nn.Module = _copied(backbone.network)
        self._backbone = Backbone(self._network, None, gradient_checkpointing=False)
        self.head = _copied(head)

    @torch.no_grad()
    def tokens(self, shared: Tensor) -> Tensor:
        """CLS tokens by the copy."""
        return self._backbone.tail(shared)

    def update(self, momentum: float) -> None:
        """All of the network, and the head."""
        _follow_module(self._network, self._student.network, momentum)
        _follow_module(self.head, self._student_head, momentum)

    def tensors(self) -> dict[str, Tensor]:
        """The network's and the head's."""
        return {**_named(self._network, "backbone."), **_named(self.head, "head.")}


def make_teacher(backbone: Backbone, head: Head) -> Teacher:
    """By whether the network has adapters."""
    return AdapterTeacher(backbone, head) if backbone.adapted is not None else CopiedTeacher(backbone, head)


def _copied(module: Kind) -> Kind:
    return copy.deepcopy(module).eval().requires_grad_(False)


def _follow_module(mine: nn.Module, theirs: nn.Module, momentum: float) -> None:
    _follow(list(mine.parameters()), list(theirs.parameters()), momentum)
    for buffer, other in zip(mine.buffers(), theirs.buffers(), strict=True):
        buffer.copy_(other)


@torch.no_grad()
def _follow(mine: Sequence[Tensor], theirs: Sequence[Tensor], momentum: float) -> None:
    for kept, other in zip(mine, theirs, strict=True):
        kept.lerp_(other, 1 - momentum)


def _named(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in module.state_dict().items()}
