"""The network that a run begins with: a model's own, or one of random weights to learn from scratch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import Dinov2Config, Dinov2Model

from ml.models.checkpoint import identity_of, read_network
from ml.models.choice import this_machine
from ml.models.model import ModelUnavailable
from ml.models.preprocess import PROCESSOR, Normalisation, read_processor
from ml.models.registry import resolve
from ml.training.config import Machine, TrainingConfig, TrainingError

TINY = "tiny"
"""A network of DINOv2's architecture for small pictures: 4 blocks of 128 numbers, 0.8 million weights."""


DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class Start:
    """A network in float32 with what is told of it. `base` is what an adapter of it states, `identity` its hash."""

    network: Any
    base: str
    title: str
    identity: str
    patch: int
    normalisation: Normalisation


def begin(model: str, config: TrainingConfig, models_dir: Path, output: Path) -> Start:
    """The network of a model that is at hand; with `from_scratch` its architecture alone, or TINY.

    Raises UnknownModel, ModelUnavailable, WrongCheckpoint, TrainingError for what has no network to train.
    """
    if config.from_scratch and model == TINY:
        return _random(tiny_config(config.global_size), Normalisation(), config, TINY)
    found = resolve(model, cache_dir=models_dir)
    if found.network.patch is None:
        raise TrainingError(f"{model} has no network to train: choose a DINOv2 model (likeness models list)")
    if found.adapter is not None:
        raise TrainingError(
            f"{model} is an adapter already: train {found.network.name}, the network that it is for, "
            "or merge the two first"
        )
    folder = found.folder
    if folder is None:
        raise ModelUnavailable(
            f"the weights of {found.network.name} are not on this machine: likeness models fetch {found.network.name}"
        )
    _, normalisation = read_processor(folder)
    if config.from_scratch:
        if found.network.registers:
            raise TrainingError(f"{model} has registers: from scratch, choose an architecture without")
        stated: Any = Dinov2Config.from_pretrained(folder, local_files_only=True)
        return _random(stated, normalisation, config, found.network.name)
    return Start(
        network=read_network(folder, found.network.registers),
        base=found.network.hub_id or _path_from(output, folder),
        title=found.network.title,
        identity=identity_of(folder, found.network.registers, None, "cls", ""),
        patch=found.network.patch,
        normalisation=normalisation,
    )


def tiny_config(size: int) -> Any:
    """DINOv2's architecture in small; patches grow with the pictures: there are 4 x 4, 17 tokens a picture."""
    return Dinov2Config(
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        mlp_ratio=4,
        image_size=size,
        patch_size=max(1, size // 4),
    )


def write_processor(folder: Path, size: int, normalisation: Normalisation) -> None:
    """What the hub states beside a network's weights: shorter side to `size`, centre crop, normalisation."""
    stated = {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": size},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": size, "width": size},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(normalisation.mean),
        "image_std": list(normalisation.std),
    }
    (folder / PROCESSOR).write_text(json.dumps(stated, indent=1) + "\n")


def device_of(machine: Machine) -> torch.device:
    """The device asked for, or the best there is. Raises TrainingError for one that is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if machine.device == "auto":
        return torch.device(next(kind for kind, here in there.items() if here))
    if not there[machine.device]:
        raise TrainingError(f"there is no {machine.device} device on this machine: leave --device out")
    return torch.device(machine.device)


def dtype_of(machine: Machine, device: torch.device) -> torch.dtype:
    """The number format asked for, or the fastest that keeps the numbers: bfloat16 where the device has it."""
    if machine.precision != "auto":
        return DTYPES[machine.precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if device.type == "cpu" and this_machine().has_bfloat16 else torch.float32


def _random(stated: Any, normalisation: Normalisation, config: TrainingConfig, title: str) -> Start:
    torch.manual_seed(config.seed)
    network = Dinov2Model(stated)
    # DINO's own weights for tokens and positions: transformers draws them fifty times as large, which drowns patches.
    for name, parameter in network.named_parameters():
        if name.endswith(("position_embeddings", "cls_token")):
            torch.nn.init.trunc_normal_(parameter, std=0.02)
    identity = f"random weights of seed {config.seed}: {json.dumps(stated.to_diff_dict(), sort_keys=True, default=str)}"
    return Start(network, "", f"{title}, from scratch", identity, int(stated.patch_size), normalisation)


def _path_from(output: Path, folder: Path) -> str:
    """A sibling by its relative path, so that both can be moved together; else where it is now."""
    if folder.parent == output.resolve().parent:
        return f"../{folder.name}"
    return str(folder)
