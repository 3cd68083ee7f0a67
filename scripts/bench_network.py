"""The network alone: ours against transformers' own forward pass in float32; and its share of a GPU's peak."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.models.registry import load_model
from scripts.bench_inputs import CROP, PATCH, SIZES, draw_jpeg
from scripts.bench_machine import Times, take_turns

MATRIX = 8192  # large enough that a GPU reaches its best


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """Pictures a second, the best of the rounds; the least cosine between the two; the times of the rounds.

    `cpu_ratio` is the ratio by processor time: it holds on a busy machine too.
    """

    size: str
    batch: int
    threads: int
    runs_on: str
    ours_per_s: float
    reference_per_s: float
    ratio: float
    cpu_ratio: float
    min_cosine: float
    ours: Times
    reference: Times


@dataclass(frozen=True, slots=True)
class GpuRow:
    """Pictures a second, and the share of what a large matrix product reaches on the same device."""

    size: str
    batch: int
    runs_on: str
    per_s: float
    flops_per_s: float
    peak_flops_per_s: float
    share: float


def compare_networks(checkpoint: Path, batches: Sequence[int], threads: int, rounds: int) -> Iterator[NetworkRow]:
    """A row per batch size. Ours begins at uint8 pixels, the reference is given them normalised: its favour."""
    import torch
    from transformers import Dinov2Model

    torch.set_num_threads(threads)
    model = load_model(str(checkpoint), cache_dir=checkpoint)
    network: Any = Dinov2Model.from_pretrained(checkpoint, attn_implementation="sdpa").eval()

    def refer(pixels: Any) -> NDArray[np.float32]:
        with torch.inference_mode():
            return network(pixel_values=pixels).last_hidden_state[:, 0].numpy()

    for batch in batches:
        inputs = _inputs(batch)
        pixels = _normalised(inputs)
        min_cosine = _cosines(model.forward(inputs), refer(pixels)).min()  # and the first run of each, uncounted
        repeats = max(1, 8 // batch)  # a turn is never too short to be timed

        def ours(inputs: Sequence[NDArray[np.uint8]] = inputs, repeats: int = repeats) -> None:
            for _ in range(repeats):
                model.forward(inputs)

        def reference(pixels: Any = pixels, repeats: int = repeats) -> None:
            for _ in range(repeats):
                refer(pixels)

        times = take_turns({"ours": ours, "reference": reference}, rounds)
        best = {name: batch * repeats / min(taken.wall_s) for name, taken in times.items()}
        yield NetworkRow(
            size=checkpoint.name,
            batch=batch,
            threads=threads,
            runs_on=model.runs_on,
            ours_per_s=best["ours"],
            reference_per_s=best["reference"],
            ratio=best["ours"] / best["reference"],
            cpu_ratio=min(times["reference"].cpu_s) / min(times["ours"].cpu_s),
            min_cosine=float(min_cosine),
            ours=times["ours"],
            reference=times["reference"],
        )


def measure_gpu(checkpoint: Path, batch: int, rounds: int) -> GpuRow:
    """The network on the device that models run on here, and how much of it that uses."""
    import torch

    model = load_model(str(checkpoint), cache_dir=checkpoint)
    inputs = _inputs(batch)
    model.forward(inputs)
    seconds = min(take_turns({"ours": lambda: model.forward(inputs)}, rounds)["ours"].wall_s)
    flops_per_s = batch * flops(checkpoint.name) / seconds
    peak = matrix_flops_per_s(torch.device("cuda" if torch.cuda.is_available() else "cpu"), MATRIX)
    return GpuRow(checkpoint.name, batch, model.runs_on, batch / seconds, flops_per_s, peak, flops_per_s / peak)


def flops(size: str) -> float:
    """Floating-point operations of one picture, a multiplication and an addition being two; norms left out."""
    shape = SIZES[size]
    patches = (CROP // PATCH) ** 2
    tokens = patches + 1
    products = 2 * tokens * 12 * shape.width**2  # query, key, value, output: 4; the two of the MLP: 8
    attention = 2 * 2 * tokens**2 * shape.width
    return shape.layers * (products + attention) + 2 * patches * 3 * PATCH**2 * shape.width


def matrix_flops_per_s(device: Any, side: int) -> float:
    """What a large bfloat16 product of `side` x `side` matrices reaches on a device."""
    import torch

    matrix = torch.randn(side, side, device=device, dtype=torch.bfloat16)

    def multiply() -> None:
        for _ in range(10):
            torch.mm(matrix, matrix)
        if device.type == "cuda":
            torch.cuda.synchronize()

    multiply()
    return 10 * 2 * side**3 / min(take_turns({"product": multiply}, 3)["product"].wall_s)


def _inputs(batch: int) -> list[NDArray[np.uint8]]:
    """Different pictures, as the model's preprocessing gives them."""
    import io

    from PIL import Image

    return [np.asarray(Image.open(io.BytesIO(draw_jpeg((CROP, CROP), seed)))) for seed in range(batch)]


def _normalised(inputs: Sequence[NDArray[np.uint8]]) -> Any:
    """As the hub's processor gives them."""
    import torch

    from ml.models.preprocess import IMAGENET_MEAN, IMAGENET_STD

    pixels = (np.stack(inputs).astype(np.float32) / 255 - IMAGENET_MEAN) / IMAGENET_STD
    return torch.from_numpy(pixels.astype(np.float32).transpose(0, 3, 1, 2).copy())


def _cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    return (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
