"""Shared means of drawing: colours mixed in Oklab, noise fields, soft shapes, glow and the last finish.

A canvas is a float32 array [height, width, 3] of sRGB values in 0..1; a mask is float32 [height, width] in
0..1; a palette is float32 [n, 3]. Lengths are in pixels of the finished picture.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Array = NDArray[np.floating[Any]]
Rng = np.random.Generator
Cell = float | tuple[float, float]

LUT_SIZE = 2048
GRAIN_SIDE = 331

# Björn Ottosson, "A perceptual color space for image processing" (2020): linear sRGB -> LMS -> Oklab.
TO_LMS = np.array(
    [[0.4122215, 0.5363325, 0.0514460], [0.2119035, 0.6806995, 0.1073970], [0.0883025, 0.2817188, 0.6299787]]
)
TO_LAB = np.array(
    [
        [0.2104543, 0.7936178, -0.0040720],
        [1.9779985, -2.4285922, 0.4505937],
        [0.0259040, 0.7827718, -0.8086758],
    ]
)
FROM_LAB, FROM_LMS = np.linalg.inv(TO_LAB).T, np.linalg.inv(TO_LMS).T


def palette(colours: str) -> Array:
    """Hex colours, parted by spaces, as a palette: "0b1d3a e8b04a" -> [2, 3]."""
    values = [[int(colour[at : at + 2], 16) for at in (0, 2, 4)] for colour in colours.split()]
    return np.asarray(values, np.float32) / 255


def to_oklab(srgb: Array) -> Array:
    """sRGB [n, 3] -> Oklab [n, 3]."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return (np.cbrt(linear @ TO_LMS.T) @ TO_LAB.T).astype(np.float32)


def from_oklab(lab: Array) -> Array:
    """Oklab [n, 3] -> sRGB [n, 3], clipped to the gamut."""
    linear = np.clip((lab @ FROM_LAB) ** 3 @ FROM_LMS, 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return srgb.astype(np.float32)


def vary(rng: Rng, colours: Array, hue: float = 10, light: float = 0.02) -> Array:
    """The palette turned by up to `hue` degrees and lightened or darkened, all colours alike."""
    lab = to_oklab(colours)
    turn = math.radians(rng.uniform(-hue, hue))
    a, b = lab[:, 1].copy(), lab[:, 2].copy()
    lab[:, 1] = a * math.cos(turn) - b * math.sin(turn)
    lab[:, 2] = a * math.sin(turn) + b * math.cos(turn)
    lab[:, 0] += rng.uniform(-light, light)
    return from_oklab(lab)


def pick(rng: Rng, palettes: tuple[str, ...], hue: float = 8) -> Array:
    """One of the palettes, slightly varied."""
    return vary(rng, palette(palettes[int(rng.integers(len(palettes)))]), hue)


def ramp(colours: Array, at: Array, stops: tuple[float, ...] | None = None) -> Array:
    """Colours [..., 3] at the places `at` (0..1) of a gradient through the palette, mixed in Oklab."""
    lab = to_oklab(colours)
    ends = np.linspace(0, 1, len(lab)) if stops is None else np.asarray(stops)
    steps = np.linspace(0, 1, LUT_SIZE)
    table = from_oklab(np.stack([np.interp(steps, ends, lab[:, c]) for c in range(3)], axis=1))
    return table.take((np.clip(at, 0, 1) * (LUT_SIZE - 1)).astype(np.intp), axis=0)


def mix(first: Array, second: Array, share: float) -> Array:
    """One colour [3] between two, mixed in sRGB: it is asked for thousands of times in a picture."""
    return first + (second - first) * np.float32(share)


def axes(width: int, height: int) -> tuple[Array, Array]:
    """Pixel centres: x [1, width] and y [height, 1]."""
    return np.arange(width, dtype=np.float32)[None] + 0.5, np.arange(height, dtype=np.float32)[:, None] + 0.5


def distance(across: Array, down: Array) -> Array:
    """Lengths of vectors; six times as fast as np.hypot, whose care for overflow is not needed here."""
    return np.sqrt(across * across + down * down)


def resize(field: Array, width: int, height: int) -> Array:
    """A field [h, w] at another size, by cubic interpolation."""
    return np.asarray(Image.fromarray(np.asarray(field, np.float32)).resize((width, height), Image.Resampling.BICUBIC))


def noise(rng: Rng, width: int, height: int, cell: Cell, octaves: int = 4, gain: float = 0.5) -> Array:
    """Fractal value noise [height, width], stretched to 0..1; `cell` is the size of its largest features.

    Each octave is laid over the enlarged one before it, so that the whole costs little more than the last.
    """
    cell_x, cell_y = cell if isinstance(cell, tuple) else (cell, cell)
    field = np.zeros((1, 1), np.float32)
    for octave in range(octaves):
        columns = min(width, math.ceil(width * 2**octave / cell_x) + 2)
        rows = min(height, math.ceil(height * 2**octave / cell_y) + 2)
        field = resize(field, columns, rows) + rng.random((rows, columns), np.float32) * gain**octave
    field = resize(field, width, height)
    low, high = float(field.min()), float(field.max())
    return (field - low) / max(high - low, 1e-6)


def profile(rng: Rng, width: int, cell: float, octaves: int = 4, gain: float = 0.5) -> Array:
    """Fractal noise along a line [width], 0..1."""
    return noise(rng, width, 1, cell, octaves, gain)[0]


def smoothstep(low: float, high: float, at: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between (low may exceed high)."""
    share = np.clip((at - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def blur(mask: Array, radius: float) -> Array:
    """A mask blurred by a Gaussian; wide ones are made on a reduced copy."""
    height, width = mask.shape
    image = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    factor = max(1, int(radius / 3))
    image = image.reduce(factor).filter(ImageFilter.GaussianBlur(radius / factor))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255


def shifted(mask: Array, right: int, below: int) -> Array:
    """The mask moved to the right and down, its edges drawn out."""
    return np.pad(mask, ((below, 0), (right, 0)), mode="edge")[: mask.shape[0], : mask.shape[1]]


def halo(width: int, height: int, x: float, y: float, radius: float, aspect: float = 1) -> Array:
    """A round Gaussian glow as a mask; `aspect` widens it."""
    across, down = axes(width, height)
    return np.exp(-(((across - x) / (radius * aspect)) ** 2)) * np.exp(-(((down - y) / radius) ** 2))


def disc(width: int, height: int, x: float, y: float, radius: float, soft: float = 1) -> Array:
    """A filled circle as a mask with an edge `soft` pixels wide."""
    across, down = axes(width, height)
    return np.clip((radius - distance(across - x, down - y)) / soft + 0.5, 0, 1)


# One channel at a time: numpy is several times slower where a mask is broadcast over the three colours.


def lay(canvas: Array, colour: Array, mask: Array) -> None:
    """Covers the canvas by a colour ([3] or [h, w, 3]) where the mask says so, in place."""
    for channel in range(3):
        plane = canvas[..., channel]
        plane += (colour[..., channel] - plane) * mask


def shine(canvas: Array, colour: Array, mask: Array) -> None:
    """Adds light ("screen"): never beyond white, in place."""
    for channel in range(3):
        plane = canvas[..., channel]
        plane += (1 - plane) * np.clip(mask * colour[..., channel], 0, 1)


def dim(canvas: Array, factor: Array) -> None:
    """Multiplies the canvas by a factor [h, w], in place."""
    for channel in range(3):
        canvas[..., channel] *= factor


def bloom(canvas: Array, threshold: float, radius: float, strength: float) -> None:
    """Lets what is brighter than the threshold glow over its surroundings, in place."""
    height, width = canvas.shape[:2]
    bright = np.clip((canvas - threshold) / (1 - threshold), 0, 1)
    image = Image.fromarray((bright * 255).astype(np.uint8)).reduce(4)
    soft = image.filter(ImageFilter.GaussianBlur(radius / 4)).resize((width, height), Image.Resampling.BILINEAR)
    canvas += (1 - canvas) * (np.asarray(soft, np.float32) * (strength / 255)).clip(0, 1)


def finish(canvas: Array, rng: Rng, grain: float = 0.012, vignette: float = 0.16) -> Image.Image:
    """The canvas as an RGB image, with darker corners and a film's grain (which also hides banding)."""
    height, width = canvas.shape[:2]
    across, down = axes(width, height)
    corner = ((across / width * 2 - 1) ** 2 + (down / height * 2 - 1) ** 2) * 0.5
    light = 1 - vignette * corner * np.sqrt(corner)
    tile = rng.standard_normal((GRAIN_SIDE, GRAIN_SIDE), np.float32) * (grain * 255)
    film = np.tile(tile, (height // GRAIN_SIDE + 1, width // GRAIN_SIDE + 1))[:height, :width]
    pixels = np.empty((height, width, 3), np.uint8)
    for channel in range(3):
        pixels[..., channel] = np.clip(canvas[..., channel] * (light * 255) + film + 0.5, 0, 255)
    return Image.fromarray(pixels)
