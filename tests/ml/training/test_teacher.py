"""The teacher by two adapters on one network: the same numbers as by a copy of it, in a fraction of the bytes."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ml.models.checkpoint import read_network
from ml.training.backbone import STUDENT, TEACHER, adapt, free
from ml.training.config import TrainingConfig
from ml.training.head import Head
from ml.training.teacher import AdapterTeacher, CopiedTeacher, make_teacher

CONFIG = TrainingConfig(hidden=16, bottleneck=8, prototypes=12)
MOMENTUM = 0.9


def moved(parameters: dict[str, nn.Parameter], seed: int) -> None:
    """As if the student had learnt."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def pixels() -> Tensor:
    return torch.randn(3, 3, 56, 56, generator=torch.Generator().manual_seed(1))


def size_bytes(tensors: dict[str, Tensor]) -> int:
    return sum(tensor.nbytes for name, tensor in tensors.items() if name.startswith("backbone."))


def test_two_adapters_give_what_two_networks_give(checkpoint: Path) -> None:
    network: Any = read_network(checkpoint, 0)
    backbone, head = adapt(network, CONFIG), Head(64, CONFIG)
    moved(backbone.parameters(), seed=0)
    teacher = AdapterTeacher(backbone, head)
    # The plain way: a deep copy of everything, the teacher's adapter in use, averaged parameter by parameter.
    twin = copy.deepcopy(backbone)
    twin.use(TEACHER)
    mine = twin.parameters(TEACHER)
    for step in range(3):
        moved(backbone.parameters(), seed=step)
        teacher.update(MOMENTUM)
        for name, parameter in mine.items():
            parameter.data.mul_(MOMENTUM).add_(backbone.parameters()[name].data, alpha=1 - MOMENTUM)
    with torch.no_grad():
        expected = twin.tail(twin.trunk(pixels()))
    found = teacher.tokens(backbone.trunk(pixels()))
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, backbone.tail(backbone.trunk(pixels())))


def test_a_second_adapter_takes_a_fraction_of_a_copy(checkpoint: Path) -> None:
    shared = adapt(read_network(checkpoint, 0), CONFIG)
    second = size_bytes(AdapterTeacher(shared, Head(64, CONFIG)).tensors())
    whole = size_bytes(CopiedTeacher(free(read_network(checkpoint, 0)), Head(64, CONFIG)).tensors())
    parts = [one.numel() * 4 for one in shared.parameters().values()]
    assert second == sum(parts)
    assert whole > 10 * second


def test_the_student_is_in_use_after_the_teachers_turn(checkpoint: Path) -> None:
    backbone, head = adapt(read_network(checkpoint, 0), CONFIG), Head(64, CONFIG)
    teacher = make_teacher(backbone, head)
    tokens = teacher.tokens(backbone.trunk(pixels()))
    assert not tokens.requires_grad
    assert backbone.tail(backbone.trunk(pixels())).requires_grad
    adapted: Any = backbone.adapted
    assert adapted.active_adapter in (STUDENT, [STUDENT])


def test_heads_statistics_follow_wholly(checkpoint: Path) -> None:
    backbone = adapt(read_network(checkpoint, 0), CONFIG)
    head = Head(64, CONFIG)
    head.register_buffer("running_mean", torch.zeros(4))
    teacher = AdapterTeacher(backbone, head)
    head.get_buffer("running_mean").copy_(torch.arange(4.0))
    weight: Any = head.layers[0]
    before = weight.weight.detach().clone()
    with torch.no_grad():
        weight.weight.add_(1)
    teacher.update(MOMENTUM)
    torch.testing.assert_close(teacher.head.get_buffer("running_mean"), torch.arange(4.0))
    mine: Any = teacher.head.layers[0]
    torch.testing.assert_close(mine.weight, before + (1 - MOMENTUM))


def test_a_copy_follows_the_whole_network(checkpoint: Path) -> None:
    backbone, head = free(read_network(checkpoint, 0)), Head(64, CONFIG)
    teacher = make_teacher(backbone, head)
    assert isinstance(teacher, CopiedTeacher)
    before = teacher.tensors()["backbone.embeddings.cls_token"].clone()
    moved(backbone.parameters(), seed=0)
    moved(dict(head.named_parameters()), seed=1)
    teacher.update(MOMENTUM)
    now = dict(backbone.network.named_parameters())["embeddings.cls_token"].detach()
    torch.testing.assert_close(
        teacher.tensors()["backbone.embeddings.cls_token"], MOMENTUM * before + (1 - MOMENTUM) * now
    )
    assert not teacher.tokens(pixels()).requires_grad
    assert not any(one.requires_grad for one in teacher.head.parameters())
