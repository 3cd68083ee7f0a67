"""Planets: a ball lit from one side before stars, with rings and moons."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    distance,
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
)
from ml.datasets.sample.family import Picture

WORLDS = (
    "2b1a1a 7a4632 c98d5e ecd0a4 a8653f f4e6cc",
    "0d1f3a 23598a 6fa8c4 d8e8ea 3a7a9c f3f6f2",
    "1c1430 4f3a78 9a78b8 e2c4dc 6a5098 f5e6ee",
    "13241f 37624f 86a878 dfdcae 587f58 f2efd0",
    "2a1420 8a3040 d9694f f4b984 a8434a fbe3c4",
    "16181d 4b5058 8e9296 d5d3cc 64676c efeeea",
)


def draw_planet(rng: Rng, width: int, height: int) -> Picture:
    """A planet half in shadow before stars and a faint nebula; some wear a ring, some have moons."""
    colours = pick(rng, WORLDS, 16)
    canvas = _starfield(rng, width, height, colours)
    unit = min(width, height)
    radius = unit * rng.uniform(0.24, 0.4)
    x, y = width * rng.choice([0.4, 0.5, 0.62]), height * rng.uniform(0.42, 0.58)
    angle = rng.uniform(0, 2 * np.pi)
    sun = np.array([np.cos(angle) * 0.75, np.sin(angle) * 0.5, rng.uniform(0.35, 0.75)], np.float32)
    ringed = rng.random() < 0.45
    tilt, squash = rng.uniform(-0.6, 0.6), rng.uniform(0.12, 0.34)
    shine(canvas, colours[2], halo(width, height, x, y, radius * 1.35) * 0.35)
    ring = _ring(rng, width, height, (x, y, radius), (tilt, squash)) if ringed else None
    if ring is not None:
        lay(canvas, mix(colours[3], colours[5], 0.4), ring[0] * ring[1])
    _add_sphere(rng, canvas, (x, y, radius), colours, sun, bool(rng.random() < 0.6))
    if ring is not None:
        lay(canvas, mix(colours[3], colours[5], 0.4), ring[0] * (1 - ring[1]))
    moons = int(rng.integers(0, 3))
    for _ in range(moons):
        place = rng.uniform(0, 6.3)
        far = radius * rng.uniform(1.25, 1.7)
        spot = x + far * np.cos(place), y + far * np.sin(place) * 0.7, radius * rng.uniform(0.05, 0.14)
        _add_sphere(rng, canvas, spot, palette("2a2a2e 77757a b9b4ac e8e2d6 908c88 f4f0e8"), sun, False)
    kind = "A ringed planet" if ringed else "A planet half in shadow"
    told = ("", " with a moon", " with two moons")[moons]
    return Picture(canvas, f"{kind}{told} among stars", ("space", "night"))


def _starfield(rng: Rng, width: int, height: int, colours: Array) -> Array:
    cloud = noise(rng, width, height, max(width, height) * 0.6, 5, 0.6)
    deep = np.stack(
        [palette("04060d")[0], mix(colours[0], palette("060812")[0], 0.5), mix(colours[1], colours[0], 0.4)]
    )
    canvas = ramp(deep, smoothstep(0.35, 1.1, cloud))
    count = width * height // 500
    at = rng.integers(0, height, count), rng.integers(0, width, count)
    canvas[at] += rng.random((count, 1), np.float32) ** 4
    for _ in range(14):
        x, y = int(rng.integers(8, width - 8)), int(rng.integers(8, height - 8))
        spot = canvas[y - 8 : y + 9, x - 8 : x + 9]
        shine(spot, palette("fff6ea")[0], halo(spot.shape[1], spot.shape[0], 8.5, 8.5, rng.uniform(1.2, 2.8)))
    return canvas


def _ring(
    rng: Rng, width: int, height: int, at: tuple[float, float, float], lean: tuple[float, float]
) -> tuple[Array, Array]:
    """How dense the ring is at each pixel, and where it passes behind the planet (0 or 1)."""
    across, down = axes(width, height)
    dx, dy = across - at[0], down - at[1]
    u = dx * np.cos(lean[0]) + dy * np.sin(lean[0])
    v = (-dx * np.sin(lean[0]) + dy * np.cos(lean[0])) / lean[1]
    span = distance(u, v) / at[2]
    bands = profile(rng, 256, 28, 4, 0.7)
    dense = bands[np.clip((span - 1.25) / 0.85 * 255, 0, 255).astype(int)]
    fade = smoothstep(1.25, 1.3, span) * smoothstep(2.1, 1.98, span)
    return (fade * (0.25 + 0.7 * dense)).astype(np.float32), (v < 0).astype(np.float32)


def _add_sphere(
    rng: Rng, canvas: Array, at: tuple[float, float, float], colours: Array, sun: Array, banded: bool
) -> None:
    """A ball whose surface is bands or spots, lit from one side, with a thin bright rim of air."""
    height, width = canvas.shape[:2]
    x, y, radius = at
    left, right = max(0, int(x - radius - 2)), min(width, int(x + radius + 3))
    top, low = max(0, int(y - radius - 2)), min(height, int(y + radius + 3))
    if right <= left or low <= top:
        return
    across, down = axes(right - left, low - top)
    u, v = (across + left - x) / radius, (down + top - y) / radius
    span = distance(u, v)
    depth = np.sqrt(np.clip(1 - span * span, 0, 1))
    size = 256
    if banded:
        swirl = noise(rng, size, size, (90, 22), 5, 0.55)
        lines = profile(rng, size, 46, 4, 0.6)
        rows = np.clip(np.arange(size)[:, None] + (swirl - 0.5) * 46, 0, size - 1).astype(int)
        surface = lines[rows] * 0.8 + swirl * 0.2
    else:
        surface = noise(rng, size, size, 90, 6, 0.6)
    lean = rng.uniform(-0.5, 0.5)
    longitude = np.arctan2(u, depth + 1e-3) / np.pi + 0.5
    latitude = np.arcsin(np.clip(v * np.cos(lean) - u * np.sin(lean), -1, 1)) / np.pi + 0.5
    seen = surface[np.clip(latitude * 255, 0, 255).astype(int), np.clip(longitude * 255, 0, 255).astype(int)]
    shade = ramp(colours[[1, 4, 2, 3, 5]], smoothstep(0.1, 0.95, seen))
    light = np.clip(u * sun[0] + v * sun[1] + depth * sun[2], 0, 1) / float(np.linalg.norm(sun))
    shade = shade * (0.03 + 1.05 * light**0.85)[..., None]
    rim = smoothstep(0.75, 1.0, span) * light
    shine(shade, colours[3], rim * 0.45)
    lay(canvas[top:low, left:right], shade, np.clip((1 - span) * radius + 0.5, 0, 1))
