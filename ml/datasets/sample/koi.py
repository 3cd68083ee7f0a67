"""Koi ponds: fish, rings and lily pads seen from above."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    blur,
    dim,
    distance,
    lay,
    mix,
    noise,
    palette,
    pick,
    ramp,
    shifted,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

PONDS = (
    "0d3b3a 1d6458 4f9a88 5f8f4a 86b060 f2a9b8",
    "0c3640 1a5a64 4a94a0 4a8a52 7aaa6a f6e6f0",
    "143c2e 2a6248 6aa078 4f8a3c 8fae58 f0c4d8",
    "0f3348 205a70 4f90a4 3f8a5f 6faf7f f4d0a8",
)
KOI = ("f6efe4 e8602c", "f6efe4 d8402c", "f2a03a f7e6c4", "f4f0ea 2a2a30", "e8702f 2a2226", "f7f2e8 f0a030")


def draw_koi(rng: Rng, width: int, height: int) -> Picture:
    """Koi seen from above in dark water, with rings, lily pads and their shadows."""
    colours = pick(rng, PONDS, 6)
    unit = min(width, height)
    depth = noise(rng, width, height, unit * 0.7, 4)
    canvas = ramp(colours[:3], depth * 0.75)
    caustics = 1 - np.abs(noise(rng, width, height, unit * 0.2, 3) * 2 - 1)
    shine(canvas, colours[2], smoothstep(0.8, 1.0, caustics) * 0.36)
    fish = int(rng.integers(2, 8))
    size = unit * rng.uniform(0.4, 0.58) * (1.2 - 0.07 * fish)
    shade = Sheet(width, height)
    routes = [_route(rng, (width, height), size * rng.uniform(0.8, 1.15)) for _ in range(fish)]
    for route in routes:
        shade.polygon(_body(route))
    dim(canvas, 1 - 0.45 * shifted(blur(shade.mask(), unit * 0.022), int(unit * 0.03), int(unit * 0.05)))
    sheet = Sheet(width, height, canvas)
    for route in routes:
        _add_fish(rng, sheet, route, palette(str(rng.choice(KOI))))
    canvas = sheet.canvas()
    lay(canvas, mix(colours[1], colours[0], 0.5), smoothstep(0.35, 1.0, depth) * 0.35)
    _add_ripples(rng, canvas, colours)
    pads = _add_pads(rng, width, height, colours)
    shadow = shifted(blur(pads[1], unit * 0.02), int(unit * 0.02), int(unit * 0.035))
    dim(canvas, 1 - 0.5 * shadow)
    lay(canvas, pads[0], pads[1])
    number = ("", "", "Two", "Three", "Four", "Five", "Six", "Seven")[fish]
    return Picture(canvas, f"{number} koi in a dark pond", ("water", "animals"), 0.012, 0.24)


def _route(rng: Rng, extent: tuple[int, int], length: float) -> Array:
    """A koi's spine from head to tail [24, 2], bent like a swimming fish."""
    along = np.linspace(0, 1, 24)
    angle = (
        rng.uniform(0, 2 * np.pi)
        + rng.uniform(-0.5, 0.5) * along
        + 0.75 * np.sin(along * 4.4 + rng.uniform(0, 6.3)) * along
    )
    x = rng.uniform(0.12, 0.88) * extent[0] - length * 0.5 * np.cos(angle[0]) + np.cumsum(np.cos(angle)) * length / 24
    y = rng.uniform(0.12, 0.88) * extent[1] - length * 0.5 * np.sin(angle[0]) + np.cumsum(np.sin(angle)) * length / 24
    return np.stack([x, y], axis=1).astype(np.float32)


def _sides(route: Array) -> tuple[Array, Array]:
    """Unit normals [24, 2] and half breadths [24] of a koi."""
    step = np.gradient(route, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    along = np.linspace(0, 1, len(route))
    length = np.linalg.norm(np.diff(route, axis=0), axis=1).sum()
    half = length * 0.115 * np.sqrt(np.clip(along * 5, 0, 1)) * np.clip(1.08 - along, 0, 1) ** 0.75
    return np.stack([-step[:, 1], step[:, 0]], 1), half.astype(np.float32)


def _body(route: Array) -> Array:
    normal, half = _sides(route)
    edge = normal * half[:, None]
    return np.concatenate([route + edge, (route - edge)[::-1]])


def _add_fish(rng: Rng, sheet: Sheet, route: Array, colours: Array) -> None:
    normal, half = _sides(route)
    length = float(np.linalg.norm(np.diff(route, axis=0), axis=1).sum())
    forward = route[0] - route[3]
    forward /= np.linalg.norm(forward)
    fin = mix(colours[0], palette("ffffff")[0], 0.25)
    end, back = route[-1], route[-1] - route[-4]
    back /= np.linalg.norm(back)
    for side in (-1, 1):
        out = normal[6] * side
        root = route[6] + out * half[6] * 0.8
        tips = [
            root,
            root + out * length * 0.15 - forward * length * 0.03,
            root + out * length * 0.12 - forward * length * 0.13,
            root - forward * length * 0.07,
        ]
        sheet.polygon(np.stack(tips), fin, 0.75)
        tail = [
            end - back * length * 0.06,
            end + back * length * 0.1 + normal[-1] * side * length * 0.11,
            end + back * length * 0.17 + normal[-1] * side * length * 0.05,
            end + back * length * 0.03,
        ]
        sheet.polygon(np.stack(tail), fin, 0.8)
    sheet.polygon(_body(route), colours[0])
    for _ in range(int(rng.integers(2, 5))):
        start = int(rng.integers(1, 17))
        part = slice(start, start + int(rng.integers(3, 7)))
        lean = rng.uniform(-0.5, 0.5)
        edge = normal[part] * half[part, None]
        swell = np.sin(np.linspace(0.25, np.pi - 0.25, len(edge)))[:, None]
        upper = route[part] + edge * np.clip(lean + 0.75 * swell, -1, 0.97)
        lower = route[part] + edge * np.clip(lean - 0.75 * swell, -0.97, 1)
        sheet.polygon(np.concatenate([upper, lower[::-1]]), colours[1])
    sheet.line(route[5:20], length * 0.012, mix(colours[0], palette("1a1a20")[0], 0.28), 0.6)
    for side in (-1, 1):
        x, y = (float(value) for value in route[2] + normal[2] * half[2] * 0.75 * side)
        sheet.disc(x, y, max(1.0, length * 0.011), palette("141418")[0])


def _add_ripples(rng: Rng, canvas: Array, colours: Array) -> None:
    height, width = canvas.shape[:2]
    across, down = axes(width, height)
    for _ in range(int(rng.integers(1, 4))):
        x, y, reach = (
            rng.uniform(0, width),
            rng.uniform(0, height),
            min(width, height) * rng.uniform(0.12, 0.3),
        )
        far = distance(across - x, down - y)
        wave = np.cos(far / reach * 22) * np.exp(-((far / reach - 0.6) ** 2) * 6)
        shine(canvas, mix(colours[2], palette("ffffff")[0], 0.4), np.clip(wave, 0, 1).astype(np.float32) * 0.26)


def _add_pads(rng: Rng, width: int, height: int, colours: Array) -> tuple[Array, Array]:
    """Lily pads in two corners, at times a flower: their colours and their mask."""
    ground = np.empty((height, width, 3), np.float32)
    ground[:] = colours[3]
    sheet, cover = Sheet(width, height, ground), Sheet(width, height)
    unit = min(width, height)
    side = rng.choice([0.05, 0.95])
    corners = (width * side, height * 0.05), (width * (1 - side), height * 0.95)
    for pad in range(int(rng.integers(7, 13))):
        corner = corners[pad % 2]
        x, y = corner[0] + rng.normal(0, width * 0.16), corner[1] + rng.normal(0, height * 0.16)
        size, notch = unit * rng.uniform(0.07, 0.15), rng.uniform(0, 360)
        turn = np.radians(np.linspace(notch + 16, notch + 344, 48))
        rim = np.stack([x + size * np.cos(turn), y + size * np.sin(turn)], 1)
        shape = np.concatenate([rim, [(x, y)]])
        tone = mix(colours[3], colours[4], rng.uniform(0, 1))
        cover.polygon(shape)
        sheet.polygon(shape, mix(tone, colours[4], 0.5))
        sheet.polygon((shape - (x, y)) * 0.94 + (x, y), tone)
        for vein in turn[3::5]:
            sheet.line(
                [(x, y), (x + size * 0.9 * np.cos(vein), y + size * 0.9 * np.sin(vein))],
                size * 0.02,
                mix(tone, palette("f0f6d0")[0], 0.3),
                0.8,
            )
        if rng.random() < 0.25:
            for ring, petals in ((0.6, 9), (0.38, 7)):
                for petal in np.linspace(0, 2 * np.pi, petals, endpoint=False) + ring:
                    tip = x + size * ring * np.cos(petal), y + size * ring * np.sin(petal)
                    left = (
                        x + size * ring * 0.55 * np.cos(petal - 0.36),
                        y + size * ring * 0.55 * np.sin(petal - 0.36),
                    )
                    right = (
                        x + size * ring * 0.55 * np.cos(petal + 0.36),
                        y + size * ring * 0.55 * np.sin(petal + 0.36),
                    )
                    sheet.polygon([(x, y), left, tip, right], mix(colours[5], palette("ffffff")[0], 0.55 - ring * 0.7))
            sheet.disc(x, y, size * 0.12, palette("f0c860")[0])
    return sheet.canvas(), cover.mask()
