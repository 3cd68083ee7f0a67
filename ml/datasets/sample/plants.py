"""Leaves and flower meadows: outlines that grow from a few curves, scattered by chance."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    blur,
    dim,
    halo,
    lay,
    mix,
    noise,
    palette,
    pick,
    ramp,
    shifted,
    shine,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

# Ground first, then the leaves.
FOLIAGE = (
    "16281f 5f8f5a 9bbf76 3f6f4c c9d88a 7fae70",
    "1d302c 4f8a72 8fbf9a 356a58 bfd8b4 74a88c",
    "22301c 7a8f3f b8b85a 56702f dcd08a 9aa84a",
    "2a3a24 d98a3a b8632d e0b25a 6f8a3f c9a04a",
    "b9c8a4 33543f 5b7f4f 8da667 24382f 6f9a58",
    "c4ccb0 3b6648 d0a24a 6f9a58 b8703a 4f7f48",
)
SEASON = (
    "green leaves in the shade",
    "cool leaves after rain",
    "olive leaves at noon",
    "leaves at the turn of the year",
    "green leaves in spring light",
    "leaves of early autumn",
)
# Sky, far grass, near grass, then the flowers.
MEADOWS = (
    "cfe3e6 9fb98a 2f4f2c d94f3a e8694a f2f0e4 4a63b0",
    "f6dcc0 b9b278 3c4a26 e9b23c f3d36a fdf3dc d97a3a",
    "d8d4ea 8fa58f 27443c 7a5cb8 a98ad6 e8dcf2 5a49a0",
    "f4d9d6 a8b48c 33492f e07a98 f0b0bf fbeef0 c24a78",
    "bcd6e8 8fb07a 254a33 f7f4ea fbe08a eaf0f4 6f8fd0",
)
FLOWERS = ("poppies", "buttercups", "lavender and bellflowers", "cosmos", "daisies")


def _leaf(length: float, breadth: float, bend: float) -> tuple[Array, Array, Array]:
    """A leaf along +x from (0, 0): its upper edge, midrib and lower edge, each [n, 2]."""
    along = np.linspace(0, 1, 25, dtype=np.float32)
    half = breadth * np.clip(np.sin(np.pi * along**0.8), 0, 1) ** 0.9 * (1 - 0.15 * along)
    rib = np.stack([along * length, bend * length * along**2], axis=1)
    return rib - np.stack([half * 0, half], 1), rib, rib + np.stack([half * 0, half], 1)


def _placed(points: Array, x: float, y: float, angle: float) -> Array:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    return points @ turn + np.array([x, y], np.float32)


def _draw_leaf(sheet: Sheet, shape: tuple[float, float, float], at: tuple[float, float, float], ink: Array) -> None:
    """One leaf: two halves in two tones and its veins."""
    upper, rib, lower = (_placed(part, *at) for part in _leaf(*shape))
    sheet.polygon(np.concatenate([upper, rib[::-1]]), mix(ink, palette("fff6dc")[0], 0.14))
    sheet.polygon(np.concatenate([lower, rib[::-1]]), mix(ink, palette("0a1210")[0], 0.14))
    vein = mix(ink, palette("fff2d0")[0], 0.4)
    stem = at[0] - np.cos(at[2]) * shape[0] * 0.14, at[1] - np.sin(at[2]) * shape[0] * 0.14
    sheet.line(np.concatenate([[stem], rib]), max(0.8, shape[1] * 0.05), vein)
    for step in range(3, 21, 3):
        for edge in (upper, lower):
            tip = rib[step] + (edge[min(step + 4, 24)] - rib[step]) * 0.85
            sheet.line([rib[step], tip], max(0.5, shape[1] * 0.022), vein, 0.7)


def _sprig(rng: Rng, sheet: Sheet, at: tuple[float, float, float], size: float, ink: Array) -> None:
    """A bent twig with leaves in pairs, smaller towards its tip."""
    pairs, bend = int(rng.integers(5, 9)), rng.uniform(-0.9, 0.9)
    along = np.linspace(0, 1, pairs + 1)
    angle = at[2] + bend * along
    x = at[0] + np.cumsum(np.cos(angle)) * size / pairs
    y = at[1] + np.cumsum(np.sin(angle)) * size / pairs
    sheet.line(np.stack([x, y], 1), size * 0.012, mix(ink, palette("1a120a")[0], 0.4))
    for step in range(pairs):
        length = size * 0.34 * (1 - 0.55 * along[step])
        for side in (-1, 1):
            shape = (length, length * rng.uniform(0.2, 0.28), side * 0.12)
            _draw_leaf(sheet, shape, (x[step], y[step], angle[step] + side * rng.uniform(0.65, 0.95)), ink)
    _draw_leaf(sheet, (size * 0.2, size * 0.05, 0), (x[-1], y[-1], angle[-1]), ink)


def draw_leaves(rng: Rng, width: int, height: int) -> Picture:
    """Leaves or sprigs in layers, each layer throwing a soft shadow on the one below."""
    which = int(rng.integers(len(FOLIAGE)))
    colours = pick(rng, (FOLIAGE[which],), 6)
    _, down = axes(width, height)
    canvas = colours[0] * (0.94 + 0.1 * noise(rng, width, height, 90, 5, 0.7))[..., None]
    sprigs = rng.random() < 0.5
    unit = min(width, height)
    for layer in range(3):
        before = canvas.copy()
        sheet = Sheet(width, height, canvas)
        count = int(rng.integers(2, 5)) if sprigs else int(rng.integers(9, 16))
        for _ in range(count):
            tone = colours[int(rng.integers(1, len(colours)))]
            tone = mix(tone, colours[0], 0.45 - 0.22 * layer)
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            angle = rng.uniform(0, 2 * np.pi)
            if sprigs:
                start = x - np.cos(angle) * unit * 0.3, y - np.sin(angle) * unit * 0.3, angle
                _sprig(rng, sheet, start, unit * rng.uniform(0.6, 0.95), tone)
            else:
                length = unit * rng.uniform(0.22, 0.5)
                shape = (length, length * rng.uniform(0.16, 0.3), rng.uniform(-0.25, 0.25))
                _draw_leaf(sheet, shape, (x, y, angle), tone)
        drawn = sheet.canvas()
        change = np.abs(drawn - before)
        covered = np.clip((change[..., 0] + change[..., 1] + change[..., 2]) * 12, 0, 1)
        shadow = shifted(blur(covered, unit * 0.014), int(unit * 0.008), int(unit * 0.012))
        canvas = before
        dim(canvas, 1 - 0.38 * shadow)
        lay(canvas, drawn, covered)
    dim(canvas, 1.06 - 0.16 * down / height)
    return Picture(canvas, f"{'Sprigs of ' if sprigs else 'Scattered '}{SEASON[which]}", ("plants", "botanical"))


def draw_meadow(rng: Rng, width: int, height: int) -> Picture:
    """Flowers in grass: far ones small and blurred, near ones large and clear."""
    which = int(rng.integers(len(MEADOWS)))
    colours = pick(rng, (MEADOWS[which],), 8)
    horizon = height * rng.uniform(0.14, 0.34)
    _, down = axes(width, height)
    stops = (0.0, horizon / height, horizon / height + 0.06, 1.0)
    stack = np.stack([colours[0], mix(colours[0], palette("fffaf0")[0], 0.6), colours[1], colours[2]])
    canvas = ramp(stack, down / height, stops) + np.zeros((1, width, 1), np.float32)
    hills = noise(rng, width, 1, width * 0.5, 3)
    lay(canvas, mix(colours[1], colours[0], 0.5), np.clip(down - horizon + hills * height * 0.1, 0, 1)
        * np.clip((horizon * 1.1 - down) / 8 + 1, 0, 1))
    shine(canvas, palette("fff1cf")[0], halo(width, height, width * rng.uniform(0.1, 0.9), 0, height * 0.5) * 0.5)
    patch = noise(rng, width, height, (width * 0.2, height * 0.06), 4)
    dim(canvas, 1 + 0.3 * (patch - 0.5) * (down > horizon))
    sheet = Sheet(width, height, canvas)
    for layer in range(5):
        _add_row(rng, sheet, (width, height), colours, (horizon, layer / 4))
    return Picture(sheet.canvas(), f"A meadow of {FLOWERS[which]}", ("flowers", "land"))


def _add_row(
    rng: Rng, sheet: Sheet, extent: tuple[int, int], colours: Array, place: tuple[float, float]
) -> None:
    """One layer of blades and blossoms below the horizon, at a nearness of 0 to 1."""
    (width, height), (horizon, near) = extent, place
    size = min(width, height) * (0.006 + 0.05 * near**1.6)
    low = horizon + (height - horizon) * (0.02 + 0.75 * near**1.4)
    spread = (height - horizon) * (0.1 + 0.3 * near)
    green = mix(colours[1], colours[2], 0.25 + 0.7 * near)
    for _ in range(int(60 + 90 * near)):
        x, y = rng.uniform(0, width), low + rng.uniform(0, spread) + size * 5
        tip = x + rng.normal(0, size * 1.6), y - size * rng.uniform(3, 8)
        middle = x + (tip[0] - x) * 0.25, y - (y - tip[1]) * 0.6
        tone = mix(green, colours[int(rng.integers(0, 3))], rng.uniform(0, 0.45))
        wide = size * 0.14 + 0.5
        sheet.polygon([(x - wide, y), middle, tip, (middle[0] + wide, middle[1]), (x + wide, y)], tone, 0.85)
    count = int(np.interp(near, [0, 0.25, 0.5, 0.75, 1], [280, 190, 90, 42, 18]) * rng.uniform(0.7, 1.3))
    places = np.sort(rng.uniform(low - size, low + spread, count))
    for y in places:
        x = rng.uniform(0, width)
        ink = colours[int(rng.choice([3, 3, 3, 4, 4, 5, 6]))]
        if near > 0.4:
            sheet.line([(x, y), (x + rng.normal(0, size), y + size * 6)], size * 0.13, green)
        _blossom(rng, sheet, (x, y), size * rng.uniform(0.7, 1.25), ink)


def _blossom(rng: Rng, sheet: Sheet, at: tuple[float, float], size: float, ink: Array) -> None:
    x, y = at
    if size < 8:
        sheet.ellipse(x, y, size, size * 0.7, ink)
        sheet.ellipse(x, y - size * 0.2, size * 0.6, size * 0.3, mix(ink, palette("fffdf5")[0], 0.35))
        return
    petals, start, tilt = int(rng.integers(5, 9)), rng.uniform(0, 6.3), rng.uniform(0.45, 0.9)
    turn = np.linspace(0, 2 * np.pi, 12, dtype=np.float32)
    oval = np.stack([0.55 + 0.45 * np.cos(turn), 1.95 / petals * np.sin(turn)], axis=1).astype(np.float32)
    rings = ((1.0, mix(ink, palette("201018")[0], 0.16)), (0.84, ink)) if size > 14 else ((1.0, ink),)
    for ring, tone in rings:
        tones = tone, mix(tone, palette("fffaf0")[0], 0.14)
        for petal in range(petals):
            angle = start + petal / petals * 2 * np.pi + (1 - ring) * 2
            points = _placed(oval * (size * ring), 0, 0, angle) * np.float32([1, tilt])
            sheet.polygon(points + np.float32([x, y]), tones[petal % 2])
    sheet.ellipse(x, y, size * 0.24, size * 0.24 * tilt, mix(ink, palette("2a1c10")[0], 0.75))
    sheet.ellipse(x - size * 0.04, y - size * 0.05, size * 0.13, size * 0.1 * tilt, palette("e8c25a")[0])
