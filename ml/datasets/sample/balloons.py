"""Hot-air balloons: cloth in gores, lit from a side, in a soft sky."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    lay,
    mix,
    noise,
    palette,
    pick,
    profile,
    ramp,
    smoothstep,
)
from ml.datasets.sample.family import Picture

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


def draw_balloons(rng: Rng, width: int, height: int) -> Picture:
    """Hot-air balloons in a soft sky, large ones near and small ones far."""
    colours = pick(rng, SKIES, 8)
    _, down = axes(width, height)
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
    index = (
        stripe % len(cloth),
        stripe % 2 + 2 * (band % 2),
        band % len(cloth),
        (stripe + band) % 2 + (band > 3),
    )[style]
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
