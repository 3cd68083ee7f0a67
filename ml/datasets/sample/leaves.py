"""Leaves: outlines grown from a few curves, scattered or on sprigs."""

import numpy as np

from ml.datasets.sample.canvas import Array, Rng, axes, blur, dim, lay, mix, noise, palette, pick, shifted
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
