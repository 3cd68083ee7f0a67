"""Coral reefs: light that has come through water, and what grows below it."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    distance,
    mix,
    palette,
    pick,
    profile,
    ramp,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

# Light from above, middle water, deep water, then five living colours.
SEAS = (
    "bff0e8 2fa3b5 0b3a63 f0806a f7b267 d9548a 8f6ad0 f2dfb0",
    "d4f3d8 3aa99a 0c4450 f4a259 e8655a f2d06b c45a9a e8e0c0",
    "c9e4ff 3f86d0 101f5c ff8f8a f4c46a b86ae0 5ad0c0 f0e4d0",
    "e4f0c8 5aa898 143c48 e87a5a f0c070 d88aa8 7a8ad8 f4ecd0",
)


def draw_reef(rng: Rng, width: int, height: int) -> Picture:
    """Corals in three depths of water, rays of light from above, a school of fish."""
    colours = pick(rng, SEAS, 10)
    _, down = axes(width, height)
    canvas = ramp(colours[:3], (down / height) ** 0.8) + np.zeros((1, width, 1), np.float32)
    _add_rays(rng, canvas, colours[0])
    unit = min(width, height)
    count = int(rng.integers(5, 26))
    for layer in range(3):
        near = layer / 2
        sheet = Sheet(width, height, canvas)
        floor = height * (0.78 + 0.1 * layer) - unit * 0.09 * profile(rng, width, width * 0.4, 4)
        water = 0.68 - 0.34 * layer
        ground = np.stack([np.arange(width), floor], axis=1)
        sheet.polygon(
            np.concatenate([ground, [(width, height), (0, height)]]),
            mix(mix(colours[7], colours[2], 0.5), mix(colours[1], colours[2], 0.5), water),
        )
        for x in rng.uniform(0, width, int(rng.integers(5, 9))):
            ink = mix(colours[int(rng.integers(3, 8))], mix(colours[1], colours[2], 0.45), water)
            foot = float(floor[int(min(x, width - 1))]) + unit * 0.03
            _add_coral(rng, sheet, (x, foot), unit * rng.uniform(0.12, 0.24) * (0.75 + 0.5 * near), ink)
        if layer == 1:
            _add_school(rng, sheet, (width, height), count, colours)
        canvas = sheet.canvas()
    for _ in range(int(rng.integers(8, 24))):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height * 0.8))
        size = rng.uniform(1.5, 5)
        spot = canvas[y : y + 16, x : x + 16]
        u, v = axes(spot.shape[1], spot.shape[0])
        shine(spot, colours[0], np.exp(-(((distance(u - 8, v - 8) - size) / 1.1) ** 2)) * 0.6)
    fish = "A few" if count < 10 else "A school of"
    return Picture(canvas, f"{fish} fish above a coral reef", ("water", "animals"), 0.012, 0.24)


def _add_rays(rng: Rng, canvas: Array, light: Array) -> None:
    height, width = canvas.shape[:2]
    across, down = axes(width, height)
    from_x, from_y = width * rng.uniform(0.2, 0.8), -height * 0.35
    angle = np.arctan2(across - from_x, down - from_y) / np.pi + 0.5
    beams = profile(rng, 1024, 46, 3, 0.6)[(np.clip(angle, 0, 1) * 1023).astype(int)]
    shine(canvas, light, smoothstep(0.4, 0.95, beams) * np.clip(1.05 - down / height, 0, 1) ** 1.3 * 0.75)


def _add_coral(rng: Rng, sheet: Sheet, foot: tuple[float, float], size: float, ink: Array) -> None:
    kind = int(rng.integers(4))
    pale, dark = mix(ink, palette("fff4e4")[0], 0.3), mix(ink, palette("0a1430")[0], 0.25)
    x, y = foot
    if kind == 0:
        _branch(rng, sheet, (x, y, -np.pi / 2), (size * 0.42, size * 0.085), ink, 5)
    elif kind == 1:
        for _ in range(int(rng.integers(4, 8))):
            lean, tall, broad = (
                rng.uniform(-0.5, 0.5),
                size * rng.uniform(0.5, 1.15),
                size * rng.uniform(0.09, 0.14),
            )
            tip = x + lean * tall, y - tall
            sheet.line([(x + lean * size * 0.2, y), tip], broad * 2, dark)
            sheet.line([(x + lean * size * 0.2 - broad * 0.3, y), (tip[0] - broad * 0.3, tip[1])], broad, ink)
            sheet.ellipse(*tip, broad, broad * 0.55, pale)
            sheet.ellipse(*tip, broad * 0.66, broad * 0.34, mix(dark, palette("060a18")[0], 0.5))
    elif kind == 2:
        sheet.ellipse(x, y, size * 0.62, size * 0.48, dark)
        for ring in range(6):
            share = 1 - ring / 6
            tone = mix(pale, ink, share) if ring % 2 == 0 else mix(dark, ink, 0.4)
            sheet.ellipse(
                x - size * 0.05 * ring * 0.4,
                y - size * 0.03 * ring,
                size * 0.58 * share,
                size * 0.45 * share,
                tone,
            )
    else:
        for arm in np.linspace(-1.15, 1.15, 23):
            reach = size * (1.05 - 0.25 * abs(arm)) * rng.uniform(0.9, 1.05)
            points = [(x + np.sin(arm * t) * reach * t, y - np.cos(arm * t) * reach * t) for t in (0, 0.4, 0.7, 1)]
            sheet.line(points, size * 0.02, ink)
        for ring in (0.35, 0.5, 0.65, 0.8, 0.95):
            arc = np.linspace(-1.1, 1.1, 20) * ring
            sheet.line(
                np.stack([x + np.sin(arc) * size * ring, y - np.cos(arc) * size * ring], 1),
                size * 0.012,
                pale,
            )


def _branch(
    rng: Rng, sheet: Sheet, at: tuple[float, float, float], reach: tuple[float, float], ink: Array, left: int
) -> None:
    """A coral's arm: it forks, each fork thinner and paler."""
    x, y, angle = at
    length, broad = reach
    tip = x + np.cos(angle) * length, y + np.sin(angle) * length
    sheet.line([(x, y), tip], broad, ink)
    sheet.disc(*tip, broad * 0.52, ink)
    if left == 0:
        return
    for side in (-1, 1):
        turn = angle + side * rng.uniform(0.25, 0.55)
        _branch(
            rng,
            sheet,
            (*tip, turn),
            (length * rng.uniform(0.6, 0.85), broad * 0.74),
            mix(ink, palette("fff6ea")[0], 0.1),
            left - 1,
        )


def _add_school(rng: Rng, sheet: Sheet, extent: tuple[int, int], count: int, colours: Array) -> None:
    """A school of striped fish that swim one way."""
    width, height = extent
    size = min(width, height) * rng.uniform(0.022, 0.05)
    x0, y0 = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.25, 0.5)
    side = float(rng.choice([-1, 1]))
    body = colours[int(rng.integers(3, 8))]
    stripe = mix(body, palette("fffaf0")[0], 0.65)
    for _ in range(count):
        x, y = x0 + rng.normal(0, width * 0.15), y0 + rng.normal(0, height * 0.09)
        large = size * rng.uniform(0.7, 1.2)
        sheet.polygon(
            [
                (x - side * large * 0.8, y),
                (x - side * large * 1.6, y - large * 0.55),
                (x - side * large * 1.35, y),
                (x - side * large * 1.6, y + large * 0.55),
            ],
            body,
        )
        sheet.ellipse(x, y, large, large * 0.5, body)
        sheet.ellipse(x + side * large * 0.15, y, large * 0.14, large * 0.46, stripe)
        sheet.disc(x + side * large * 0.62, y - large * 0.1, max(1, large * 0.1), palette("101018")[0])
