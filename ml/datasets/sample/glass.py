"""Stained glass: light through coloured pieces held by lead."""

import numpy as np
from numpy.typing import NDArray

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    dim,
    distance,
    halo,
    lay,
    noise,
    palette,
    pick,
    ramp,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture

Indices = NDArray[np.intp]

GLASSES = (
    "1a3a8a 2f7fc0 6fc0d8 f2d06a e8873a b8323f",
    "12504a 2f9a7a a8d07a f4e08a e0a040 8a3a5a",
    "3a1f6a 7a3fa8 c86ab0 f2a0a0 f6d08a 3f8ab0",
    "7a1f2a c8402f f08a3a f8d070 9ac0a0 2a5a7a",
    "16324a 3a6f8a 8fb8b0 e8e0b0 d8a05a 8a4a3a",
)
HEART = 0.085  # the medallion's radius, in shares of the shorter side


def draw_glass(rng: Rng, width: int, height: int) -> Picture:
    """A leaded window: pieces of glass in a rose, in rays from a sun, or free, each with its own tone."""
    colours = pick(rng, GLASSES, 14)
    kind = int(rng.integers(3))
    unit = min(width, height)
    x, y = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.35, 0.65)
    across, down = axes(width, height)
    far = distance(across - x, down - y) / unit
    if kind == 2:
        step = unit / rng.uniform(7, 11)
        u, v = np.broadcast_arrays(across / step, down / step)
        spokes, jitter, fineness = 4096, 0.95, 2 / step
        at = down / height * 0.85 + 0.2 * noise(rng, width, height, unit, 2)
    else:
        spokes, jitter = int(rng.integers(12, 24)) // 4 * 4, (0.1, 0.6)[kind]
        rings = rng.uniform(6, 9)
        u = (np.arctan2(down - y, across - x) / (2 * np.pi) + 0.5) * spokes
        v = far * rings if kind == 0 else np.sqrt(far) * 5.5
        fineness = rings / unit if kind == 0 else 2.75 / (np.sqrt(far) + 0.05) / unit
        at = far / far.max()
    first, second, piece = _pieces(rng, u, v, spokes, jitter)
    lead = smoothstep(3.2, 1.7, (second - first) / fineness)
    if kind == 0:
        at = _rose_tones(rng, piece // spokes, piece % spokes)
    else:
        at = at + 0.6 * (rng.permutation(512)[piece % 512] / 512 - 0.5)
    canvas = ramp(colours if rng.random() < 0.5 else colours[::-1], at)
    if kind < 2:
        heart = np.clip((HEART - far) * unit + 0.5, 0, 1)
        lay(canvas, colours[int(rng.integers(3, 6))], heart)
        lead = np.maximum(lead * (1 - heart), smoothstep(3.0, 1.2, np.abs(far - HEART) * unit))
    wavy = noise(rng, width, height, (unit * 0.09, unit * 0.04), 4, 0.6)
    dim(canvas, 0.66 + 0.38 * wavy + 0.34 * ((piece * 7919) % 97 / 97 - 0.4))
    np.clip(canvas, 0, 1, out=canvas)
    shine(canvas, palette("fff2d0")[0], halo(width, height, x, y, unit * 0.4, 1.1) * 0.22)
    rim = smoothstep(0.5, 0.9, lead) * smoothstep(1.0, 0.9, lead)
    lay(canvas, ramp(palette("15161c 4a4c58"), rim * 0.6), lead)
    what = ("A rose window", "Glass rays around a sun", "A window of many panes")[kind]
    return Picture(canvas, f"{what} in lead", ("glass", "pattern"))


def _rose_tones(rng: Rng, ring: Indices, spoke: Indices) -> Array:
    """Places in the palette that alternate from spoke to spoke and from ring to ring."""
    return (ring * 0.37 + (spoke % 2) * 0.3 + (spoke % 4 == 0) * 0.22 + rng.uniform(0, 1)) % 1


def _pieces(rng: Rng, u: Array, v: Array, wrap: int, jitter: float) -> tuple[Array, Array, Indices]:
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
