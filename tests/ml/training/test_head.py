"""The projection head: its layers, its sphere, its prototypes of length 1."""

import torch

from ml.training.config import TrainingConfig
from ml.training.head import Head

CONFIG = TrainingConfig()


def test_three_layers_to_a_bottleneck_and_prototypes() -> None:
    head = Head(384, CONFIG)
    shapes = [tuple(layer.weight.shape) for layer in head.layers if isinstance(layer, torch.nn.Linear)]
    assert shapes == [(2048, 384), (2048, 2048), (256, 2048)]
    assert tuple(head.prototypes.weight.shape) == (1024, 256)


def test_scores_are_cosines_whatever_the_prototypes_grow_to() -> None:
    head = Head(16, TrainingConfig(hidden=8, bottleneck=4, prototypes=6))
    with torch.no_grad():
        head.prototype_directions.mul_(7)
        scores = head(torch.randn(9, 16))
    assert scores.shape == (9, 6)
    assert scores.abs().max() <= 1 + 1e-5
    torch.testing.assert_close(head.prototypes.weight.norm(dim=1), torch.ones(6))
    assert not head.prototypes.parametrizations.weight.original0.requires_grad


def test_float32_within_autocast() -> None:
    head = Head(16, TrainingConfig(hidden=8, bottleneck=4, prototypes=6))
    tokens = torch.randn(9, 16).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        scores = head(tokens)
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, head(tokens.float()))
