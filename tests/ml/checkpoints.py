"""Small DINOv2 networks and adapters in the hub's and peft's own formats, and what transformers makes of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.utils import logging

Array = NDArray[np.float32]

KINDS = ("plain", "registers", "swiglu")
POOLINGS = ("cls", "mean", "cls+mean")
WIDTH = 64
PATCH = 14
REGISTERS = 3  # the hub's networks have four: the number comes from the files
LORA_TARGETS = ["q_proj", "k_proj", "v_proj", "fc1", "fc2"]
SHAPES = ((64, 64), (200, 100), (99, 301), (640, 425), (31, 20), (1, 1), (5, 900))


def make_network(
    folder: Path, kind: str = "plain", *, width: int = WIDTH, crop: int = 56, gain: float = 0.85, **config: Any
) -> Path:
    """A network of random weights under which pictures differ, with a processor that crops to `crop` pixels.

    Its position embeddings are of 5 x 5 patches, so that they are interpolated, as those of the hub's are. With
    a higher `gain` it is wilder: small errors in the numbers grow through its layers.
    """
    logging.disable_progress_bar()
    stated: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "mlp_ratio": 2,
        "image_size": 5 * PATCH,
        "patch_size": PATCH,
        **config,
    }
    if kind == "registers":
        network: Any = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(num_register_tokens=REGISTERS, **stated))
    else:
        network = Dinov2Model(Dinov2Config(use_swiglu_ffn=kind == "swiglu", **stated))
    _randomise(network, gain)
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor_config(crop * 8 // 7, crop)))
    return folder


def make_adapter(folder: Path, base: Path, **config: Any) -> Path:
    """LoRA weights for the network in `base`, as peft saves them, strong enough to move its embeddings."""
    network = Dinov2Model.from_pretrained(base)
    adapted: Any = get_peft_model(network, LoraConfig(r=4, lora_alpha=8, target_modules=LORA_TARGETS, **config))
    generator = torch.Generator().manual_seed(7)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.copy_(0.05 * torch.randn(parameter.shape, generator=generator))
    adapted.save_pretrained(folder)
    return folder


def edit_json(file: Path, **changed: Any) -> None:
    """Replace some of the values that a configuration states."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))


def processor_config(resize: int, crop: int) -> dict[str, Any]:
    """What the hub states beside DINOv2's weights."""
    return {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": resize},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": crop, "width": crop},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }


def pictures() -> list[Image.Image]:
    """A different picture of each shape."""
    random = np.random.default_rng(0)
    coarse = [random.integers(0, 256, (6, 7, 3), np.uint8) for _ in SHAPES]
    return [
        Image.fromarray(pixels).resize(shape, Image.Resampling.BICUBIC)
        for pixels, shape in zip(coarse, SHAPES, strict=True)
    ]


def cosines(first: Array, second: Array) -> Array:
    """Between the rows of the one and those of the other."""
    return (unit(first) * unit(second)).sum(axis=-1)


def unit(rows: Array) -> Array:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


class Reference:
    """Transformers' own processor and network, or a network in its place; its results are normalised."""

    def __init__(self, folder: Path, network: Any = None) -> None:
        registers = json.loads((folder / "config.json").read_text()).get("num_register_tokens", 0)
        architecture: Any = Dinov2WithRegistersModel if registers else Dinov2Model
        self._network = (network or architecture.from_pretrained(folder)).eval()
        self._processor: Any = BitImageProcessorPil.from_pretrained(folder)
        self._first_patch = 1 + registers

    def embed(self, image: Image.Image, pooling: str = "cls") -> Array:
        """What the hub's model card tells to do."""
        return self._pool(self._tokens(self._processor(images=image, return_tensors="pt")), pooling)

    def embed_pixels(self, pixels: NDArray[np.uint8], pooling: str = "cls") -> Array:
        """`[h, w, 3]` in the size that it has."""
        return self._pool(self._tokens(self._as_it_is(pixels)), pooling)

    def patch_tokens(self, pixels: NDArray[np.uint8]) -> Array:
        """Of `[h, w, 3]` in the size that it has, `[patches, width]`."""
        return unit(self._tokens(self._as_it_is(pixels))[self._first_patch :])

    def _as_it_is(self, pixels: NDArray[np.uint8]) -> Any:
        picture = Image.fromarray(pixels)
        return self._processor(images=picture, do_resize=False, do_center_crop=False, return_tensors="pt")

    def _tokens(self, processed: Any) -> Array:
        with torch.inference_mode():
            return self._network(pixel_values=processed["pixel_values"]).last_hidden_state[0].numpy()

    def _pool(self, tokens: Array, pooling: str) -> Array:
        cls, mean = tokens[0], tokens[self._first_patch :].mean(axis=0)
        return unit({"cls": cls, "mean": mean, "cls+mean": np.concatenate([cls, mean])}[pooling])


def _randomise(network: Any, gain: float) -> None:
    """Give every weight, bias and scale a part in the result."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in network.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "lambda1" in name or ("norm" in name and name.endswith("weight")):
            value = 0.3 + torch.rand(parameter.shape, generator=generator)
        elif name.endswith("bias"):
            value = 0.1 * noise
        elif "projection" in name:
            value = noise / parameter[0].numel() ** 0.5
        elif parameter.ndim == 2 and not name.endswith("token"):
            value = gain * noise / parameter.shape[1] ** 0.5
        else:  # tokens and position embeddings
            value = 0.5 * noise
        parameter.data.copy_(value)
