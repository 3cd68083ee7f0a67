"""Flower meadows: blossoms in grass, blurred by distance, clear when near."""

import numpy as np

from ml.datasets.sample.canvas import Array, Rng, axes, dim, halo, lay, mix, noise, palette, pick, ramp, shine
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

# Sky, far grass, near grass, then the flowers.
MEADOWS = (
    "cfe3e6 9fb98a 2f4f2c d94f3a e8694a f2f0e4 4a63b0",
    "f6dcc0 b9b278 3c4a26 e9b23c f3d36a fdf3dc d97a3a",
    "d8d4ea 8fa58f 27443c 7a5cb8 a98ad6 e8dcf2 5a49a0",
    "f4d9d6 a8b48c 33492f e07a98 f0b0bf fbeef0 c24a78",
    "bcd6e8 8fb07a 254a33 f7f4ea fbe08a eaf0f4 6f8fd0",
)
FLOWERS = ("poppies", "buttercups", "lavender and bellflowers", "cosmos", "daisies")


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
    lay(
        canvas,
        mix(colours[1], colours[0], 0.5),
        np.clip(down - horizon + hills * height * 0.1, 0, 1) * np.clip((horizon * 1.1 - down) / 8 + 1, 0, 1),
    )
    shine(
        canvas,
        palette("fff1cf")[0],
        halo(width, height, width * rng.uniform(0.1, 0.9), 0, height * 0.5) * 0.5,
    )
    patch = noise(rng, width, height, (width * 0.2, height * 0.06), 4)
    dim(canvas, 1 + 0.3 * (patch - 0.5) * (down > horizon))
    sheet = Sheet(width, height, canvas)
    for layer in range(5):
        _add_row(rng, sheet, (width, height), colours, (horizon, layer / 4))
    return Picture(sheet.canvas(), f"A meadow of {FLOWERS[which]}", ("flowers", "land"))


def _add_row(rng: Rng, sheet: Sheet, extent: tuple[int, int], colours: Array, place: tuple[float, float]) -> None:
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
            points = oval * (size * ring) @ _turned(angle) * np.array([1, tilt], np.float32)
            sheet.polygon(points + np.array([x, y], np.float32), tones[petal % 2])
    sheet.ellipse(x, y, size * 0.24, size * 0.24 * tilt, mix(ink, palette("2a1c10")[0], 0.75))
    sheet.ellipse(x - size * 0.04, y - size * 0.05, size * 0.13, size * 0.1 * tilt, palette("e8c25a")[0])


def _turned(angle: float) -> Array:
    """The matrix [2, 2] that turns row vectors by an angle in radians."""
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
