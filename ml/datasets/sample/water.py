"""Coral reefs and koi ponds: light that has come through water."""

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
    profile,
    ramp,
    shifted,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

# Light from above, middle water, deep water, then five living colours.
SEAS = (
    "bff0e8 2fa3b5 0b3a63 f0806a f7b267 d9548a 8f6ad0 f2dfb0",
    "d4f3d8 3aa99a 0c4450 f4a259 e8655a f2d06b c45a9a e8e0c0",
    "c9e4ff 3f86d0 101f5c ff8f8a f4c46a b86ae0 5ad0c0 f0e4d0",
    "e4f0c8 5aa898 143c48 e87a5a f0c070 d88aa8 7a8ad8 f4ecd0",
)
PONDS = (
    "0d3b3a 1d6458 4f9a88 5f8f4a 86b060 f2a9b8",
    "0c3640 1a5a64 4a94a0 4a8a52 7aaa6a f6e6f0",
    "143c2e 2a6248 6aa078 4f8a3c 8fae58 f0c4d8",
    "0f3348 205a70 4f90a4 3f8a5f 6faf7f f4d0a8",
)
KOI = ("f6efe4 e8602c", "f6efe4 d8402c", "f2a03a f7e6c4", "f4f0ea 2a2a30", "e8702f 2a2226", "f7f2e8 f0a030")


def draw_reef(rng: Rng, width: int, height: int) -> Picture:
    """Corals in three depths of water, rays of light from above, a school of fish."""
    colours = pick(rng, SEAS, 10)
    across, down = axes(width, height)
    canvas = ramp(colours[:3], (down / height) ** 0.8) + np.zeros((1, width, 1), np.float32)
    _add_rays(rng, canvas, colours[0])
    unit = min(width, height)
    for layer in range(3):
        near = layer / 2
        sheet = Sheet(width, height, canvas)
        floor = height * (0.78 + 0.1 * layer) - unit * 0.09 * profile(rng, width, width * 0.4, 4)
        water = 0.68 - 0.34 * layer
        ground = np.stack([np.arange(width), floor], axis=1)
        sheet.polygon(np.concatenate([ground, [(width, height), (0, height)]]),
                      mix(mix(colours[7], colours[2], 0.5), mix(colours[1], colours[2], 0.5), water))
        for x in rng.uniform(0, width, int(rng.integers(5, 9))):
            ink = mix(colours[int(rng.integers(3, 8))], mix(colours[1], colours[2], 0.45), water)
            foot = float(floor[int(min(x, width - 1))]) + unit * 0.03
            _add_coral(rng, sheet, (x, foot), unit * rng.uniform(0.12, 0.24) * (0.75 + 0.5 * near), ink)
        if layer == 1:
            fish = _add_school(rng, sheet, (width, height), unit, colours)
        canvas = sheet.canvas()
    for _ in range(int(rng.integers(8, 24))):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height * 0.8))
        size = rng.uniform(1.5, 5)
        spot = canvas[y : y + 16, x : x + 16]
        u, v = axes(spot.shape[1], spot.shape[0])
        shine(spot, colours[0], np.exp(-(((np.hypot(u - 8, v - 8) - size) / 1.1) ** 2)) * 0.6)
    return Picture(canvas, f"{fish} fish above a coral reef", ("water", "animals"), 0.012, 0.24)


def _add_rays(rng: Rng, canvas: Array, light: Array) -> None:
    height, width = canvas.shape[:2]
    across, down = axes(width, height)
    from_x, from_y = width * rng.uniform(0.2, 0.8), -height * 0.35
    angle = np.arctan2(across - from_x, down - from_y) / np.pi + 0.5
    beams = profile(rng, 1024, 46, 3, 0.6)[(np.clip(angle, 0, 1) * 1023).astype(int)]
    shine(canvas, light, smoothstep(0.4, 0.95, beams) * np.clip(1.05 - down / height, 0, 1) ** 1.3 * 0.75)


def _add_coral(rng: Rng, sheet: Sheet, foot: tuple[float, float], size: float, ink: Array) -> None:
    kind = int(rng.integers(4))
    pale, dark = mix(ink, palette("fff4e4")[0], 0.3), mix(ink, palette("0a1430")[0], 0.25)
    x, y = foot
    if kind == 0:
        _branch(rng, sheet, (x, y, -np.pi / 2), (size * 0.42, size * 0.085), ink, 5)
    elif kind == 1:
        for _ in range(int(rng.integers(4, 8))):
            lean, tall, broad = rng.uniform(-0.5, 0.5), size * rng.uniform(0.5, 1.15), size * rng.uniform(0.09, 0.14)
            tip = x + lean * tall, y - tall
            sheet.line([(x + lean * size * 0.2, y), tip], broad * 2, dark)
            sheet.line([(x + lean * size * 0.2 - broad * 0.3, y), (tip[0] - broad * 0.3, tip[1])], broad, ink)
            sheet.ellipse(*tip, broad, broad * 0.55, pale)
            sheet.ellipse(*tip, broad * 0.66, broad * 0.34, mix(dark, palette("060a18")[0], 0.5))
    elif kind == 2:
        sheet.ellipse(x, y, size * 0.62, size * 0.48, dark)
        for ring in range(6):
            share = 1 - ring / 6
            tone = mix(pale, ink, share) if ring % 2 == 0 else mix(dark, ink, 0.4)
            sheet.ellipse(x - size * 0.05 * ring * 0.4, y - size * 0.03 * ring, size * 0.58 * share,
                          size * 0.45 * share, tone)
    else:
        for arm in np.linspace(-1.15, 1.15, 23):
            reach = size * (1.05 - 0.25 * abs(arm)) * rng.uniform(0.9, 1.05)
            points = [(x + np.sin(arm * t) * reach * t, y - np.cos(arm * t) * reach * t) for t in (0, 0.4, 0.7, 1)]
            sheet.line(points, size * 0.02, ink)
        for ring in (0.35, 0.5, 0.65, 0.8, 0.95):
            arc = np.linspace(-1.1, 1.1, 20) * ring
            sheet.line(np.stack([x + np.sin(arc) * size * ring, y - np.cos(arc) * size * ring], 1), size * 0.012, pale)


def _branch(
    rng: Rng, sheet: Sheet, at: tuple[float, float, float], reach: tuple[float, float], ink: Array, left: int
) -> None:
    """A coral's arm: it forks, each fork thinner and paler."""
    x, y, angle = at
    length, broad = reach
    tip = x + np.cos(angle) * length, y + np.sin(angle) * length
    sheet.line([(x, y), tip], broad, ink)
    sheet.disc(*tip, broad * 0.52, ink)
    if left == 0:
        return
    for side in (-1, 1):
        turn = angle + side * rng.uniform(0.25, 0.55)
        _branch(rng, sheet, (*tip, turn), (length * rng.uniform(0.6, 0.85), broad * 0.74),
                mix(ink, palette("fff6ea")[0], 0.1), left - 1)  # fmt: skip


def _add_school(rng: Rng, sheet: Sheet, extent: tuple[int, int], unit: float, colours: Array) -> str:
    width, height = extent
    count, size = int(rng.integers(5, 26)), unit * rng.uniform(0.022, 0.05)
    x0, y0 = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.25, 0.5)
    side = float(rng.choice([-1, 1]))
    body = colours[int(rng.integers(3, 8))]
    stripe = mix(body, palette("fffaf0")[0], 0.65)
    for _ in range(count):
        x, y = x0 + rng.normal(0, width * 0.15), y0 + rng.normal(0, height * 0.09)
        large = size * rng.uniform(0.7, 1.2)
        sheet.polygon([(x - side * large * 0.8, y), (x - side * large * 1.6, y - large * 0.55),
                       (x - side * large * 1.35, y), (x - side * large * 1.6, y + large * 0.55)], body)
        sheet.ellipse(x, y, large, large * 0.5, body)
        sheet.ellipse(x + side * large * 0.15, y, large * 0.14, large * 0.46, stripe)
        sheet.disc(x + side * large * 0.62, y - large * 0.1, max(1, large * 0.1), palette("101018")[0])
    return "A few" if count < 10 else "A school of"


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
    angle = rng.uniform(0, 2 * np.pi) + rng.uniform(-0.5, 0.5) * along + 0.75 * np.sin(along * 4.4 + rng.uniform(0, 6.3)) * along
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
        tips = [root, root + out * length * 0.15 - forward * length * 0.03,
                root + out * length * 0.12 - forward * length * 0.13, root - forward * length * 0.07]
        sheet.polygon(np.stack(tips), fin, 0.75)
        tail = [end - back * length * 0.06, end + back * length * 0.1 + normal[-1] * side * length * 0.11,
                end + back * length * 0.17 + normal[-1] * side * length * 0.05, end + back * length * 0.03]
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
        sheet.disc(*(route[2] + normal[2] * half[2] * 0.75 * side), max(1.0, length * 0.011), palette("141418")[0])


def _add_ripples(rng: Rng, canvas: Array, colours: Array) -> None:
    height, width = canvas.shape[:2]
    across, down = axes(width, height)
    for _ in range(int(rng.integers(1, 4))):
        x, y, reach = rng.uniform(0, width), rng.uniform(0, height), min(width, height) * rng.uniform(0.12, 0.3)
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
            sheet.line([(x, y), (x + size * 0.9 * np.cos(vein), y + size * 0.9 * np.sin(vein))], size * 0.02,
                       mix(tone, palette("f0f6d0")[0], 0.3), 0.8)
        if rng.random() < 0.25:
            for ring, petals in ((0.6, 9), (0.38, 7)):
                for petal in np.linspace(0, 2 * np.pi, petals, endpoint=False) + ring:
                    tip = x + size * ring * np.cos(petal), y + size * ring * np.sin(petal)
                    left = x + size * ring * 0.55 * np.cos(petal - 0.36), y + size * ring * 0.55 * np.sin(petal - 0.36)
                    right = x + size * ring * 0.55 * np.cos(petal + 0.36), y + size * ring * 0.55 * np.sin(petal + 0.36)
                    sheet.polygon([(x, y), left, tip, right], mix(colours[5], palette("ffffff")[0], 0.55 - ring * 0.7))
            sheet.disc(x, y, size * 0.12, palette("f0c860")[0])
    return sheet.canvas(), cover.mask()
