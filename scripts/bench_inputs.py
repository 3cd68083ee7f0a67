"""What the benchmarks compute on: networks of DINOv2's sizes with random weights, photos, small pictures."""

import io
import json
import os
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

PROCESSOR = {
    "image_processor_type": "BitImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


@dataclass(frozen=True, slots=True)
class Size:
    """A network's width, layers and heads."""

    width: int
    layers: int
    heads: int


# DINOv2's own, and one that costs next to nothing.
SIZES = {"tiny": Size(64, 2, 4), "small": Size(384, 12, 6), "base": Size(768, 12, 12), "large": Size(1024, 24, 16)}
PATCH = 14
DRAWN = 8  # different photos, where there are no real ones
CROP = 224


@dataclass(frozen=True, slots=True)
class Pictures:
    """Files to embed, and where they are from, in words."""

    title: str
    files: list[Path]


def make_checkpoint(folder: Path, size: str) -> Path:
    """A checkpoint in the hub's format below `folder`, made once: real loading code reads it."""
    import torch
    from transformers import Dinov2Config, Dinov2Model
    from transformers.utils import logging

    made = folder / size
    if made.is_dir():
        return made
    logging.disable_progress_bar()
    torch.manual_seed(0)
    shape = SIZES[size]
    config = Dinov2Config(
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        image_size=518,
        patch_size=PATCH,
    )
    Dinov2Model(config).save_pretrained(made)
    (made / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return made


def photos(folder: Path, count: int) -> Pictures:
    """`count` JPEG photos: real ones from LIKENESS_TEST_DATA, each several times, else drawn ones."""
    real = _real("photos/*.jpg")
    if real:
        return Pictures(f"{len(real)} photos", list(islice(cycle(real), count)))
    drawn = [folder / f"photo{seed}.jpg" for seed in range(min(count, DRAWN))]
    for seed, file in enumerate(drawn):
        file.write_bytes(draw_jpeg((4000, 3000), seed))
    return Pictures("drawn photos, 12 megapixels", list(islice(cycle(drawn), count)))


def small_pictures(folder: Path, count: int) -> Pictures:
    """`count` pictures of 32 pixels: CIFAR-10's from LIKENESS_TEST_DATA, else drawn ones."""
    real = _real("cifar10/images/**/*.png")
    if real:
        return Pictures("CIFAR-10", list(islice(cycle(real), count)))
    drawn = [folder / f"small{seed}.png" for seed in range(32)]
    for seed, file in enumerate(drawn):
        _draw((32, 32), seed).save(file)
    return Pictures("drawn pictures, 32 px", list(islice(cycle(drawn), count)))


def draw_jpeg(size: tuple[int, int], seed: int) -> bytes:
    """Coarse shapes under fine grain: a JPEG as large as a camera's, about 2.5 bits a pixel."""
    buffer = io.BytesIO()
    _draw(size, seed).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _draw(size: tuple[int, int], seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grain = random.normal(0, 6, (size[1], size[0], 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8))


def _real(pattern: str) -> list[Path]:
    folder = os.environ.get("LIKENESS_TEST_DATA")
    return sorted(Path(folder).glob(pattern)) if folder else []
