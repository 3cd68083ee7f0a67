"""Portraits of shapes, planets and shells: one form, its light and its ground."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    blur,
    dim,
    distance,
    halo,
    lay,
    mix,
    noise,
    palette,
    pick,
    profile,
    ramp,
    shifted,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

PRINTS = (
    "efe3cc 1f3a4d d1603d e6b450 7fa39a 2a2326",
    "f3e4d7 6b2d44 e08e6d 2f5d62 f0c987 231a24",
    "e7e4d8 2b3a67 c9503f f2b84b a8b7c7 1c1d2b",
    "f1e9da 37503f c97b4a ead0a0 8aa07d 1f241f",
    "e9dcd6 54325c d9647a f3ae7c 6f83b0 211a2b",
    "dfe5e2 14495c e3683e f5c878 5fa0a0 10202b",
)
HAIR = ("with long hair", "with a bun", "with curls", "under a hat")
WORLDS = (
    "2b1a1a 7a4632 c98d5e ecd0a4 a8653f f4e6cc",
    "0d1f3a 23598a 6fa8c4 d8e8ea 3a7a9c f3f6f2",
    "1c1430 4f3a78 9a78b8 e2c4dc 6a5098 f5e6ee",
    "13241f 37624f 86a878 dfdcae 587f58 f2efd0",
    "2a1420 8a3040 d9694f f4b984 a8434a fbe3c4",
    "16181d 4b5058 8e9296 d5d3cc 64676c efeeea",
)
SHELLS = (
    "e8d9c0 f6e3cc d99c74 9c5c48 5a332f",
    "2b4450 f3e6d8 d8a99a 9a6a72 4a3848",
    "d5dcd6 fbf1e4 e3bfa0 b0806a 5e4640",
    "233038 efe0c8 c79a68 7f5238 3c2820",
    "ead2cb fdf0ea e8b4b0 b87c8c 6a4a64",
    "c9d6dc f7f2e8 bcc2c4 7c8c9c 3f4c60",
)


def draw_portrait(rng: Rng, width: int, height: int) -> Picture:
    """A face put together from discs, blocks and arcs, like a screen print of the twenties."""
    colours = pick(rng, PRINTS, 10)
    order = rng.permutation(np.arange(1, 5))
    first, second, third, fourth = colours[order]
    dark = colours[5]
    unit = min(width * 1.25, height)
    x, y = width * rng.uniform(0.44, 0.56), height * rng.uniform(0.42, 0.48)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = colours[0]
    sheet = Sheet(width, height, canvas)
    if rng.random() < 0.6:
        sheet.box(0, 0, width * rng.uniform(0.3, 0.6), height, mix(third, colours[0], 0.45))
    if rng.random() < 0.7:
        sheet.disc(x + unit * rng.uniform(-0.3, 0.3), y - unit * 0.05, unit * rng.uniform(0.33, 0.44), fourth)
    head = unit * rng.uniform(0.17, 0.2), unit * rng.uniform(0.24, 0.27)
    skin = mix(second, colours[0], rng.uniform(0.45, 0.7))
    shade = mix(mix(skin, colours[2], 0.38), dark, 0.12)
    hair = dark if rng.random() < 0.6 else mix(first, dark, 0.35)
    style = int(rng.integers(len(HAIR)))
    _add_bust(rng, sheet, (x, y, unit), head, (first, third, shade, skin, hair), style)
    turn = np.linspace(0, 2 * np.pi, 80)
    oval = np.stack([x + head[0] * np.cos(turn), y + head[1] * np.sin(turn)], 1)
    sheet.polygon(oval, skin)
    side = 1 if rng.random() < 0.5 else -1
    half = oval[(oval[:, 0] - x) * side >= -0.5]
    half = half[np.argsort(half[:, 1])]
    bend = np.linspace(0, np.pi, 20)
    line = np.stack([x - side * head[0] * 0.12 * np.sin(bend * 2), np.linspace(y + head[1], y - head[1], 20)], 1)
    sheet.polygon(np.concatenate([half, line]), shade)
    _add_face(rng, sheet, (x, y, side), head, (dark, colours[2], colours[0], mix(colours[1], colours[4], 0.4)))
    canvas = sheet.canvas()
    texture = noise(rng, width, height, 6, 3, 0.8)
    lay(canvas, colours[0], smoothstep(0.62, 0.95, texture) * 0.3)
    return Picture(canvas, f"A face {HAIR[style]}, made of discs and blocks", ("portrait", "abstract", "geometric"), 0.02, 0.06)


def _add_bust(
    rng: Rng,
    sheet: Sheet,
    at: tuple[float, float, float],
    head: tuple[float, float],
    inks: tuple[Array, ...],
    style: int,
) -> None:
    """Hair, neck and shoulders behind the face, at times a hat."""
    x, y, unit = at
    first, third, shade, skin, hair = inks
    if style == 0:
        sheet.ellipse(x, y - head[1] * 0.2, head[0] * 1.35, head[1] * 1.05, hair)
        sheet.box(x - head[0] * 1.35, y - head[1] * 0.2, head[0] * 2.7, head[1] * 1.3, hair)
    elif style == 1:
        sheet.disc(x, y - head[1] * 1.25, head[0] * 0.6, hair)
        sheet.ellipse(x, y - head[1] * 0.25, head[0] * 1.15, head[1] * 0.95, hair)
    elif style == 2:
        for curl in np.linspace(np.pi * 0.85, np.pi * 2.15, 9):
            sheet.disc(x + head[0] * 1.02 * np.cos(curl), y + head[1] * 0.9 * np.sin(curl), head[0] * 0.42, hair)
    else:
        sheet.ellipse(x, y - head[1] * 0.62, head[0] * 1.9, head[1] * 0.16, first)
        sheet.sector(x, y - head[1] * 0.6, head[0] * 1.08, (180, 360), first)
    sheet.box(x - head[0] * 0.38, y + head[1] * 0.6, head[0] * 0.76, unit * 0.24, mix(shade, skin, 0.3))
    broad = unit * rng.uniform(0.34, 0.42)
    sheet.ellipse(x, y + head[1] + unit * 0.36, broad, unit * 0.3, third)
    sheet.sector(x, y + head[1] + unit * 0.1, unit * 0.12, (0, 180), mix(shade, skin, 0.3))
    stripes = int(rng.choice([0, 0, 3, 5]))
    for stripe in range(stripes):
        below = unit * (0.2 + stripe * 0.05)
        half = broad * np.sqrt(max(0.0, 1 - ((below - unit * 0.35) / (unit * 0.3)) ** 2))
        sheet.box(x - half, y + head[1] + below, half * 2, unit * 0.018, first, 0.7)


def _add_face(
    rng: Rng, sheet: Sheet, at: tuple[float, float, int], head: tuple[float, float], inks: tuple[Array, ...]
) -> None:
    x, y, side = at
    dark, lips, white, jewel = inks
    gap, eye = head[0] * 0.45, head[0] * rng.uniform(0.17, 0.24)
    level = y - head[1] * 0.1
    for place in (-1, 1):
        ex = x + place * gap
        if rng.random() < 0.8:
            arc = np.linspace(0, np.pi, 16)
            lid = np.stack([ex + eye * 1.35 * np.cos(arc), level - eye * 0.75 * np.sin(arc)], 1)
            low = np.stack([ex - eye * 1.35 * np.cos(arc), level + eye * 0.75 * np.sin(arc)], 1)
            sheet.polygon(np.concatenate([lid, low]), white)
            sheet.disc(ex, level, eye * 0.62, jewel)
            sheet.disc(ex, level, eye * 0.34, dark)
            sheet.line(lid, eye * 0.2, dark)
        else:
            sheet.sector(ex, level, eye * 1.2, (0, 180), dark)
        brow = np.linspace(np.pi * 0.2, np.pi * 0.8, 12)
        sheet.line(np.stack([ex + eye * 1.9 * np.cos(brow), level - eye * 0.5 - eye * 1.5 * np.sin(brow)], 1),
                   eye * 0.3, dark)
    nose = y + head[1] * 0.28
    sheet.line([(x + side * gap * 0.35, level - eye), (x - side * gap * 0.32, nose), (x + side * gap * 0.2, nose)],
               eye * 0.22, dark)
    mouth, broad = y + head[1] * 0.56, head[0] * rng.uniform(0.3, 0.42)
    sheet.sector(x - broad * 0.45, mouth, broad * 0.55, (180, 360), lips)
    sheet.sector(x + broad * 0.45, mouth, broad * 0.55, (180, 360), lips)
    sheet.sector(x, mouth, broad, (8, 172), mix(lips, dark, 0.2))
    if rng.random() < 0.5:
        for place in (-1, 1):
            sheet.disc(x + place * head[0] * 1.08, y + head[1] * 0.42, head[0] * 0.15, jewel)
    if rng.random() < 0.5:
        sheet.disc(x + side * gap * 1.15, y + head[1] * 0.35, head[0] * 0.2, lips, 0.55)


def draw_planet(rng: Rng, width: int, height: int) -> Picture:
    """A planet half in shadow before stars and a faint nebula; some wear a ring, some have moons."""
    colours = pick(rng, WORLDS, 16)
    canvas = _starfield(rng, width, height, colours)
    unit = min(width, height)
    radius = unit * rng.uniform(0.24, 0.4)
    x, y = width * rng.choice([0.4, 0.5, 0.62]), height * rng.uniform(0.42, 0.58)
    angle = rng.uniform(0, 2 * np.pi)
    sun = np.float32([np.cos(angle) * 0.75, np.sin(angle) * 0.5, rng.uniform(0.35, 0.75)])
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
    deep = np.stack([palette("04060d")[0], mix(colours[0], palette("060812")[0], 0.5), mix(colours[1], colours[0], 0.4)])
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
