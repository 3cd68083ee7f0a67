"""Ridges in fog and dunes: land in layers of air, and land as light and shadow."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    disc,
    halo,
    lay,
    mix,
    noise,
    palette,
    pick,
    profile,
    ramp,
    shine,
    smoothstep,
    vary,
)
from ml.datasets.sample.family import Picture

FOGS = (
    "f3e9dc c9cdd2 8fa3b5 4d6a83 1c3145",
    "fbe6cf eab99a c08079 7a4f66 2e2540",
    "eef1ea c0d3c8 83a79c 45705f 14332c",
    "f6eedd dcc9a2 b09a6e 73664a 322e24",
    "e9e4f2 bdb4d8 8a82b4 53508a 221f47",
    "f9e2dd e5b7b8 a98a9f 625d80 262b4a",
)
SANDS = (
    ("f9d9a0 e8aa5c b5673a 5a2f2f", "8fb3c9 e9dcc4"),
    ("f7cfae df8f63 a34f40 43222d", "6a6f9c f3bd98"),
    ("f5e6c8 d9bd8c 9d805c 4c4038", "a9c4cf f0ead8"),
    ("f3c0a0 c9735f 7f3d4c 2c1c36", "2c3560 d98f7f"),
    ("e9e2d6 bfb2a4 857a78 3c3b48", "7f90a6 dcd9d4"),
)


def draw_ridges(rng: Rng, width: int, height: int) -> Picture:
    """Mountain ridges one behind the other, each paler; the nearest wear trees."""
    colours = pick(rng, FOGS, 12)
    layers = int(rng.integers(5, 9))
    _, down = axes(width, height)
    first = rng.uniform(0.25, 0.42)
    canvas = ramp(np.stack([mix(colours[0], colours[2], 0.45), colours[0]]), down / height / (first + 0.2))
    canvas = canvas + np.zeros((1, width, 1), np.float32)
    sun = rng.random() < 0.55
    if sun:
        x, y = width * rng.choice([0.3, 0.68]), height * first * rng.uniform(0.4, 0.95)
        size = min(width, height) * rng.uniform(0.04, 0.08)
        shine(canvas, palette("fff4e2")[0], halo(width, height, x, y, size * 4) * 0.6)
        lay(canvas, palette("fffaf0")[0], disc(width, height, x, y, size, 2) * 0.9)
    for layer in range(layers):
        depth = layer / (layers - 1)
        _add_ridge(rng, canvas, colours, depth, first + (0.93 - first) * depth**1.15)
    caption = f"{'A pale sun above' if sun else 'Morning fog between'} {_number(layers)} ridges"
    return Picture(canvas, caption, ("mountains", "fog"))


def _number(value: int) -> str:
    return ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")[value]


def _add_ridge(rng: Rng, canvas: Array, colours: Array, depth: float, level: float) -> None:
    height, width = canvas.shape[:2]
    swing = height * (0.2 - 0.06 * depth)
    line = profile(rng, width, width * rng.uniform(0.45, 0.8), 7, 0.48)
    top = height * level - swing * (line - 0.35)
    if depth > 0.55:
        top = top - _trees(rng, width, height * 0.012 + height * 0.05 * (depth - 0.5))
    first = max(0, int(top.min()))
    _, down = axes(width, height)
    below = down[first:] - top[None]
    tone = ramp(colours, np.array([0.22 + 0.78 * depth], np.float32))[0]
    fog = mix(colours[0], tone, 0.12 + 0.5 * depth**2)
    fade = np.clip(below / (height * 0.3), 0, 1) ** 0.8
    veil = noise(rng, width, height - first, (width * 0.6, height * 0.12), 3) * 0.35
    shade = ramp(np.stack([tone, fog]), np.clip(fade * (0.8 + veil) - 0.04, 0, 1))
    lay(canvas[first:], shade, np.clip(below + 0.5, 0, 1))


def _trees(rng: Rng, width: int, tall: float) -> Array:
    """Heights of a tree line along x: the upper edge of many narrow spruces."""
    across = np.arange(width, dtype=np.float32)
    line = np.zeros(width, np.float32)
    for x, size in zip(rng.uniform(0, width, width // 5), rng.uniform(0.3, 1, width // 5), strict=True):
        near = slice(max(0, int(x - tall)), int(x + tall) + 1)
        line[near] = np.maximum(line[near], tall * size - np.abs(across[near] - x) * 3.2)
    return line


def draw_dunes(rng: Rng, width: int, height: int) -> Picture:
    """Dunes one behind the other, each with a bright and a dark side parted by a winding crest."""
    sand_name, sky_name = SANDS[int(rng.integers(len(SANDS)))]
    sand, sky = vary(rng, palette(sand_name), 6), palette(sky_name)
    horizon = height * rng.uniform(0.22, 0.42)
    _, down = axes(width, height)
    canvas = ramp(sky, down / (horizon * 1.1)) + np.zeros((1, width, 1), np.float32)
    side = float(rng.choice([-1, 1]))
    x, y = width * (0.5 - side * rng.uniform(0.15, 0.3)), horizon * rng.uniform(0.3, 0.8)
    size = min(width, height) * rng.uniform(0.03, 0.07)
    glow = palette("fff3dc")[0]
    shine(canvas, glow, halo(width, height, x, y, size * 5) * 0.5)
    lay(canvas, glow, disc(width, height, x, y, size, 2))
    layers = int(rng.integers(4, 8))
    place = rng.uniform(0, 1)
    for layer in range(layers):
        depth = (layer + 0.3) / layers
        place = (place + rng.uniform(0.3, 0.7)) % 1
        _add_dune(rng, canvas, (sand, sky[1]), depth, (place * width, horizon, side))
    return Picture(canvas, f"Evening light across {_number(layers)} dunes", ("desert", "land"))


def _add_dune(
    rng: Rng, canvas: Array, colours: tuple[Array, Array], depth: float, place: tuple[float, float, float]
) -> None:
    height, width = canvas.shape[:2]
    sand, air = colours
    peak, horizon, side = place
    across, down = axes(width, height)
    level = horizon + (height - horizon) * depth**1.3 * 0.85
    tall = height * (0.05 + 0.2 * depth) * rng.uniform(0.6, 1.2)
    reach = width * (0.35 + 0.5 * depth) * rng.uniform(0.8, 1.2)
    near = np.clip(1 - np.abs(across[0] - peak) / reach, 0, 1)
    sway = profile(rng, width, width * 0.7, 2) - 0.5
    crest = level - tall * (near**1.35 + 0.5 * sway)
    first = max(0, int(crest.min()))
    below = down[first:] - crest[None]
    fall = np.maximum(down[first:] - (level - tall), 0)
    wind = np.interp(fall[:, 0], np.linspace(0, height, 64), profile(rng, 64, 22, 2) - 0.5)[:, None]
    spine = peak + side * (fall * rng.uniform(0.3, 1.1) + wind * fall**0.8 * 3.2)
    soft = 1.5 + fall * 0.12
    dark = smoothstep(-0.5, 0.5, (across - spine) * side / soft).astype(np.float32)
    dark *= 1 - 0.55 * np.clip(fall / (height * 0.6), 0, 1)
    grain = noise(rng, width, len(below), (width * 0.5, height * 0.2), 3)
    waves = np.sin(np.sqrt(np.maximum(below, 0)) * 9 / (0.4 + depth) + grain * 16) * 0.05 * depth * (1 - dark)
    light = 0.06 + 0.3 * np.clip(below / (height * 0.5), 0, 1) + dark * 0.58 + waves + 0.08 * grain
    shade = ramp(sand, light)
    shade += (air - shade) * np.float32(0.55 * (1 - depth) ** 2)
    lay(canvas[first:], shade, np.clip(below + 0.5, 0, 1))
