"""How much a batch keeps for its backward pass, and how it is cut to what is free."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ml.training.config import Machine
from ml.training.memory import MOST_BYTES, PASSING, SHARE, Budget, allowed_bytes, kept_bytes, measure

CPU = torch.device("cpu")


def test_what_is_kept_is_counted_to_the_byte() -> None:
    layer = nn.Sequential(nn.Linear(10, 20, bias=False), nn.Sigmoid(), nn.Linear(20, 5, bias=False))
    # Its input [7, 10] and the sigmoid's output [7, 20], which both layers after it share; square keeps [7, 5].
    kept = kept_bytes(lambda: layer(torch.randn(7, 10)).square().sum(), layer)
    assert kept == 4 * 7 * (10 + 20 + 5)
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_checkpointing_is_seen() -> None:
    layers = nn.ModuleList(nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64)) for _ in range(6))

    def run(n: int, *, kept: bool) -> torch.Tensor:
        values = torch.randn(n, 64, requires_grad=True)
        for layer in layers:
            result = checkpoint(layer, values, use_reentrant=False) if kept else layer(values)
            assert isinstance(result, torch.Tensor)
            values = result
        return values.sum()

    plain = kept_bytes(lambda: run(32, kept=False), layers)
    checkpointed = kept_bytes(lambda: run(32, kept=True), layers)
    assert checkpointed < 0.5 * plain
    assert checkpointed == 6 * 32 * 64 * 4  # each layer's input


def test_a_picture_costs_the_difference_of_two_and_one() -> None:
    layer = nn.Linear(10, 20)
    budget = measure(lambda n: layer(torch.randn(n, 10)).square().sum(), layer, Machine(memory_bytes=10_000), CPU)
    assert budget == Budget(10_000, 4 * (10 + 20))


def test_a_batch_is_cut_into_equal_parts_that_fit() -> None:
    one = 1000
    assert Budget(int(one * PASSING * 100), one).part(32) == 32
    assert Budget(int(one * PASSING * 20), one).part(32) == 16
    assert Budget(int(one * PASSING * 10), one).part(32) == 8
    assert Budget(1, one).part(32) == 1


def test_by_itself_it_takes_a_share_of_what_is_free() -> None:
    assert allowed_bytes(Machine(memory_bytes=123), CPU) == 123
    assert 0 < allowed_bytes(Machine(), CPU) <= SHARE * MOST_BYTES
