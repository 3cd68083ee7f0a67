"""DINOv2 through transformers: CLS embeddings, in bfloat16 where the processor has it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from transformers import Dinov2Config, Dinov2Model
from transformers.utils import logging

from ml.models.model import ModelSpec, WrongCheckpoint
from ml.models.preprocess import CentreCrop, read_preprocess

WEIGHTS = "model.safetensors"
POOLING = "cls"
MIN_COSINE = 0.999  # bfloat16 measured 0.9999 on small, base and large; a network that strays stays in float32


class Dinov2:
    """One DINOv2 network on the CPU, for inference."""

    def __init__(self, network: Dinov2Model, spec: ModelSpec, preprocess: CentreCrop, identity: str) -> None:
        self.spec = spec
        self.preprocess = preprocess
        self.identity = identity
        self.dim = spec.dim
        self._network = network

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in."""
        return self._network.dtype

    def forward(self, batch: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Inputs float32 `[3, h, w]` to CLS tokens after the last layer norm, `[n, dim]`, not normalised."""
        pixels = torch.from_numpy(np.stack(batch)).to(self._network.dtype)
        with torch.inference_mode():
            return self._network(pixel_values=pixels).pooler_output.float().numpy()


def load(folder: Path, spec: ModelSpec) -> Dinov2:
    """The network in a folder of the hub's format, in the fastest number format that keeps the embeddings.

    Raises WrongCheckpoint for another architecture, for missing weights and for a damaged file.
    """
    stated = read_spec(folder)
    if stated.dim != spec.dim:
        raise WrongCheckpoint(f"{folder} holds embeddings of {stated.dim} numbers; {spec.name} has {spec.dim}")
    preprocess = read_preprocess(folder)
    network = _read_network(folder)
    model = Dinov2(network, spec, preprocess, _identity(folder, preprocess))
    if _has_bfloat16():
        _use_bfloat16(model, network)
    return model


def read_spec(folder: Path) -> ModelSpec:
    """The card of a local checkpoint, from its configuration. Raises WrongCheckpoint."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        if config["model_type"] != "dinov2":
            raise WrongCheckpoint(f"{folder} holds a {config['model_type']} model; dinov2 is needed")
        dim, patch = int(config["hidden_size"]), int(config["patch_size"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongCheckpoint(f"{folder / 'config.json'} cannot be read as a model's: {error!r}") from error
    weights = folder / WEIGHTS
    return ModelSpec(
        name=folder.name,
        title=f"DINOv2 in {folder.name}",
        hub_id=None,
        dim=dim,
        patch=patch,
        input_size=read_preprocess(folder).crop,
        pooling=POOLING,
        licence="as stated by its authors",
        size_bytes=weights.stat().st_size if weights.is_file() else 0,
    )


def _read_network(folder: Path) -> Dinov2Model:
    if not (folder / WEIGHTS).is_file():
        raise WrongCheckpoint(f"{folder} has no {WEIGHTS}: no other format is read")
    logging.disable_progress_bar()
    config = Dinov2Config.from_pretrained(folder, local_files_only=True)
    try:
        loaded: Any = Dinov2Model.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
            attn_implementation="sdpa",
        )
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise WrongCheckpoint(f"{folder / WEIGHTS} is damaged or cut short; fetch it again ({error})") from error
    network: Dinov2Model = loaded[0]
    if missing := sorted(loaded[1]["missing_keys"]):
        raise WrongCheckpoint(f"{folder / WEIGHTS} lacks {len(missing)} weights of DINOv2, such as {missing[0]}")
    return network.eval().requires_grad_(False)


def _identity(folder: Path, preprocess: CentreCrop) -> str:
    """Hash over all that makes an embedding: weights, architecture, pooling, preprocessing."""
    with (folder / WEIGHTS).open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    config = Dinov2Config.from_pretrained(folder, local_files_only=True).to_diff_dict()
    config.pop("transformers_version", None)
    stated = json.dumps([weights, config, POOLING, repr(preprocess)], sort_keys=True, default=str)
    return hashlib.sha256(stated.encode()).hexdigest()


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it is slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def _use_bfloat16(model: Dinov2, network: Dinov2Model) -> None:
    """Turn the network to bfloat16, unless its embeddings of two pictures move."""
    side = model.preprocess.crop
    noise = np.random.default_rng(0).standard_normal((3, side, side), dtype=np.float32)
    ramp = np.broadcast_to(np.linspace(-2, 2, side, dtype=np.float32), (3, side, side))
    exact = model.forward([noise, ramp])
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    torch.nn.Module.to(network, torch.bfloat16)
    rounded = model.forward([noise, ramp])
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded, axis=1)
    if not np.all((exact * rounded).sum(axis=1) >= MIN_COSINE * norms):
        torch.nn.Module.to(network, torch.float32)
        network.load_state_dict(weights)
