"""Forests in snow and balloons: what stands in the air, and what hangs in it."""

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
    smoothstep,
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
SKIES = (
    "4f8fc0 a9d0e0 f6e4c8 6f8f6a 3f5f4a",
    "5a6aa8 d8a8b8 fbd8b0 7a6a7a 4a3f58",
    "3f9aa8 b0dccf fbeecb 8f9a62 56683f",
    "7aa0d0 d0dcec f8ecdc 8aa08a 5a7464",
    "e09a78 f4c8a0 fdeccb 8a6a5a 5a4548",
)
CLOTHS = (
    "d8503f f4e6cf e9a93c 2f4f7a",
    "2f7f86 f4ead2 e8734a f2c14e",
    "7a3f6a f0d8d0 e89a5a 3f4a78",
    "e8b04a d9603f f6eede 8a2f3f",
    "3f6aa8 f6efe0 d94f4f 86b8d0",
    "4f7a4a f2e8c8 e0903c c0483a",
)


def draw_forest(rng: Rng, width: int, height: int) -> Picture:
    """A winter forest: spruces or birches, each row farther off and paler, snow on the ground and in the air."""
    colours = pick(rng, WINTERS, 10)
    birches = rng.random() < 0.45
    level = height * rng.uniform(0.62, 0.78)
    _, down = axes(width, height)
    canvas = ramp(colours[:2], down / level) + np.zeros((1, width, 1), np.float32)
    if rng.random() < 0.5:
        shine(canvas, palette("fff0d8")[0], halo(width, height, width * rng.choice([0.3, 0.7]), level * 0.7, height * 0.3) * 0.6)
    rows = 4
    for row in range(rows):
        near = row / (rows - 1)
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
        lay(canvas, colours[1], np.clip(1 - np.abs(down - level) / (height * 0.3), 0, 1) * 0.14
            + np.zeros((1, width), np.float32))  # fmt: skip
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
        edge = [(x, peak), (x - half * 0.45, base - (base - peak) * 0.35), (x - half, base + half * 0.12),
                (x - half * 0.5, base - half * 0.02), (x, base + half * 0.1), (x + half * 0.5, base - half * 0.02),
                (x + half, base + half * 0.12), (x + half * 0.45, base - (base - peak) * 0.35)]
        sheet.polygon(edge, mix(tree, snow, 0.08 * (tier % 2)))
        cap = [(x, peak), (x - half * 0.42, base - (base - peak) * 0.36), (x - half * 0.95, base + half * 0.06),
               (x - half * 0.45, base - half * 0.2), (x - half * 0.1, base - (base - peak) * 0.28),
               (x + half * 0.2, base - half * 0.3), (x + half * 0.3, base - (base - peak) * 0.45)]
        sheet.polygon(cap, snow, 0.9)


def _add_birch(
    rng: Rng, sheet: Sheet, foot: tuple[float, float], broad: float, inks: tuple[Array, Array, Array], near: float
) -> None:
    """A pale trunk across the whole height, with dark scars and a few thin branches."""
    x, y = foot
    dark, light, shadow = inks
    broad *= rng.uniform(0.7, 1.3)
    lean = rng.uniform(-0.04, 0.04) * y
    bark = mix(light, shadow, 0.65 - 0.5 * near)
    sheet.polygon([(x - broad / 2, y), (x + broad / 2, y), (x + lean + broad * 0.32, -4), (x + lean - broad * 0.32, -4)], bark)
    sheet.polygon([(x + broad * 0.15, y), (x + broad / 2, y), (x + lean + broad * 0.32, -4), (x + lean + broad * 0.1, -4)],
                  mix(bark, dark, 0.32))
    for level in rng.uniform(0, 1, int(2 + 18 * near)):
        at, spot = x + lean * level, y * (1 - level)
        side, reach = rng.choice([-1, 1]), broad * rng.uniform(0.2, 0.62)
        edge = at + side * broad * 0.42
        sheet.polygon([(edge, spot - broad * 0.07), (edge - side * reach, spot), (edge, spot + broad * 0.09)], dark)
        if rng.random() < 0.08:
            tip = at + side * broad * rng.uniform(2, 5), spot - broad * rng.uniform(2, 4)
            sheet.line([(edge, spot), ((edge + tip[0]) / 2, (spot + tip[1]) / 2 + broad * 0.3), tip], max(0.7, broad * 0.09), dark)


def _add_flakes(rng: Rng, canvas: Array) -> None:
    height, width = canvas.shape[:2]
    sheet = Sheet(width, height)
    count = int(rng.integers(60, 420))
    for x, y, size in zip(rng.uniform(0, width, count), rng.uniform(0, height, count),
                          rng.uniform(0.5, 1.3, count) ** 3 * 1.3, strict=True):
        sheet.disc(x, y, size + 0.3, 0.85)
    lay(canvas, palette("ffffff")[0], sheet.mask())


def draw_balloons(rng: Rng, width: int, height: int) -> Picture:
    """Hot-air balloons in a soft sky, large ones near and small ones far."""
    colours = pick(rng, SKIES, 8)
    across, down = axes(width, height)
    canvas = ramp(colours[:3], down / height * 1.15) + np.zeros((1, width, 1), np.float32)
    clouds = noise(rng, width, height, (width * 0.55, height * 0.2), 6, 0.55)
    lit = noise(rng, width, height, (width * 0.3, height * 0.12), 4)
    cover = smoothstep(0.5, 0.85, clouds)
    lay(canvas, ramp(np.stack([mix(colours[1], colours[2], 0.4), palette("fffaf2")[0]]), lit), cover * 0.75)
    hills = int(rng.integers(1, 4))
    for hill in range(hills):
        top = height * (0.84 + 0.06 * hill) - height * 0.09 * profile(rng, width, width * 0.6, 5)
        tone = mix(mix(colours[3], colours[2], 0.45), colours[4], (hill + 1) / hills)
        lay(canvas, tone, np.clip(down - top[None] + 0.5, 0, 1))
    count = int(rng.integers(1, 9))
    unit = min(width, height)
    sizes = np.sort(unit * rng.uniform(0.05, 0.3 - 0.018 * count, count))
    sizes[-1] = unit * rng.uniform(0.2, 0.3)
    for order, size in enumerate(sizes):
        x = width * ((order * 0.618 + rng.uniform(0, 0.25)) % 1 * 0.8 + 0.1)
        y = height * rng.uniform(0.12, 0.62) * (1 if order < count - 1 else 0.85) + size * 0.25
        haze = float(np.clip(0.6 - size / unit * 3.4, 0, 0.55))
        _add_balloon(rng, canvas, (x, y, size), palette(str(rng.choice(CLOTHS))), (colours[2], haze))
    told = "One balloon" if count == 1 else ("A few balloons" if count < 5 else "Many balloons")
    return Picture(canvas, f"{told} in a soft sky", ("sky", "travel"))


def _add_balloon(
    rng: Rng, canvas: Array, at: tuple[float, float, float], cloth: Array, air: tuple[Array, float]
) -> None:
    """One balloon: an envelope of gores in bands of colour, lit from a side, and its basket."""
    x, y, size = at
    left, top = max(0, int(x - size * 1.1)), max(0, int(y - size * 1.1))
    spot = canvas[top : int(y + size * 2.1), left : int(x + size * 1.1)]
    if spot.shape[0] < 4 or spot.shape[1] < 4:
        return
    across, down = axes(spot.shape[1], spot.shape[0])
    u, v = (across + left - x) / size, (down + top - y) / size
    level = np.clip(v, -1, 1.32)
    half = np.where(level < 0, np.sqrt(np.clip(1 - level**2, 0, 1)), np.cos(np.clip(level, 0, 1.32) * 1.08) ** 0.85)
    half = np.maximum(half, 1e-3)
    inside = np.clip((half - np.abs(u)) * size + 0.5, 0, 1) * (v < 1.32) * (v > -1)
    turn = np.arcsin(np.clip(u / half, -1, 1))
    gores = int(rng.choice([8, 12, 16]))
    gore = (turn / np.pi + 0.5) * gores + rng.uniform(0, 1)
    style = int(rng.integers(4))
    stripe = np.floor(gore).astype(int)
    band = np.floor((v + 1) * (3.2 + style)).astype(int) + np.zeros_like(stripe)
    index = (stripe % len(cloth), stripe % 2 + 2 * (band % 2), band % len(cloth), (stripe + band) % 2 + (band > 3))[style]
    shade = cloth[index % len(cloth)]
    light = 0.55 + 0.5 * np.cos(turn + rng.choice([-0.7, 0.7])) - 0.16 * (v > 0.5) * (v - 0.5)
    seam = 1 - 0.14 * np.abs(2 * (gore - np.floor(gore)) - 1) ** 3
    shade = np.clip(shade * (light * seam)[..., None] * 1.05, 0, 1)
    shade += (air[0] - shade) * air[1]
    lay(spot, shade.astype(np.float32), inside.astype(np.float32))
    dark = mix(palette("3a2a20")[0], air[0], air[1])
    ropes = np.clip(0.9 - np.abs(np.abs(u) - 0.2 + (v - 1.3) * 0.16) * size, 0, 1) * (v > 1.3) * (v < 1.66)
    basket = (np.abs(u) < 0.15) * (v > 1.62) * (v < 1.84)
    lay(spot, dark, np.maximum(ropes * 0.8, basket).astype(np.float32))
