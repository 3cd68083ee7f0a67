"""Forests in snow: spruces and birches in rows that fade into the air."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    halo,
    lay,
    mix,
    noise,
    palette,
    pick,
    profile,
    ramp,
    shine,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

# Sky above, sky at the ground, snow in shadow, snow in light, trees.
WINTERS = (
    "9fb4c8 e6ebee b4c4d6 f6f8fa 1f3140",
    "6f7fa8 f0cdb8 a8aecb fbf2ec 2a2c48",
    "b8c4c4 eef0ea c0cccb fafbf8 26382f",
    "3a4a78 9aa8cc 7a8cb8 dfe6f4 141c38",
    "c8b8c8 f6e2d2 c2b8cc fdf6f0 3a2f3c",
)


def draw_forest(rng: Rng, width: int, height: int) -> Picture:
    """A winter forest: spruces or birches, row behind row, paler with distance."""
    colours = pick(rng, WINTERS, 10)
    birches = rng.random() < 0.45
    level = height * rng.uniform(0.62, 0.78)
    _, down = axes(width, height)
    canvas = ramp(colours[:2], down / level) + np.zeros((1, width, 1), np.float32)
    if rng.random() < 0.5:
        shine(
            canvas,
            palette("fff0d8")[0],
            halo(width, height, width * rng.choice([0.3, 0.7]), level * 0.7, height * 0.3) * 0.6,
        )
    for near in (0.0, 0.33, 0.67, 1.0):
        ground = level + (height - level) * 0.75 * near**1.3 - height * 0.035 * profile(rng, width, width * 0.6, 3)
        _add_snow(rng, canvas, ground, colours, near)
        sheet = Sheet(width, height, canvas)
        count = int(np.interp(near, [0, 1], [26, 5]) * rng.uniform(0.7, 1.2) * width / height)
        for x in rng.uniform(0, width, max(2, count)):
            foot = float(ground[int(min(x, width - 1))]) + 3 + near * 6
            ink = mix(colours[4], colours[1], 0.72 * (1 - near) ** 0.8)
            if birches:
                _add_birch(rng, sheet, (x, foot), height * (0.02 + 0.022 * near), (ink, colours[3], colours[2]), near)
            else:
                tall = height * rng.uniform(0.55, 1) * (0.2 + 0.42 * near)
                _add_spruce(rng, sheet, (x, foot), tall, (ink, mix(colours[3], colours[1], 0.6 * (1 - near))))
        canvas = sheet.canvas()
        haze = np.clip(1 - np.abs(down - level) / (height * 0.3), 0, 1) * 0.14
        lay(canvas, colours[1], np.broadcast_to(haze, (height, width)))
    _add_flakes(rng, canvas)
    what = "Birches" if birches else "Spruces"
    return Picture(canvas, f"{what} in falling snow", ("forest", "winter"))


def _add_snow(rng: Rng, canvas: Array, ground: Array, colours: Array, near: float) -> None:
    height, width = canvas.shape[:2]
    first = int(ground.min())
    _, down = axes(width, height)
    below = down[first:] - ground[None]
    drift = noise(rng, width, height - first, (width * 0.5, height * 0.05), 4)
    at = np.clip(0.95 - below / (height * 0.22) * 0.6 + 0.5 * (drift - 0.5), 0, 1)
    shade = ramp(np.stack([colours[2], colours[3]]), at)
    shade += (colours[1] - shade) * np.float32(0.5 * (1 - near))
    lay(canvas[first:], shade, np.clip(below + 0.5, 0, 1))


def _add_spruce(rng: Rng, sheet: Sheet, foot: tuple[float, float], tall: float, inks: tuple[Array, Array]) -> None:
    """A spruce of drooping tiers with snow lying on them."""
    x, y = foot
    tree, snow = inks
    tiers = max(4, int(tall / 26))
    broad = tall * rng.uniform(0.2, 0.27)
    sheet.box(x - tall * 0.018, y - tall * 0.12, tall * 0.036, tall * 0.12, tree)
    for tier in range(tiers):
        low = (tiers - tier) / tiers
        base = y - tall * (0.06 + 0.94 * (1 - low))
        peak = base - tall / tiers * 1.75
        half = broad * low**0.9 * rng.uniform(0.88, 1.1)
        edge = [
            (x, peak),
            (x - half * 0.45, base - (base - peak) * 0.35),
            (x - half, base + half * 0.12),
            (x - half * 0.5, base - half * 0.02),
            (x, base + half * 0.1),
            (x + half * 0.5, base - half * 0.02),
            (x + half, base + half * 0.12),
            (x + half * 0.45, base - (base - peak) * 0.35),
        ]
        sheet.polygon(edge, mix(tree, snow, 0.08 * (tier % 2)))
        cap = [
            (x, peak),
            (x - half * 0.42, base - (base - peak) * 0.36),
            (x - half * 0.95, base + half * 0.06),
            (x - half * 0.45, base - half * 0.2),
            (x - half * 0.1, base - (base - peak) * 0.28),
            (x + half * 0.2, base - half * 0.3),
            (x + half * 0.3, base - (base - peak) * 0.45),
        ]
        sheet.polygon(cap, snow, 0.9)


def _add_birch(
    rng: Rng,
    sheet: Sheet,
    foot: tuple[float, float],
    broad: float,
    inks: tuple[Array, Array, Array],
    near: float,
) -> None:
    """A pale trunk across the whole height, with dark scars and a few thin branches."""
    x, y = foot
    dark, light, shadow = inks
    broad *= rng.uniform(0.7, 1.3)
    lean = rng.uniform(-0.04, 0.04) * y
    bark = mix(light, shadow, 0.65 - 0.5 * near)
    sheet.polygon(
        [
            (x - broad / 2, y),
            (x + broad / 2, y),
            (x + lean + broad * 0.32, -4),
            (x + lean - broad * 0.32, -4),
        ],
        bark,
    )
    sheet.polygon(
        [
            (x + broad * 0.15, y),
            (x + broad / 2, y),
            (x + lean + broad * 0.32, -4),
            (x + lean + broad * 0.1, -4),
        ],
        mix(bark, dark, 0.32),
    )
    for level in rng.uniform(0, 1, int(2 + 18 * near)):
        at, spot = x + lean * level, y * (1 - level)
        side, reach = rng.choice([-1, 1]), broad * rng.uniform(0.2, 0.62)
        edge = at + side * broad * 0.42
        sheet.polygon([(edge, spot - broad * 0.07), (edge - side * reach, spot), (edge, spot + broad * 0.09)], dark)
        if rng.random() < 0.08:
            tip = at + side * broad * rng.uniform(2, 5), spot - broad * rng.uniform(2, 4)
            sheet.line(
                [(edge, spot), ((edge + tip[0]) / 2, (spot + tip[1]) / 2 + broad * 0.3), tip],
                max(0.7, broad * 0.09),
                dark,
            )


def _add_flakes(rng: Rng, canvas: Array) -> None:
    height, width = canvas.shape[:2]
    sheet = Sheet(width, height)
    count = int(rng.integers(60, 420))
    for x, y, size in zip(
        rng.uniform(0, width, count),
        rng.uniform(0, height, count),
        rng.uniform(0.5, 1.3, count) ** 3 * 1.3,
        strict=True,
    ):
        sheet.disc(x, y, size + 0.3, 0.85)
    lay(canvas, palette("ffffff")[0], sheet.mask())
