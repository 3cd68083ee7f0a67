"""DINO's changes of colour and sharpness, over a whole batch of crops at once, on torch.

torchvision has no build for every processor that this runs on; each change keeps its definition there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.4, 0.4, 0.2, 0.1
JITTER_SHARE, GREY_SHARE = 0.8, 0.2
BLUR_SIGMA = (0.1, 2.0)
"""In pixels of a crop of 224; of smaller pictures it is less in proportion."""
BLUR_RADIUS = 6  # three deviations of the strongest blur
SOLARIZE_FROM = 0.5


@dataclass(frozen=True, slots=True)
class Changes:
    """How often a kind of crop is blurred and solarized; the paper's (its code's DataAugmentationDINO)."""

    blur: float
    solarize: float = 0.0


FIRST_GLOBAL = Changes(blur=1.0)
SECOND_GLOBAL = Changes(blur=0.1, solarize=0.2)
LOCAL = Changes(blur=0.5)


def change(crops: Tensor, kind: Changes, sharpness: float, random: np.random.Generator) -> Tensor:
    """Crops `[n, 3, h, w]`, values 0 to 1, each changed by its own draws from `random`; a new tensor.

    `sharpness` is the global crops' size / 224: what a blur's sigma is multiplied with.
    """
    n = len(crops)
    crops = _jittered(crops.clone(), _chosen(n, JITTER_SHARE, random), random)
    grey = _chosen(n, GREY_SHARE, random)
    crops[grey] = _grey(crops[grey]).expand(-1, 3, -1, -1)
    blurred = _chosen(n, kind.blur, random)
    sigmas = torch.from_numpy(random.uniform(*BLUR_SIGMA, n)).float()[blurred] * sharpness
    if len(blurred):
        crops[blurred] = blur(crops[blurred], sigmas)
    solarized = _chosen(n, kind.solarize, random)
    crops[solarized] = solarize(crops[solarized])
    return crops


def brightness(crops: Tensor, factors: Tensor) -> Tensor:
    """Each crop times its factor."""
    return (crops * _each(factors, crops)).clamp(0, 1)


def contrast(crops: Tensor, factors: Tensor) -> Tensor:
    """Each crop away from its mean lightness by its factor."""
    mean = _grey(crops).mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(mean.expand_as(crops), crops, _each(factors, crops)).clamp(0, 1)


def saturation(crops: Tensor, factors: Tensor) -> Tensor:
    """Each crop away from its own grey by its factor."""
    return torch.lerp(_grey(crops).expand_as(crops), crops, _each(factors, crops)).clamp(0, 1)


def hue(crops: Tensor, turns: Tensor) -> Tensor:
    """Each crop's hue turned by a share of the whole circle, its value and saturation kept (HSV)."""
    highest, which = crops.max(dim=1)
    lowest = crops.min(dim=1).values
    chroma = (highest - lowest).clamp_min(1e-8)
    red, green, blue = crops.unbind(1)
    sectors = torch.stack([(green - blue) / chroma % 6, (blue - red) / chroma + 2, (red - green) / chroma + 4])
    sector = sectors.gather(0, which[None])[0] + 6 * turns.to(crops)[:, None, None]
    # Value less chroma times how far each channel is from its own third of the circle (Smith 1978, by formula).
    offsets = torch.tensor([5.0, 3.0, 1.0], device=crops.device).view(1, 3, 1, 1)
    k = (offsets + sector[:, None]) % 6
    part = torch.minimum(k, 4 - k).clamp(0, 1)
    return highest[:, None] - (highest - lowest)[:, None] * part


def blur(crops: Tensor, sigmas: Tensor) -> Tensor:
    """Each crop by a Gaussian of its own deviation in pixels, the edge mirrored."""
    n, channels, height, width = crops.shape
    radius = min(BLUR_RADIUS, height - 1, width - 1)
    places = torch.arange(-radius, radius + 1, device=crops.device, dtype=crops.dtype)
    weights = torch.exp(-(places**2) / (2 * sigmas.to(crops)[:, None] ** 2))
    weights = (weights / weights.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)[:, None]
    flat = functional.pad(crops.reshape(1, n * channels, height, width), [radius] * 4, mode="reflect")
    flat = functional.conv2d(flat, weights[:, :, :, None], groups=n * channels)
    return functional.conv2d(flat, weights[:, :, None], groups=n * channels).view_as(crops)


def solarize(crops: Tensor) -> Tensor:
    """Values from the middle on inverted."""
    return torch.where(crops >= SOLARIZE_FROM, 1 - crops, crops)


def _jittered(crops: Tensor, chosen: Tensor, random: np.random.Generator) -> Tensor:
    """Brightness, contrast, saturation and hue, in an order of each crop's own."""
    n = len(crops)
    orders = torch.from_numpy(random.permuted(np.tile(np.arange(4), (n, 1)), axis=1))
    draws = [1 + random.uniform(-by, by, n) for by in (BRIGHTNESS, CONTRAST, SATURATION)]
    draws.append(random.uniform(-HUE, HUE, n))
    changes: tuple[Any, ...] = (brightness, contrast, saturation, hue)
    for place in range(4):
        for which, (apply, amounts) in enumerate(zip(changes, draws, strict=True)):
            rows = chosen[orders[chosen, place] == which]
            if len(rows):
                crops[rows] = apply(crops[rows], torch.from_numpy(amounts).float()[rows])
    return crops


def _chosen(n: int, share: float, random: np.random.Generator) -> Tensor:
    return torch.from_numpy(np.flatnonzero(random.random(n) < share))


def _grey(crops: Tensor) -> Tensor:
    """`[n, 1, h, w]`"""
    weights = torch.tensor(LUMA, device=crops.device, dtype=crops.dtype).view(1, 3, 1, 1)
    return (crops * weights).sum(dim=1, keepdim=True)


def _each(values: Tensor, crops: Tensor) -> Tensor:
    return values.to(crops).view(-1, 1, 1, 1)
