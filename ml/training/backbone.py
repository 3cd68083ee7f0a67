"""The network that learns: DINOv2's blocks, the frozen ones apart, with LoRA adapters on the others or free itself."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ml.training.config import TrainingConfig, TrainingError

STUDENT, TEACHER = "student", "teacher"
ATTENTION = ("q_proj", "k_proj", "v_proj")
MLPS = (("fc1", "fc2"), ("gate_proj", "up_proj", "down_proj"))
"""DINOv2's two kinds of feed-forward layers: the plain one, and the gated one of giant."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network in two parts: `trunk`, which never changes, and `tail`, which learns.

    What the trunk makes of the global crops serves student and teacher alike. `first` is the first block of the
    tail; None when the whole network learns, embeddings included, and there is no trunk. `adapted` is the
    network with its adapters, if it has any.
    """

    network: Any
    first: int | None
    gradient_checkpointing: bool
    adapted: PeftModel | None = None

    @property
    def blocks(self) -> int:
        """How many blocks learn."""
        return len(self.network.encoder.layer) - (self.first or 0)

    def trunk(self, pixels: Tensor) -> Tensor:
        """Normalised pixels `[n, 3, h, w]` to the tail's input: tokens `[n, tokens, width]`, without gradient."""
        if self.first is None:
            return pixels
        with torch.no_grad():
            tokens = self.network.embeddings(pixels)
            for block in self.network.encoder.layer[: self.first]:
                tokens = _hidden(block(tokens))
            return tokens

    def tail(self, tokens: Tensor) -> Tensor:
        """The trunk's output to CLS tokens after the last norm, `[n, width]`, with gradient where one is wanted."""
        if self.first is None:
            tokens = self.network.embeddings(tokens)
        for block in self.network.encoder.layer[self.first or 0 :]:
            if self.gradient_checkpointing and torch.is_grad_enabled():
                tokens = _hidden(checkpoint(block, tokens, use_reentrant=False))
            else:
                tokens = _hidden(block(tokens))
        return self.network.layernorm(tokens)[:, 0]

    def use(self, adapter: str) -> None:
        """Compute with this adapter from now on. Only the student's has gradients.

        peft switches the gradients of the adapter that is left off, without a word: the teacher comes first in a
        step, and the student stays in use until after the backward pass.
        """
        if self.adapted is not None:
            self.adapted.set_adapter(adapter, inference_mode=adapter != STUDENT)

    def parameters(self, adapter: str = STUDENT) -> dict[str, nn.Parameter]:
        """What learns, by name: an adapter's weights, or the whole network's."""
        if self.adapted is None:
            return dict(self.network.named_parameters())
        infix = f".{adapter}."
        return {
            name.replace(infix, "."): parameter
            for name, parameter in self.adapted.named_parameters()
            if infix in name and "lora_" in name
        }


def adapt(network: Any, config: TrainingConfig, *, gradient_checkpointing: bool = False) -> Backbone:
    """The network with two LoRA adapters of the same weights, the student's and the teacher's; the rest frozen.

    Raises TrainingError when the network lacks the layers that are to be adapted, or has fewer blocks.
    """
    blocks = _blocks_of(network)
    first = 0 if config.last_blocks is None else len(blocks) - config.last_blocks
    if first < 0:
        raise TrainingError(f"the network has {len(blocks)} blocks: choose --last-blocks of at most that")
    mlp = next((names for names in MLPS if all(hasattr(blocks[0].mlp, name) for name in names)), ())
    targets = [*ATTENTION, *mlp]
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=targets,
        layers_to_transform=list(range(first, len(blocks))),
        layers_pattern="layer",
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft's words to transformers
            adapted: Any = get_peft_model(network, lora, adapter_name=STUDENT)
            adapted.add_adapter(TEACHER, lora)
    except ValueError as error:
        raise TrainingError(f"the network has no layers named {', '.join(targets)}: is it a DINOv2 model?") from error
    # peft adapts what it finds, and says nothing of what it does not.
    found = sum(isinstance(module, LoraLayer) for module in adapted.modules())
    wanted = (len(blocks) - first) * len(targets)
    if not mlp or found != wanted:
        raise TrainingError(
            f"of the {wanted} layers named {', '.join(targets)} the network has {found}: is it a DINOv2 model?"
        )
    backbone = Backbone(network, first, gradient_checkpointing, adapted)
    copy_into(backbone.parameters(TEACHER), backbone.parameters(STUDENT))
    backbone.use(STUDENT)
    return backbone


def free(network: nn.Module, *, gradient_checkpointing: bool = False) -> Backbone:
    """The whole network, to learn from scratch."""
    _blocks_of(network)
    network.requires_grad_(True)
    mask: Any = getattr(network.embeddings, "mask_token", None)
    if mask is not None:
        mask.requires_grad_(False)  # it stands in for hidden patches, of which this loss knows none
    return Backbone(network, None, gradient_checkpointing)


def store_frozen_as(network: nn.Module, dtype: torch.dtype) -> None:
    """Keep what never changes of linear and patch layers in a number format: half the memory, no cast each time."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and "lora_" not in name:
            for parameter in module.parameters(recurse=False):
                if not parameter.requires_grad:
                    parameter.data = parameter.data.to(dtype)


@torch.no_grad()
def copy_into(target: dict[str, nn.Parameter], source: dict[str, nn.Parameter]) -> None:
    """Give the parameters of one the values of the other, name by name."""
    for name, parameter in target.items():
        parameter.copy_(source[name])


def _blocks_of(network: Any) -> Sequence[Any]:
    try:
        blocks = network.encoder.layer
        _ = (network.embeddings, network.layernorm, blocks[0].mlp)
    except (AttributeError, IndexError) as error:
        raise TrainingError("the network has no blocks like DINOv2's: only such can be trained") from error
    return blocks


def _hidden(output: Any) -> Tensor:
    """A block's tokens, whether it returns them alone or in a tuple."""
    return output[0] if isinstance(output, tuple) else output
