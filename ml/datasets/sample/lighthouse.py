"""Lighthouses: a tower on its rock, two beams, surf."""

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
from ml.datasets.sample.sheet import Sheet

COASTS = (
    "10203c 2f4f78 8a8fa8 f0b890 0f1a2a f4efe2 c8503c",
    "1a1836 4a3a6e b0688a f4b088 141428 f6ede4 3a4a78",
    "0a1626 1c3a54 4a7484 a8b8b0 0a141c f2f0e8 c04438",
    "243038 4c626c 8c9c9c ccd0c4 182024 f0ece0 38505c",
    "0a0e20 141e3e 28386a 4e5f94 080c18 eeeae0 a83c48",
)


def draw_lighthouse(rng: Rng, width: int, height: int) -> Picture:
    """A lighthouse on its rock, two beams, and a sea with white lines of surf."""
    colours = pick(rng, COASTS, 8)
    horizon = height * rng.uniform(0.6, 0.74)
    across, down = axes(width, height)
    canvas = ramp(colours[:4], down / horizon) + np.zeros((1, width, 1), np.float32)
    clouds = noise(rng, width, height, (width * 0.6, height * 0.16), 6, 0.58)
    lay(canvas, mix(colours[1], colours[3], 0.55), smoothstep(0.45, 0.95, clouds) * (down < horizon) * 0.6)
    near = np.clip((down - horizon) / (height - horizon), 0, 1)
    swell = noise(rng, width, height, (width * 0.25, height * 0.018), 4, 0.6)
    sea = ramp(np.stack([mix(colours[2], colours[1], 0.5), colours[1], colours[0]]), near + 0.25 * (swell - 0.5))
    lay(canvas, sea, np.clip(down - horizon + 0.5, 0, 1) + np.zeros_like(across))
    shine(canvas, colours[3], smoothstep(0.66, 0.92, swell) * (down > horizon) * 0.35)
    side = float(rng.choice([-1, 1]))
    x = width * (0.5 + side * rng.uniform(0.12, 0.22))
    tall = height * rng.uniform(0.36, 0.5)
    foot = horizon - height * rng.uniform(0.0, 0.06)
    lamp = foot - tall * 1.06
    _add_beams(rng, canvas, (x, lamp), colours)
    _add_rock(rng, canvas, (x, foot, side), colours)
    bands = int(rng.choice([1, 5, 7]))
    canvas = _add_tower(canvas, (x, foot, tall), colours, bands)
    shine(canvas, palette("ffe9b0")[0], halo(width, height, x, lamp, tall * 0.13) * 0.95)
    return Picture(canvas, f"A {'white' if bands == 1 else 'striped'} lighthouse above the surf", ("water", "building"))


def _add_beams(rng: Rng, canvas: Array, lamp: tuple[float, float], colours: Array) -> None:
    height, width = canvas.shape[:2]
    across, down = axes(width, height)
    dx, dy = across - lamp[0], down - lamp[1]
    lean = rng.uniform(-0.22, 0.12)
    angle = np.arctan2(dy, np.abs(dx)) - lean
    far = distance(dx, dy) / max(width, height)
    beam = np.exp(-((angle / 0.075) ** 2)) * np.exp(-far * 1.8)
    shine(canvas, palette("fff0c0")[0], beam.astype(np.float32) * (0.75 if colours[3].mean() < 0.6 else 0.5))


def _add_rock(rng: Rng, canvas: Array, place: tuple[float, float, float], colours: Array) -> None:
    """The cliff below the tower, falling towards the open sea, with surf at its foot."""
    height, width = canvas.shape[:2]
    x, foot, side = place
    across, down = axes(width, height)
    out = (across[0] - x) * -side
    fall = np.where(
        out > 0,
        np.clip((out - height * 0.05) / (height * 0.2), 0, 2) ** 1.4,
        np.clip(-out / width, 0, 1) * 0.12,
    )
    top = foot + height * 0.26 * fall + height * 0.05 * (profile(rng, width, width * 0.2, 6, 0.6) - 0.5)
    top = np.where(np.abs(across[0] - x) < height * 0.08, np.minimum(top, foot), top)
    mask = np.clip(down - top[None] + 0.5, 0, 1)
    crag = noise(rng, width, height, (width * 0.06, height * 0.16), 5, 0.65)
    shade = ramp(np.stack([colours[4], mix(colours[4], colours[2], 0.45)]), crag * 1.2 - 0.15)
    shore = height * 0.86 + height * 0.07 * (profile(rng, width, width * 0.3, 4) - 0.5)
    lay(canvas, shade, mask * np.clip(shore[None] - down, 0, 1))
    foam = np.exp(-(((down - shore[None]) / (height * 0.018)) ** 2)) * (down > top[None] - 6)
    lay(canvas, colours[5], foam * smoothstep(0.3, 0.65, noise(rng, width, height, 22, 3)) * 0.85)


def _add_tower(canvas: Array, place: tuple[float, float, float], colours: Array, bands: int) -> Array:
    height, width = canvas.shape[:2]
    x, foot, tall = place
    low, high = tall * 0.14, tall * 0.085
    sheet = Sheet(width, height, canvas)
    for band in range(bands):
        ends = [(band + more) / bands for more in (0, 1)]
        half = [low + (high - low) * end for end in ends]
        level = [foot + 4 - (tall + 4) * end for end in ends]
        tone = colours[5] if band % 2 == 0 else colours[6]
        for left, right, dim in ((-1, 1, 0.08), (-0.15, 1, 0.22), (0.45, 1, 0.42)):
            shape = [
                (x + left * half[0], level[0]),
                (x + right * half[0], level[0]),
                (x + right * half[1], level[1]),
                (x + left * half[1], level[1]),
            ]
            sheet.polygon(shape, mix(tone, colours[0], dim))
    top = foot - tall
    dark = colours[4]
    sheet.box(x - high * 1.45, top - tall * 0.015, high * 2.9, tall * 0.03, dark)
    sheet.box(x - high * 0.72, top - tall * 0.12, high * 1.44, tall * 0.11, palette("ffe6a8")[0])
    for bar in (-0.72, -0.24, 0.24, 0.7):
        sheet.line([(x + high * bar, top), (x + high * bar, top - tall * 0.12)], 1.2, dark)
    sheet.sector(x, top - tall * 0.115, high * 0.9, (180, 360), colours[6])
    sheet.line([(x, top - tall * 0.16), (x, top - tall * 0.26)], 1.4, dark)
    for step in (0.25, 0.55, 0.8):
        sheet.box(x - tall * 0.012, foot - tall * step, tall * 0.024, tall * 0.04, mix(dark, colours[6], 0.2))
    return sheet.canvas()
