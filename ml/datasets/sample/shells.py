"""Shells: a nautilus, an ammonite or a scallop on sand or slate."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    blur,
    dim,
    distance,
    lay,
    noise,
    pick,
    ramp,
    shifted,
    smoothstep,
)
from ml.datasets.sample.family import Picture

SHELLS = (
    "e8d9c0 f6e3cc d99c74 9c5c48 5a332f",
    "2b4450 f3e6d8 d8a99a 9a6a72 4a3848",
    "d5dcd6 fbf1e4 e3bfa0 b0806a 5e4640",
    "233038 efe0c8 c79a68 7f5238 3c2820",
    "ead2cb fdf0ea e8b4b0 b87c8c 6a4a64",
    "c9d6dc f7f2e8 bcc2c4 7c8c9c 3f4c60",
)


def draw_shell(rng: Rng, width: int, height: int) -> Picture:
    """A shell on sand or slate: a nautilus (logarithmic spiral), an ammonite or a scallop."""
    colours = pick(rng, SHELLS, 8)
    unit = min(width, height)
    x, y = width * rng.uniform(0.46, 0.54), height * rng.uniform(0.46, 0.54)
    across, down = axes(width, height)
    ground = noise(rng, width, height, unit * 0.5, 7, 0.62)
    canvas = (colours[0] * (0.86 + 0.24 * ground)[..., None]).astype(np.float32)
    flip, turn = rng.choice([-1, 1]), rng.uniform(0, 6.3)
    dx, dy = (across - x) * flip, down - y
    kind = int(rng.integers(3))
    draw = (_nautilus, _ammonite, _scallop)[kind]
    level, mask = draw(rng, dx / (unit * 0.43), dy / (unit * 0.43), turn)
    shadow = shifted(blur(mask, unit * 0.03), int(unit * 0.03), int(unit * 0.03))
    dim(canvas, 1 - 0.5 * shadow)
    lay(canvas, ramp(colours[1:], level + 0.12 * (ground - 0.5)), mask)
    name = ("A nautilus cut open", "An ammonite", "A scallop shell")[kind]
    return Picture(canvas, f"{name} on {'slate' if colours[0].mean() < 0.5 else 'sand'}", ("shell", "spiral"))


def _spiral(x: Array, y: Array, turn: float, growth: float) -> tuple[Array, Array, Array]:
    """Of each pixel: the place across its winding (0..1), the angle along the spiral, and the shell's mask.

    The spiral grows by exp(growth) a turn and ends at a radius of about 1.
    """
    radius, angle = distance(x, y) * np.exp(growth * 0.97) + 1e-4, (np.arctan2(y, x) + turn) % (2 * np.pi)
    wind = -np.log(radius) / growth + angle / (2 * np.pi)
    whole = np.floor(wind)
    return wind - whole, angle - 2 * np.pi * whole, smoothstep(0.0, 0.012, wind).astype(np.float32)


def _nautilus(rng: Rng, x: Array, y: Array, turn: float) -> tuple[Array, Array]:
    place, angle, mask = _spiral(x, y, turn, rng.uniform(0.95, 1.1))
    chamber = (angle - 0.55 * np.sin(np.pi * place)) * int(rng.integers(13, 18)) / (2 * np.pi)
    cell = chamber - np.floor(chamber)
    open_room = smoothstep(0.03, 0.08, place) * smoothstep(0.97, 0.9, place)
    open_room *= smoothstep(0.0, 0.07, cell) * smoothstep(1.0, 0.93, cell)
    room = 0.92 - 0.6 * cell - 0.15 * np.sin(np.pi * place)
    wall = 0.05 + 0.2 * place
    return (wall + (room - wall) * open_room).astype(np.float32), mask


def _ammonite(rng: Rng, x: Array, y: Array, turn: float) -> tuple[Array, Array]:
    place, angle, mask = _spiral(x, y, turn, rng.uniform(0.42, 0.6))
    ribs = 0.5 + 0.5 * np.sin((angle + 0.25 * np.sin(np.pi * place)) * int(rng.integers(22, 36)))
    tube = np.sin(np.pi * place)
    light = (x * 0.6 + y * 0.7) / (distance(x, y) + 1e-3) * (0.5 - place)
    return (0.95 - 0.55 * tube**0.6 - 0.28 * ribs * tube + 0.3 * light).astype(np.float32), mask


def _scallop(rng: Rng, x: Array, y: Array, turn: float) -> tuple[Array, Array]:
    lean = (turn - 3.15) * 0.12
    x, y = x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean) + 0.1
    foot = 0.8 - y
    angle, radius = np.arctan2(x, foot), distance(x, foot)
    count = int(rng.integers(9, 15))
    ribs = np.cos(angle * count * 2)
    outer = 1.55 * np.sqrt(np.clip(np.cos(angle * 1.25), 0, 1)) + 0.025 * ribs
    bands = 0.5 + 0.5 * np.sin(radius * rng.uniform(18, 34) + noise(rng, x.shape[1], x.shape[0], 160, 3) * 4)
    level = 0.1 + 0.5 * (radius / 1.6) ** 2 * bands + 0.22 * (0.5 - 0.5 * ribs) + 0.25 * smoothstep(0.5, 0.0, radius)
    mask = smoothstep(0.0, 0.012, outer - radius) * (np.abs(angle) < 1.1)
    return level.astype(np.float32), mask.astype(np.float32)
