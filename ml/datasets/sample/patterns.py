"""Tiles and paper cut-outs: surfaces made of repeated or layered shapes."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    blur,
    dim,
    distance,
    noise,
    palette,
    pick,
    ramp,
    shifted,
    smoothstep,
)
from ml.datasets.sample.family import Picture

GLAZES = (
    "f4efe2 1f4e8c 7fa8cf e3b04b",
    "f2ead8 1f6f6b d98a4a 243447",
    "f6f1e6 b5533c 2d4f5e e6b566",
    "e9efe8 2f6b4f a7c4a0 c9973f",
    "f3ece4 6a3b5e c98aa0 e2bd6a",
    "efe9dc 23304f c05a3e 8fb0a8",
)
PAPERS = (
    "f7e6c8 f2b872 e0735a a13d57 532a55 231a3d",
    "eaf4ee b7dccf 6fb3ad 34788a 1d4568 11244a",
    "fbeee6 f3c9c0 dd94a0 a8668f 66467d 2f2c58",
    "f4f0d9 d3d69a 93b06c 4f8159 265448 122f33",
    "fdf3e0 fbd48a f29a4f c9562f 84302c 3b1a24",
)


def draw_tiles(rng: Rng, width: int, height: int) -> Picture:
    """Glazed tiles with one motif, some turned, none quite alike."""
    colours = pick(rng, GLAZES, 10)
    side = int(min(width, height) / rng.integers(3, 8))
    motif = _motif(rng, side, colours)
    rows, columns = height // side + 2, width // side + 2
    shift_y, shift_x = (int(value) for value in rng.integers(0, side, 2))
    turns = rng.integers(0, 4, (rows, columns)) if rng.random() < 0.4 else np.zeros((rows, columns), int)
    bands = []
    for row in range(rows):
        tiles = [np.rot90(motif, turns[row, c]) * rng.uniform(0.93, 1.04) for c in range(columns)]
        bands.append(np.concatenate(tiles, axis=1))
    wall = np.concatenate(bands, axis=0)[shift_y : shift_y + height, shift_x : shift_x + width]
    glaze = noise(rng, width, height, side * 1.5, 3)
    canvas = wall * (0.9 + 0.16 * glaze)[..., None]
    across = round(width / side)
    return Picture(
        canvas.astype(np.float32),
        f"Glazed tiles in one motif, {across} across",
        ("pattern", "geometric"),
        0.014,
    )


def _motif(rng: Rng, side: int, colours: Array) -> Array:
    """One tile [side, side, 3]: rings, petals and corner pieces, with a bevel and a joint."""
    fine = side * 3
    line = (np.arange(fine, dtype=np.float32) + 0.5) / fine * 2 - 1
    x, y = line[None], line[:, None]
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    corner = np.hypot(1 - np.abs(x), 1 - np.abs(y))
    diamond, square = np.abs(x) + np.abs(y), np.maximum(np.abs(x), np.abs(y))
    fold = int(rng.choice([4, 8, 12]))
    wave = np.cos(angle * fold + (np.pi if rng.random() < 0.5 else 0))
    fields = [
        diamond,
        radius + 0.12 * wave,
        square * 0.6 + diamond * 0.35,
        radius * (1 - 0.25 * wave),
        radius,
    ]
    tile = np.empty((fine, fine, 3), np.float32)
    tile[:] = colours[0]
    sizes = np.sort(rng.uniform(0.25, 0.98, 4))[::-1]
    for size in sizes:
        field = fields[int(rng.integers(len(fields)))]
        tile[field < size] = colours[int(rng.integers(len(colours)))]
        if rng.random() < 0.6:
            tile[np.abs(field - size) < 0.035] = colours[0]
    reach = rng.uniform(0.3, 0.62)
    tile[corner < reach] = colours[int(rng.integers(1, 4))]
    tile[corner < reach * 0.72] = colours[0]
    tile[corner < reach * 0.5] = colours[int(rng.integers(1, 4))]
    edge = 1 - square
    tile *= (1 - 0.25 * (edge < 0.06) * (y + x > 0) + 0.05 * (edge < 0.06) * (y + x < 0))[..., None]
    tile[edge < 2.4 / side] = palette("cfc7b8")[0] * 0.82
    return tile.reshape(side, 3, side, 3, 3).mean(axis=(1, 3))


def draw_paper(rng: Rng, width: int, height: int) -> Picture:
    """Sheets of coloured paper with holes cut in them, one above the other, each throwing a shadow."""
    colours = pick(rng, PAPERS, 6)
    sheets = int(rng.integers(6, 9))
    field = noise(rng, width, height, min(width, height) * rng.uniform(0.5, 0.9), 2, 0.3)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None] - rng.uniform(-0.2, 0.2)
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - rng.uniform(-0.2, 0.2)
    kind = int(rng.integers(2))
    form = (distance(across, down) * 0.8, np.abs(across + 0.3 * np.sin(down * rng.uniform(2, 4))))[kind]
    field = field * 0.45 - form * 0.75
    low, high = np.quantile(field[::8, ::8], [0.08, 0.9])
    reach = min(width, height) * 0.018
    sharp = (high - low) * 1.5 / min(width, height)
    above = np.zeros((height, width), np.float32)
    shade = np.ones((height, width), np.float32)
    for sheet in range(sheets):
        level = low + (high - low) * sheet / (sheets - 1)
        mask = smoothstep(level - sharp, level + sharp, field)
        shade *= 1 - 0.5 * shifted(blur(mask, reach), int(reach), int(reach))
        shade += (1 - shade) * mask
        above += mask
    canvas = ramp(colours, above / sheets)
    dim(canvas, shade * (0.95 + 0.08 * noise(rng, width, height, 5, 2)))
    what = ("a hollow", "a canyon")[kind]
    return Picture(canvas, f"Cut paper in {sheets} layers, like {what}", ("paper", "abstract"))
