"""A network's files to the network in memory: read, adapter merged, checked to be whole, and its identity."""

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel
from transformers.utils import logging

from ml.models.model import WrongCheckpoint
from ml.models.weights import ADAPTER_CONFIG, ADAPTER_WEIGHTS, CONFIG, WEIGHTS, check_whole


def read_network(folder: Path, registers: int, adapter: Path | None = None) -> nn.Module:
    """The network in float32, for inference, with the adapter merged into its weights.

    Raises WrongCheckpoint for weights that are missing or of another shape, a damaged file, and an adapter that
    does not fit.
    """
    check_whole(folder / WEIGHTS)
    logging.disable_progress_bar()
    architecture: Any = Dinov2WithRegistersModel if registers else Dinov2Model
    try:
        network, told = architecture.from_pretrained(
            folder,
            config=_read_config(folder, registers),
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told below, in words of our own
            dtype=torch.float32,
            attn_implementation="sdpa",
        )
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise WrongCheckpoint(f"{folder / WEIGHTS} is damaged or cut short; fetch it again ({error})") from error
    if odd := sorted(key for key, *_shapes in told["mismatched_keys"]):
        raise WrongCheckpoint(
            f"{folder / WEIGHTS} holds {len(odd)} weights of another shape than {CONFIG} states, such as {odd[0]}"
        )
    if missing := sorted(told["missing_keys"]):
        raise WrongCheckpoint(f"{folder / WEIGHTS} lacks {len(missing)} weights of DINOv2, such as {missing[0]}")
    if adapter is not None:
        network = _merged(network, adapter)
    return network.eval().requires_grad_(False)


def identity_of(folder: Path, registers: int, adapter: Path | None, pooling: str, preprocessing: str) -> str:
    """Hash over all that makes an embedding: weights, architecture, adapter, pooling, preprocessing.

    Raises WrongCheckpoint for a file that is missing or cut short.
    """
    config = _read_config(folder, registers).to_diff_dict()
    config.pop("transformers_version", None)
    parts: list[Any] = [_digest(folder / WEIGHTS), config, pooling, preprocessing]
    if adapter is not None:
        parts += [_digest(adapter / ADAPTER_WEIGHTS), json.loads((adapter / ADAPTER_CONFIG).read_text())]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _read_config(folder: Path, registers: int) -> Any:
    kind = Dinov2WithRegistersConfig if registers else Dinov2Config
    return kind.from_pretrained(folder, local_files_only=True)


def _merged(network: nn.Module, adapter: Path) -> nn.Module:
    """The network with a LoRA adapter added into its weights, every tensor of which has found its place.

    peft loads an adapter whose names do not match in part or not at all, and says nothing.
    """
    from peft import PeftModel, get_peft_model_state_dict

    check_whole(adapter / ADAPTER_WEIGHTS)
    try:
        with safe_open(adapter / ADAPTER_WEIGHTS, "numpy") as file:
            stated = set(file.keys())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft's words to itself
            adapted: Any = PeftModel.from_pretrained(network, str(adapter))
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise WrongCheckpoint(f"the adapter in {adapter} does not fit the network it names ({error})") from error
    if odd := sorted(stated ^ set(get_peft_model_state_dict(adapted, save_embedding_layers=False))):
        raise WrongCheckpoint(
            f"the adapter in {adapter} does not fit the network it names: {len(odd)} tensors have no counterpart, "
            f"such as {odd[0]}"
        )
    return adapted.merge_and_unload()


def _digest(file: Path) -> str:
    check_whole(file)
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
