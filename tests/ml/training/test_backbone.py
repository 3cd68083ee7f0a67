"""Which layers learn, that trunk and tail are the network, and where gradients go."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import ViTConfig, ViTModel

from ml.models.checkpoint import read_network
from ml.training.backbone import STUDENT, TEACHER, Backbone, adapt, free, store_frozen_as
from ml.training.config import TrainingConfig, TrainingError
from tests.ml.checkpoints import KINDS, REGISTERS

CONFIG = TrainingConfig(rank=4, alpha=8)
BLOCKS = 3


def network_of(folder: Path, kind: str = "plain") -> Any:
    return read_network(folder, REGISTERS if kind == "registers" else 0)


def pixels(n: int = 2) -> torch.Tensor:
    return torch.randn(n, 3, 56, 56, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last_blocks", [None, 1])
def test_every_layer_that_is_named_is_adapted(networks: dict[str, Path], kind: str, last_blocks: int | None) -> None:
    network = network_of(networks[kind], kind)
    adapt(network, TrainingConfig(last_blocks=last_blocks))
    adapted = [name for name, module in network.named_modules() if isinstance(module, LoraLayer)]
    mlp = ["gate_proj", "up_proj", "down_proj"] if kind == "swiglu" else ["fc1", "fc2"]
    blocks = range(BLOCKS) if last_blocks is None else range(BLOCKS - last_blocks, BLOCKS)
    expected = [
        f"encoder.layer.{block}.{part}"
        for block in blocks
        for part in [*(f"attention.{name}" for name in ("q_proj", "k_proj", "v_proj")), *(f"mlp.{m}" for m in mlp)]
    ]
    assert sorted(adapted) == sorted(expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last_blocks", [None, 2])
def test_trunk_and_tail_are_the_network(networks: dict[str, Path], kind: str, last_blocks: int | None) -> None:
    network = network_of(networks[kind], kind)
    expected = network(pixel_values=pixels()).last_hidden_state[:, 0]
    backbone = adapt(network, TrainingConfig(last_blocks=last_blocks))
    torch.testing.assert_close(backbone.tail(backbone.trunk(pixels())), expected)


def test_checkpointing_changes_no_gradient(checkpoint: Path) -> None:
    gradients: list[list[torch.Tensor]] = []
    for kept in (False, True):
        torch.manual_seed(0)
        backbone = adapt(network_of(checkpoint), CONFIG, gradient_checkpointing=kept)
        backbone.tail(backbone.trunk(pixels())).square().sum().backward()
        gradients.append([one.grad for one in backbone.parameters().values() if one.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 0
    torch.testing.assert_close(*gradients)


def test_only_the_students_adapter_learns(checkpoint: Path) -> None:
    backbone = adapt(network_of(checkpoint), CONFIG)
    student, teacher = backbone.parameters(STUDENT), backbone.parameters(TEACHER)
    learning = [name for name, one in backbone.network.named_parameters() if one.requires_grad]
    assert len(learning) == len(student) == len(teacher) == BLOCKS * 5 * 2
    assert all("lora_" in name and STUDENT in name for name in learning)
    for name, parameter in student.items():
        assert torch.equal(parameter, teacher[name])


def test_student_gradients_survive_the_teachers_turn(checkpoint: Path) -> None:
    """peft's trap: an adapter that is switched off loses its gradients, without a word."""
    backbone = adapt(network_of(checkpoint), CONFIG)
    shared = backbone.trunk(pixels())
    backbone.use(TEACHER)
    with torch.no_grad():
        target = backbone.tail(shared)
    backbone.use(STUDENT)
    (backbone.tail(shared) - target - 1).square().sum().backward()
    assert all(one.grad is not None for one in backbone.parameters().values())
    assert all(one.grad is None for one in backbone.parameters(TEACHER).values())


def test_what_is_frozen_may_be_kept_in_half_the_bytes(checkpoint: Path) -> None:
    network = network_of(checkpoint)
    backbone = adapt(network, CONFIG)
    store_frozen_as(network, torch.bfloat16)
    kept = {name: one.dtype for name, one in network.named_parameters()}
    assert {dtype for name, dtype in kept.items() if "lora_" in name or "norm" in name} == {torch.float32}
    assert {dtype for name, dtype in kept.items() if "base_layer" in name} == {torch.bfloat16}
    with torch.autocast("cpu", torch.bfloat16):
        tokens = backbone.tail(backbone.trunk(pixels()))
    assert torch.isfinite(tokens).all()


def test_from_scratch_all_learns_but_the_token_for_hidden_patches(checkpoint: Path) -> None:
    network = network_of(checkpoint)
    expected = network(pixel_values=pixels()).last_hidden_state[:, 0]
    backbone = free(network)
    assert backbone.trunk(pixels()) is not None
    tokens = backbone.tail(backbone.trunk(pixels()))
    torch.testing.assert_close(tokens, expected)
    tokens.square().sum().backward()
    still = [name for name, one in backbone.parameters().items() if one.grad is None]
    assert still == ["embeddings.mask_token"]


def test_a_network_of_another_make_is_refused() -> None:
    other: Any = ViTModel(
        ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=28)
    )
    with pytest.raises(TrainingError, match="DINOv2"):
        adapt(other, CONFIG)
    with pytest.raises(TrainingError, match="no blocks like DINOv2's"):
        free(nn.Linear(2, 2))


def test_a_network_without_some_of_the_layers_is_refused(checkpoint: Path) -> None:
    """peft would adapt the others, and say nothing."""
    network = network_of(checkpoint)
    attention = network.encoder.layer[1].attention
    attention.query = attention.q_proj
    del attention.q_proj
    with pytest.raises(TrainingError, match=r"of the 15 layers named .* the network has 14"):
        adapt(network, CONFIG)


def test_more_blocks_than_there_are(checkpoint: Path) -> None:
    with pytest.raises(TrainingError, match="has 3 blocks"):
        adapt(network_of(checkpoint), TrainingConfig(last_blocks=4))


def test_use_is_for_adapters_only(checkpoint: Path) -> None:
    backbone = free(network_of(checkpoint))
    backbone.use(TEACHER)
    assert isinstance(backbone, Backbone)
    assert backbone.adapted is None
