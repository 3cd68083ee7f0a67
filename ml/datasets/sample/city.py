"""Night cities: lit windows and the river that mirrors them."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    bloom,
    disc,
    halo,
    lay,
    mix,
    noise,
    palette,
    pick,
    ramp,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

# Zenith to skyline, then the buildings and two kinds of lamps.
CITIES = (
    "080d1f 17264d 4a4a80 c07a78 0b1226 ffd58a 9fd8ff",
    "070a18 1c1c48 56306e d0667a 0e0d22 ffc878 ff9fc0",
    "04121c 0d3346 1f6670 8fb090 06161e ffe0a0 a8f0e0",
    "0c0a14 2c1c30 6a3a3c d8904c 120c14 ffc060 fff0cc",
    "060a14 101c34 26406a 5f88b0 080e1a ffe2b0 b8d8ff",
)


def draw_city(rng: Rng, width: int, height: int) -> Picture:
    """A skyline of lit windows above a river that mirrors it."""
    colours = pick(rng, CITIES, 10)
    shore = int(height * rng.uniform(0.64, 0.8))
    _, down = axes(width, shore)
    sky = ramp(colours[:4], down / shore * 1.12) + np.zeros((1, width, 1), np.float32)
    sky *= (0.86 + 0.28 * noise(rng, width, shore, (width * 0.5, shore * 0.2), 4))[..., None]
    moon = rng.random() < 0.4
    if moon:
        x, y, size = width * rng.uniform(0.15, 0.85), shore * rng.uniform(0.12, 0.35), shore * 0.05
        shine(sky, colours[5], halo(width, shore, x, y, size * 4) * 0.35)
        lay(sky, palette("fff6e0")[0], disc(width, shore, x, y, size, 1.5))
    sheet = Sheet(width, shore, sky)
    for layer in range(3):
        _add_towers(rng, sheet, (width, shore), colours, layer)
    upper = sheet.canvas()
    bloom(upper, 0.5, 12, 1.5)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:shore] = upper
    _mirror_river(rng, canvas, shore, colours)
    return Picture(canvas, f"City lights along a river{', a moon above' if moon else ''}", ("night", "city", "water"))


def _add_towers(rng: Rng, sheet: Sheet, extent: tuple[int, int], colours: Array, layer: int) -> None:
    """A row of buildings from left to right; the nearer the darker, with more windows lit."""
    width, shore = extent
    x = -rng.uniform(0, 0.05) * width
    body = mix(colours[4], mix(colours[2], colours[3], 0.25), (0.62, 0.34, 0.06)[layer])
    tall = shore * (0.72, 0.56, 0.34)[layer]
    bell = width * rng.uniform(0.25, 0.75)
    while x < width:
        broad = width * rng.uniform(0.035, 0.085)
        rise = tall * (0.3 + 0.75 * np.exp(-(((x - bell) / (width * 0.3)) ** 2))) * rng.uniform(0.5, 1.1)
        top = shore - rise
        sheet.box(x, top, broad, rise + 2, body)
        if rng.random() < 0.3:
            sheet.box(x + broad * 0.25, top - rise * 0.1, broad * 0.5, rise * 0.1, body)
        if rng.random() < 0.18:
            sheet.line([(x + broad / 2, top), (x + broad / 2, top - rise * 0.28)], 1.4, body)
        _light_windows(rng, sheet, (x, top, broad, shore), colours, layer)
        x += broad * rng.uniform(0.95, 1.2)


def _light_windows(rng: Rng, sheet: Sheet, box: tuple[float, float, float, int], colours: Array, layer: int) -> None:
    x, top, broad, shore = box
    step = 4.6 + layer * 1.4
    columns, rows = max(1, int(broad / step) - 1), max(0, int((shore - top) / (step * 1.35)) - 1)
    lamp = mix(colours[5], colours[6], rng.uniform(0, 1) ** 2)
    lit = rng.random((rows, columns)) < rng.uniform(0.25, 0.8)
    left = x + (broad - columns * step) / 2
    for row, column in np.argwhere(lit):
        ink_alpha = float(rng.uniform(0.35, 1)) * (0.65, 0.85, 1.0)[layer]
        spot = left + column * step + step * 0.2, top + (row + 0.8) * step * 1.35
        sheet.box(*spot, step * 0.55, step * 0.7, lamp, ink_alpha)


def _mirror_river(rng: Rng, canvas: Array, shore: int, colours: Array) -> None:
    """Draws the lights out downwards, as slow water does, and breaks them by ripples."""
    height, width = canvas.shape[:2]
    depth = height - shore
    near = np.linspace(0, 1, depth, dtype=np.float32)[:, None]
    mirror = canvas[shore - 1 - (near[:, 0] * (shore - 1) * 0.9).astype(int)]
    total = np.cumsum(mirror, axis=0)
    span = max(2, depth // 7)
    smear = (total[span:] - total[:-span]) / span
    smear = np.concatenate([smear, np.repeat(smear[-1:], depth - len(smear), axis=0)])
    ripples = noise(rng, width, depth, (width * 0.09, 6), 3)
    columns = np.clip(np.arange(width)[None] + ((ripples - 0.5) * 26).astype(int), 0, width - 1)
    water = smear[np.arange(depth)[:, None], columns]
    water = water * (1.15 - 0.45 * near[..., None]) * (0.7 + 0.7 * ripples[..., None]) + colours[0] * 0.15
    shine(water, colours[3], smoothstep(0.7, 1.0, ripples) * 0.12)
    water[:3] *= 0.45
    canvas[shore:] = water
