"""Seas at dusk and northern lights: what light does over water and over snow."""

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
    resize,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

DUSKS = (
    "1d2a52 4a4a7d a8677f e8935f f7c873",
    "16263f 2f5570 7f9aa0 e6b98a f5d9a8",
    "2b1f4a 6a3d76 c25b7a f08a6a fbd08a",
    "10243b 1f4a66 4c7f8c b8b59a f0d7a0",
    "3a2a4c 7a4a5e c7644a ee9a45 fbd67a",
    "23304f 5f6b92 b59bb3 ecc0b4 f8e3c8",
)
AURORAS = (
    "06101f 0b2038 123a4a",
    "070b1e 151a40 2a2a5e",
    "04121a 08303a 145050",
    "0b0a1c 241640 43265c",
)
CURTAINS = (
    "3df0a0 35c9b0 6a5be0",
    "7df58a 38d0a8 a050d0",
    "50e8c8 4a8ff0 d060c0",
    "a8f070 40d090 3080c0",
)


def draw_sea(rng: Rng, width: int, height: int) -> Picture:
    """A sun over a horizon, clouds lit from below, its glitter on the water."""
    colours = pick(rng, DUSKS)
    horizon = int(height * rng.uniform(0.48, 0.7))
    sun_x = width * rng.choice([0.33, 0.5, 0.66]) + rng.normal(0, width * 0.03)
    sun_size = min(width, height) * rng.uniform(0.035, 0.085)
    sun_y = horizon - sun_size * rng.uniform(-0.6, 3.2)
    _, down = axes(width, height)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:horizon] = ramp(colours, down[:horizon] / horizon)
    sky = canvas[:horizon]
    shine(sky, colours[4], halo(width, horizon, sun_x, sun_y, height * 0.28, 1.5) * 0.55)
    cover = rng.uniform(0.35, 0.6)
    clouds = noise(rng, width, horizon, (width * 0.7, horizon * 0.22), 6, 0.55)
    clouds = smoothstep(cover, cover + 0.4, clouds) * smoothstep(1.02, 0.55, down[:horizon] / horizon)
    lit = halo(width, horizon, sun_x, sun_y, height * 0.45, 1.6)
    tone = ramp(np.stack([mix(colours[0], colours[1], 0.5), colours[2], colours[3], colours[4]]), lit)
    lay(sky, tone, clouds * 0.75)
    shine(sky, colours[4], halo(width, horizon, sun_x, sun_y, sun_size * 2.6) * 0.7)
    island = rng.random() < 0.5
    land = _island(rng, width, horizon) if island else np.zeros((horizon, width), np.float32)
    lay(sky, mix(colours[0], colours[2], 0.35), land)
    _add_water(rng, canvas, colours, (sun_x, horizon, sun_size))
    orb = disc(width, horizon, sun_x, sun_y, sun_size, 2) * (1 - land)
    lay(sky, mix(colours[4], palette("fffaf0")[0], 0.75), orb)
    sails = int(rng.choice([0, 0, 1, 2, 3]))
    canvas = _add_sails(rng, canvas, horizon, sails, mix(colours[0], palette("05070c")[0], 0.5))
    what = "The last light" if sun_y + sun_size > horizon + sun_size * 0.4 else "A low sun"
    extra = {0: ", far hills" if island else "", 1: ", one sail", 2: ", two sails", 3: ", three sails"}[sails]
    return Picture(canvas, f"{what} over a calm sea{extra}", ("water", "sunset"))


def _island(rng: Rng, width: int, horizon: int) -> Array:
    """Far hills on the horizon, as a mask of the sky."""
    _, down = axes(width, horizon)
    line = profile(rng, width, width * 0.5, 6) - 0.35
    ends = np.sin(np.linspace(0, np.pi, width) + rng.uniform(-0.9, 0.9)).astype(np.float32)
    top = horizon - np.maximum(line * ends, 0) * horizon * 0.22
    return np.clip(down - top[None], 0, 1) * 0.9


def _add_water(rng: Rng, canvas: Array, colours: Array, sun: tuple[float, int, float]) -> None:
    """Mirrors the sky below the horizon, broken by ripples that widen towards the viewer."""
    height, width = canvas.shape[:2]
    sun_x, horizon, sun_size = sun
    depth = height - horizon
    near = np.linspace(0, 1, depth, dtype=np.float32)[:, None]
    field = noise(rng, width, 512, (width * 0.16, 7), 3, 0.6)
    ripples = field[(511 * near[:, 0] ** 0.5).astype(int)]
    shift = ((ripples - 0.5) * (0.05 + 0.25 * near) * horizon).astype(int)
    rows = np.clip(horizon - 1 - (near * min(depth, horizon) * 0.95).astype(int) + shift, 0, horizon - 1)
    water = canvas[rows, np.arange(width)[None]]
    water = water * (0.86 - 0.3 * near[..., None]) + colours[0] * 0.12
    across, _ = axes(width, 1)
    spread = sun_size * (0.9 + near * 4.5)
    path = np.exp(-(((across - sun_x) / spread) ** 2))
    shine(water, colours[4], path * smoothstep(0.5, 0.75, ripples) * (0.95 - 0.45 * near))
    shine(water, colours[3], smoothstep(0.62, 0.9, ripples) * 0.16)
    canvas[horizon:] = water


def _add_sails(rng: Rng, canvas: Array, horizon: int, count: int, colour: Array) -> Array:
    if not count:
        return canvas
    height, width = canvas.shape[:2]
    sheet = Sheet(width, height, canvas)
    for _ in range(count):
        size = min(width, height) * rng.uniform(0.04, 0.11)
        x, y = width * rng.uniform(0.1, 0.9), horizon + size * 0.22
        sheet.polygon([(x, y - size), (x, y - size * 0.12), (x + size * 0.48, y - size * 0.12)], colour)
        sheet.polygon(
            [
                (x - 0.05 * size, y - size * 0.85),
                (x - 0.05 * size, y - size * 0.12),
                (x - size * 0.3, y - size * 0.12),
            ],
            colour,
        )
        sheet.polygon(
            [
                (x - size * 0.4, y - size * 0.08),
                (x + size * 0.52, y - size * 0.08),
                (x + size * 0.36, y),
                (x - size * 0.28, y),
            ],
            colour,
        )
        for row in range(5):
            reach = size * 0.4 * (1 - row / 6)
            top = y + size * (0.06 + row * 0.1)
            sheet.line([(x - reach, top), (x + reach * rng.uniform(0.5, 1), top)], 1.2, colour, 0.35)
    return sheet.canvas()


def draw_aurora(rng: Rng, width: int, height: int) -> Picture:
    """Curtains of light in a sky of stars above spruces, sometimes mirrored in a lake."""
    night, light = pick(rng, AURORAS), pick(rng, CURTAINS, 14)
    lake = rng.random() < 0.5
    shore = int(height * (rng.uniform(0.66, 0.76) if lake else 1))
    _, down = axes(width, shore)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:shore] = ramp(night, down / shore) + np.zeros((1, width, 1), np.float32)
    sky = canvas[:shore]
    stars = int(width * height / 900)
    at = rng.integers(0, shore, stars), rng.integers(0, width, stars)
    sky[at] += rng.random((stars, 1), np.float32) ** 3 * 0.9
    for _ in range(int(rng.integers(2, 5))):
        _add_curtain(rng, sky, light)
    _add_horizon(rng, sky, mix(night[0], palette("000000")[0], 0.35), 0.16 if lake else 0.2)
    if lake:
        _mirror_lake(rng, canvas, shore)
    place = "a still lake" if lake else "the spruces"
    return Picture(canvas, f"Northern lights over {place}", ("night", "water" if lake else "forest"))


def _add_curtain(rng: Rng, sky: Array, light: Array) -> None:
    """One curtain: a bent lower edge, rays that fade upwards from green to violet."""
    height, width = sky.shape[0] // 2, sky.shape[1] // 2
    _, down = axes(width, height)
    edge = height * (rng.uniform(0.4, 0.75) + 0.35 * (profile(rng, width, width * 0.8, 3) - 0.5))
    folds = profile(rng, width, width * 0.05, 3, 0.7) * 0.65 + profile(rng, width, width * 0.5, 2) * 0.6
    power = smoothstep(0.3, 1.05, folds) * np.sin(np.linspace(0.1, 3.0, width) + rng.uniform(-0.5, 0.5)) ** 2
    reach = height * (0.16 + 0.3 * profile(rng, width, width * 0.12, 3))
    rise = (edge[None] - down) / reach[None]
    glow = np.where(rise > 0, np.exp(-np.abs(rise)), np.exp(-np.abs(rise) * 6)) * power[None]
    shade = ramp(light, np.clip(rise / 2.6, 0, 1))
    full = (sky.shape[1], sky.shape[0])
    coloured = np.stack([resize((glow * shade[..., c]).astype(np.float32), *full) for c in range(3)], axis=-1)
    sky += (1 - sky) * np.clip(coloured, 0, 1)


def _add_horizon(rng: Rng, sky: Array, colour: Array, reach: float) -> None:
    """Far hills and, before them, a line of spruces."""
    height, width = sky.shape[:2]
    _, down = axes(width, height)
    hills = height * (0.98 - reach * (0.3 + profile(rng, width, width * 0.6, 5)))
    lay(sky, colour * 1.6 + 0.02, np.clip(down - hills[None], 0, 1))
    ground = height * (1 - reach * 0.22 * (0.5 + profile(rng, width, width * 0.7, 3)))
    mask = Sheet(width, height)
    for x in rng.uniform(0, width, int(width / 9)):
        tall = height * reach * rng.uniform(0.25, 1.0) ** 1.5
        foot = float(ground[int(min(x, width - 1))]) + 4
        steps = np.linspace(0, 1, 15)
        half = tall * 0.2 * steps * np.where(np.arange(15) % 2, 1.0, 0.55)
        y = foot - tall + steps * tall
        sides = np.concatenate([np.stack([x - half, y], 1), np.stack([x + half, y], 1)[::-1]])
        mask.polygon(sides)
    lay(sky, colour, np.maximum(mask.mask(), np.clip(down - ground[None], 0, 1)))


def _mirror_lake(rng: Rng, canvas: Array, shore: int) -> None:
    height, width = canvas.shape[:2]
    depth = height - shore
    near = np.linspace(0, 1, depth, dtype=np.float32)[:, None]
    ripples = noise(rng, width, depth, (width * 0.2, 9), 2)
    rows = shore - 1 - (near * depth * 1.6).astype(int) + ((ripples - 0.5) * 26 * (0.2 + near)).astype(int)
    columns = np.arange(width)[None] + ((ripples - 0.5) * 5).astype(int)
    canvas[shore:] = canvas[np.clip(rows, 0, shore - 1), np.clip(columns, 0, width - 1)] * 0.72
