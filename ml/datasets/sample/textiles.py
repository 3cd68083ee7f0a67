"""Woven textiles: tartans, herringbones and ikats, thread by thread."""

import numpy as np

from ml.datasets.sample.canvas import Array, Rng, axes, dim, noise, pick
from ml.datasets.sample.family import Picture

YARNS = (
    "7a2430 1f2f4a e8dcc4 c8963f 2f4a3a",
    "24405a d8cdb8 a84a3a 3a6a6a e0b060",
    "8a3a2a e0cda8 2f3a4a c07a3a 5a2a28",
)


def draw_textile(rng: Rng, width: int, height: int) -> Picture:
    """Cloth: a tartan, a herringbone or an ikat, drawn thread by thread."""
    colours = pick(rng, YARNS, 5)
    thread = int(rng.integers(3, 6))
    kind = int(rng.integers(3))
    columns, rows = width // thread + 2, height // thread + 2
    across, down = np.arange(columns)[None], np.arange(rows)[:, None]
    if kind == 0:
        sett = _sett(rng)
        warp, weft = sett[across % len(sett)] + 0 * down, sett[down % len(sett)] + 0 * across
        over = (across + down) % 4 < 2
    elif kind == 1:
        broad = int(rng.integers(8, 18))
        fold = np.where(across // broad % 2 == 0, across, -across)
        over = (fold + down) % 4 < 2
        warp = np.where(across // (broad * 3) % 4 == 3, 3, 0) + 0 * down
        weft = np.full((rows, columns), 2) - (down // (broad * 2) % 4 == 3)
    else:
        return _ikat(rng, width, height, colours)
    yarn = np.where(over, warp, weft)
    cloth = colours.take(yarn % len(colours), axis=0)
    cloth = cloth * rng.uniform(0.88, 1.06, (rows, columns, 1)) * rng.uniform(0.95, 1.04, (1, columns, 1))
    cell = np.sin((np.arange(thread) + 0.5) / thread * np.pi)
    upright = 0.66 + 0.4 * cell[None] * np.ones((thread, 1))
    shade = np.where(
        np.repeat(np.repeat(over, thread, 0), thread, 1),
        np.tile(upright, (rows, columns)),
        np.tile(upright.T, (rows, columns)),
    )
    canvas = np.repeat(np.repeat(cloth, thread, 0), thread, 1) * shade[..., None]
    canvas = _folded(rng, canvas[:height, :width].astype(np.float32))
    return Picture(
        canvas, ("A tartan cloth", "A herringbone cloth")[kind] + ", thread by thread", ("textile", "pattern")
    )


def _sett(rng: Rng) -> Array:
    """The order of colours in a tartan, mirrored at both ends."""
    stripes = [
        np.full(int(rng.choice([2, 4, 6, 12, 20])), int(rng.integers(5))) for _ in range(int(rng.integers(5, 9)))
    ]
    half = np.concatenate(stripes)
    return np.concatenate([half, half[::-1]])


def _ikat(rng: Rng, width: int, height: int, colours: Array) -> Picture:
    """Diamonds whose edges bleed along the warp, since the yarn is dyed before it is woven."""
    across, down = axes(width, height)
    unit = min(width, height) / rng.uniform(2.2, 4.5)
    bleed = np.repeat(rng.normal(0, 0.05, width // 3 + 1), 3)[:width][None]
    u = np.abs((across / unit) % 1 - 0.5) * 2
    v = np.abs((down / unit / rng.uniform(1.1, 1.7) + bleed) % 1 - 0.5) * 2
    field = (u * rng.uniform(0.7, 1) + v) * rng.uniform(2.4, 4)
    index = np.floor(field).astype(int) % len(colours)
    part = field - np.floor(field)
    fine = noise(rng, width, height, (3, 26), 2)
    mixed = np.where(part > 0.72 + 0.4 * fine, (index + 1) % len(colours), index)
    canvas = colours.take(mixed, axis=0) * (0.82 + 0.26 * fine)[..., None]
    canvas = canvas * (0.9 + 0.1 * np.sin(down * np.pi / 1.5))[..., None]
    return Picture(_folded(rng, canvas.astype(np.float32)), "An ikat cloth with diamonds", ("textile", "pattern"))


def _folded(rng: Rng, canvas: Array) -> Array:
    """Soft folds over the cloth."""
    height, width = canvas.shape[:2]
    dim(canvas, 0.8 + 0.32 * noise(rng, width, height, (width * 0.5, height * 0.9), 3))
    return canvas
