"""The number format that a network runs in: the fastest here that keeps its embeddings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ml.models.choice import this_machine
from ml.models.fused import FusedEncoder

MIN_COSINE = 0.999
"""bfloat16 measured 0.9999 on small, base and large; a network that strays further is run in a finer format."""

Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Running:
    """A network ready to run: pixels `[n, 3, h, w]` of `dtype` on `device` to tokens `[n, tokens, width]`."""

    encode: Encode
    device: torch.device
    dtype: torch.dtype
    batch_size: int

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} on {self.device.type}"


def prepare(network: nn.Module, side: int, patch: int) -> Running:
    """The network in the fastest format whose CLS tokens stay within MIN_COSINE of float32's on sample pictures.

    The network itself is float32 and is not changed; where no other format passes, it is what runs.
    """
    machine = this_machine()
    device = torch.device(machine.kind)
    network = network.to(device)
    batch_size = 8 if machine.kind == "cpu" else 64
    tokens = batch_size * ((side // patch) ** 2 + 1)
    samples = _samples(side, device)
    with torch.inference_mode():
        exact = _plain(network)(samples)[:, 0]
        for dtype in _formats(machine.kind, has_bfloat16=machine.has_bfloat16):
            encode = _fused(network, dtype, tokens)
            if encode is not None and _agrees(encode(samples.to(dtype))[:, 0], exact):
                return Running(encode, device, dtype, batch_size)
    return Running(_plain(network), device, torch.float32, batch_size)


def _formats(kind: str, *, has_bfloat16: bool) -> Iterator[torch.dtype]:
    if has_bfloat16:
        yield torch.bfloat16
    elif kind != "cpu":
        yield torch.float16
    yield torch.float32


def _fused(network: nn.Module, dtype: torch.dtype, tokens: int) -> Encode | None:
    try:
        return FusedEncoder(network, dtype, tokens)
    except (ValueError, AttributeError):  # a network of another make than DINOv2's
        return None


def _plain(network: nn.Module) -> Encode:
    return lambda pixels: network(pixel_values=pixels).last_hidden_state


def _agrees(ours: Tensor, exact: Tensor) -> bool:
    cosines = torch.nn.functional.cosine_similarity(ours.float(), exact.float(), dim=1)
    return bool((cosines >= MIN_COSINE).all())


def _samples(side: int, device: torch.device) -> Tensor:
    """Two pictures to measure by, already normalised: one of a photograph's spectrum (1/f), one of flat areas."""
    random = np.random.default_rng(0)
    rows, columns = (np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    falloff = 1 / np.maximum(np.hypot(rows, columns), 1 / side)
    photo = np.fft.ifft2(np.fft.fft2(random.standard_normal((3, side, side))) * falloff).real
    coarse = random.uniform(-2, 2, (3, 4, 4))
    flat = np.kron(coarse, np.ones((1, side // 4 + 1, side // 4 + 1)))[:, :side, :side]
    pictures = np.stack([photo / photo.std(), flat]).astype(np.float32)
    return torch.from_numpy(pictures).to(device)
