"""Stained glass and woven textiles: light through lead and glass, and threads over and under."""

import numpy as np

from ml.datasets.sample.canvas import Array, Rng, axes, distance, halo, lay, noise, palette, pick, ramp, shine, smoothstep
from ml.datasets.sample.family import Picture

GLASSES = (
    "1a3a8a 2f7fc0 6fc0d8 f2d06a e8873a b8323f",
    "12504a 2f9a7a a8d07a f4e08a e0a040 8a3a5a",
    "3a1f6a 7a3fa8 c86ab0 f2a0a0 f6d08a 3f8ab0",
    "7a1f2a c8402f f08a3a f8d070 9ac0a0 2a5a7a",
    "16324a 3a6f8a 8fb8b0 e8e0b0 d8a05a 8a4a3a",
)
YARNS = (
    "7a2430 1f2f4a e8dcc4 c8963f 2f4a3a",
    "24405a d8cdb8 a84a3a 3a6a6a e0b060",
    "8a3a2a e0cda8 2f3a4a c07a3a 5a2a28",
)


def draw_glass(rng: Rng, width: int, height: int) -> Picture:
    """A leaded window: pieces of glass in a rose, in rays from a sun, or free, each with its own tone."""
    colours = pick(rng, GLASSES, 14)
    kind = int(rng.integers(3))
    across, down = axes(width, height)
    unit = min(width, height)
    x, y = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.35, 0.65)
    far, angle = distance(across - x, down - y) / unit, np.arctan2(down - y, across - x) / (2 * np.pi) + 0.5
    if kind == 0:
        rings = rng.uniform(6, 9)
        spokes = int(rng.choice([12, 16, 20]))
        u, v, wrap, jitter = angle * spokes, far * rings, spokes, 0.1
    elif kind == 1:
        spokes = int(rng.integers(16, 28))
        u, v, wrap, jitter = angle * spokes, np.sqrt(far) * 5.5, spokes, 0.6
    else:
        step = unit / rng.uniform(7, 11)
        u, v = (across + np.zeros_like(down)) / step, (down + np.zeros_like(across)) / step
        wrap, jitter = 4096, 0.95
    first, second, piece = _pieces(rng, u.astype(np.float32), v.astype(np.float32), wrap, jitter)
    scale = np.hypot(*np.gradient(v.astype(np.float32))) + np.hypot(*np.gradient(u.astype(np.float32))) * (kind == 2)
    lead = smoothstep(3.2, 1.7, (second - first) / np.clip(scale, 1 / unit, 0.2))
    glow = far / far.max() if kind < 2 else (down / height + 0.25 * noise(rng, width, height, unit, 2)) / 1.2
    if kind == 0:
        ring, spoke = piece // spokes, piece % spokes
        at = (ring * 0.37 + (spoke % 2) * 0.3 + (spoke % 4 == 0) * 0.22 + rng.uniform(0, 1)) % 1
    else:
        at = np.clip(glow + 0.6 * (rng.permutation(512)[piece % 512] / 512 - 0.5), 0, 1)
    tone = ramp(colours if rng.random() < 0.5 else colours[::-1], at.astype(np.float32))
    if kind < 2:
        heart = np.clip((0.085 - far) * unit + 0.5, 0, 1)
        lay(tone, colours[int(rng.integers(3, 6))], heart)
        lead = np.maximum(lead * (1 - heart), smoothstep(3.0, 1.2, np.abs(far - 0.085) * unit))
    wavy = noise(rng, width, height, (unit * 0.09, unit * 0.04), 4, 0.6)
    bright = 0.6 + 0.34 * wavy + 0.3 * (((piece * 7919) % 97) / 97 - 0.4)
    canvas = np.clip(tone * bright[..., None] * 1.12, 0, 1).astype(np.float32)
    shine(canvas, palette("fff2d0")[0], halo(width, height, x, y, unit * 0.4, 1.1) * 0.22)
    rim = smoothstep(0.5, 0.9, lead) * smoothstep(1.0, 0.9, lead)
    metal = palette("15161c")[0] + palette("4a4c58")[0] * (rim * 0.6)[..., None]
    lay(canvas, metal, lead)
    what = ("A rose window", "Glass rays around a sun", "A window of many panes")[kind]
    return Picture(canvas, f"{what} in lead", ("glass", "pattern"))


def _pieces(rng: Rng, u: Array, v: Array, wrap: int, jitter: float) -> tuple[Array, Array, Array]:
    """Cellular noise (Worley, 1996): the distances to the nearest two points, and the nearest one's number.

    There is one point in each unit square of (u, v); u closes on itself after `wrap` squares.
    """
    rows, columns = int(v.max()) + 4, min(wrap, int(u.max()) + 4)
    places = 0.5 + (rng.random((2, rows, columns), np.float32) - 0.5) * jitter
    point_u, point_v = places.reshape(2, -1)
    cell_u, cell_v = np.floor(u).astype(np.intp), np.floor(v).astype(np.intp)
    rest_u, rest_v = u - cell_u.astype(np.float32), v - cell_v.astype(np.float32)
    first, second = np.full(u.shape, 9, np.float32), np.full(u.shape, 9, np.float32)
    piece = np.zeros(u.shape, np.intp)
    for step_v in (-1, 0, 1):
        for step_u in (-1, 0, 1):
            row, column = cell_v + step_v + 1, (cell_u + step_u) % columns
            number = row * columns + column
            du = point_u.take(number) + (step_u - rest_u)
            dv = point_v.take(number) + (step_v - rest_v)
            far = du * du + dv * dv
            nearer = far < first
            second = np.minimum(second, np.where(nearer, first, far))
            piece = np.where(nearer, number, piece)
            first = np.minimum(first, far)
    return np.sqrt(first), np.sqrt(second), piece


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
    shade = np.where(np.repeat(np.repeat(over, thread, 0), thread, 1), np.tile(upright, (rows, columns)),
                     np.tile(upright.T, (rows, columns)))
    canvas = np.repeat(np.repeat(cloth, thread, 0), thread, 1) * shade[..., None]
    canvas = _folded(rng, canvas[:height, :width].astype(np.float32))
    return Picture(canvas, ("A tartan cloth", "A herringbone cloth")[kind] + ", thread by thread", ("textile", "pattern"))


def _sett(rng: Rng) -> Array:
    """The order of colours in a tartan, mirrored at both ends."""
    stripes = [np.full(int(rng.choice([2, 4, 6, 12, 20])), int(rng.integers(5))) for _ in range(int(rng.integers(5, 9)))]
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
    return canvas * (0.8 + 0.32 * noise(rng, width, height, (width * 0.5, height * 0.9), 3))[..., None]
