"""Night cities, lighthouses and circuit boards: what people build, and its lights."""

import numpy as np

from ml.datasets.sample.canvas import (
    Array,
    Rng,
    axes,
    bloom,
    disc,
    distance,
    halo,
    lay,
    mix,
    noise,
    palette,
    pick,
    profile,
    ramp,
    shine,
    smoothstep,
)
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

# Zenith to skyline, then the buildings and two kinds of lamps.
CITIES = (
    "080d1f 17264d 4a4a80 c07a78 0b1226 ffd58a 9fd8ff",
    "070a18 1c1c48 56306e d0667a 0e0d22 ffc878 ff9fc0",
    "04121c 0d3346 1f6670 8fb090 06161e ffe0a0 a8f0e0",
    "0c0a14 2c1c30 6a3a3c d8904c 120c14 ffc060 fff0cc",
    "060a14 101c34 26406a 5f88b0 080e1a ffe2b0 b8d8ff",
)
COASTS = (
    "10203c 2f4f78 8a8fa8 f0b890 0f1a2a f4efe2 c8503c",
    "1a1836 4a3a6e b0688a f4b088 141428 f6ede4 3a4a78",
    "0a1626 1c3a54 4a7484 a8b8b0 0a141c f2f0e8 c04438",
    "243038 4c626c 8c9c9c ccd0c4 182024 f0ece0 38505c",
    "0a0e20 141e3e 28386a 4e5f94 080c18 eeeae0 a83c48",
)
BOARDS = (
    "0b3d2e 14604a e0b860 e8efe6 15181b",
    "0c2547 164076 e2bd6c e4ecf4 14161c",
    "14161a 2a2e36 d8a850 dfe2e6 050607",
    "3a1030 5e1f4e e6b878 f2e6ee 1a1218",
    "5a1420 7e2430 ecc070 f4e8e4 1a1214",
    "dfe3df c4ccc6 b8863a 2c3a40 20262a",
)


def draw_city(rng: Rng, width: int, height: int) -> Picture:
    """A skyline of lit windows above a river that mirrors it."""
    colours = pick(rng, CITIES, 10)
    shore = int(height * rng.uniform(0.64, 0.8))
    _, down = axes(width, shore)
    sky = ramp(colours[:4], down / shore * 1.12) + np.zeros((1, width, 1), np.float32)
    sky *= (0.86 + 0.28 * noise(rng, width, shore, (width * 0.5, shore * 0.2), 4))[..., None]
    moon = rng.random() < 0.4
    if moon:
        x, y, size = width * rng.uniform(0.15, 0.85), shore * rng.uniform(0.12, 0.35), shore * 0.05
        shine(sky, colours[5], halo(width, shore, x, y, size * 4) * 0.35)
        lay(sky, palette("fff6e0")[0], disc(width, shore, x, y, size, 1.5))
    sheet = Sheet(width, shore, sky)
    for layer in range(3):
        _add_towers(rng, sheet, (width, shore), colours, layer)
    upper = sheet.canvas()
    bloom(upper, 0.5, 12, 1.5)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:shore] = upper
    _mirror_river(rng, canvas, shore, colours)
    return Picture(canvas, f"City lights along a river{', a moon above' if moon else ''}", ("night", "city", "water"))


def _add_towers(rng: Rng, sheet: Sheet, extent: tuple[int, int], colours: Array, layer: int) -> None:
    """A row of buildings from left to right; the nearer the darker, with more windows lit."""
    width, shore = extent
    x = -rng.uniform(0, 0.05) * width
    body = mix(colours[4], mix(colours[2], colours[3], 0.25), (0.62, 0.34, 0.06)[layer])
    tall = shore * (0.72, 0.56, 0.34)[layer]
    bell = width * rng.uniform(0.25, 0.75)
    while x < width:
        broad = width * rng.uniform(0.035, 0.085)
        rise = tall * (0.3 + 0.75 * np.exp(-(((x - bell) / (width * 0.3)) ** 2))) * rng.uniform(0.5, 1.1)
        top = shore - rise
        sheet.box(x, top, broad, rise + 2, body)
        if rng.random() < 0.3:
            sheet.box(x + broad * 0.25, top - rise * 0.1, broad * 0.5, rise * 0.1, body)
        if rng.random() < 0.18:
            sheet.line([(x + broad / 2, top), (x + broad / 2, top - rise * 0.28)], 1.4, body)
        _light_windows(rng, sheet, (x, top, broad, shore), colours, layer)
        x += broad * rng.uniform(0.95, 1.2)


def _light_windows(
    rng: Rng, sheet: Sheet, box: tuple[float, float, float, int], colours: Array, layer: int
) -> None:
    x, top, broad, shore = box
    step = 4.6 + layer * 1.4
    columns, rows = max(1, int(broad / step) - 1), max(0, int((shore - top) / (step * 1.35)) - 1)
    lamp = mix(colours[5], colours[6], rng.uniform(0, 1) ** 2)
    lit = rng.random((rows, columns)) < rng.uniform(0.25, 0.8)
    left = x + (broad - columns * step) / 2
    for row, column in np.argwhere(lit):
        ink_alpha = float(rng.uniform(0.35, 1)) * (0.65, 0.85, 1.0)[layer]
        spot = left + column * step + step * 0.2, top + (row + 0.8) * step * 1.35
        sheet.box(*spot, step * 0.55, step * 0.7, lamp, ink_alpha)


def _mirror_river(rng: Rng, canvas: Array, shore: int, colours: Array) -> None:
    """Draws the lights out downwards, as slow water does, and breaks them by ripples."""
    height, width = canvas.shape[:2]
    depth = height - shore
    near = np.linspace(0, 1, depth, dtype=np.float32)[:, None]
    mirror = canvas[shore - 1 - (near[:, 0] * (shore - 1) * 0.9).astype(int)]
    total = np.cumsum(mirror, axis=0)
    span = max(2, depth // 7)
    smear = (total[span:] - total[:-span]) / span
    smear = np.concatenate([smear, np.repeat(smear[-1:], depth - len(smear), axis=0)])
    ripples = noise(rng, width, depth, (width * 0.09, 6), 3)
    columns = np.clip(np.arange(width)[None] + ((ripples - 0.5) * 26).astype(int), 0, width - 1)
    water = smear[np.arange(depth)[:, None], columns]
    water = water * (1.15 - 0.45 * near[..., None]) * (0.7 + 0.7 * ripples[..., None]) + colours[0] * 0.15
    shine(water, colours[3], smoothstep(0.7, 1.0, ripples) * 0.12)
    water[:3] *= 0.45
    canvas[shore:] = water


def draw_lighthouse(rng: Rng, width: int, height: int) -> Picture:
    """A lighthouse on its rock, two beams, and a sea with white lines of surf."""
    colours = pick(rng, COASTS, 8)
    horizon = height * rng.uniform(0.6, 0.74)
    across, down = axes(width, height)
    canvas = ramp(colours[:4], down / horizon) + np.zeros((1, width, 1), np.float32)
    clouds = noise(rng, width, height, (width * 0.6, height * 0.16), 6, 0.58)
    lay(canvas, mix(colours[1], colours[3], 0.55), smoothstep(0.45, 0.95, clouds) * (down < horizon) * 0.6)
    near = np.clip((down - horizon) / (height - horizon), 0, 1)
    swell = noise(rng, width, height, (width * 0.25, height * 0.018), 4, 0.6)
    sea = ramp(np.stack([mix(colours[2], colours[1], 0.5), colours[1], colours[0]]), near + 0.25 * (swell - 0.5))
    lay(canvas, sea, np.clip(down - horizon + 0.5, 0, 1) + np.zeros_like(across))
    shine(canvas, colours[3], smoothstep(0.66, 0.92, swell) * (down > horizon) * 0.35)
    side = float(rng.choice([-1, 1]))
    x = width * (0.5 + side * rng.uniform(0.12, 0.22))
    tall = height * rng.uniform(0.36, 0.5)
    foot = horizon - height * rng.uniform(0.0, 0.06)
    lamp = foot - tall * 1.06
    _add_beams(rng, canvas, (x, lamp), colours)
    _add_rock(rng, canvas, (x, foot, side), colours)
    bands = int(rng.choice([1, 5, 7]))
    canvas = _add_tower(canvas, (x, foot, tall), colours, bands)
    shine(canvas, palette("ffe9b0")[0], halo(width, height, x, lamp, tall * 0.13) * 0.95)
    return Picture(canvas, f"A {'white' if bands == 1 else 'striped'} lighthouse above the surf", ("water", "building"))


def _add_beams(rng: Rng, canvas: Array, lamp: tuple[float, float], colours: Array) -> None:
    height, width = canvas.shape[:2]
    across, down = axes(width, height)
    dx, dy = across - lamp[0], down - lamp[1]
    lean = rng.uniform(-0.22, 0.12)
    angle = np.arctan2(dy, np.abs(dx)) - lean
    far = distance(dx, dy) / max(width, height)
    beam = np.exp(-((angle / 0.075) ** 2)) * np.exp(-far * 1.8)
    shine(canvas, palette("fff0c0")[0], beam.astype(np.float32) * (0.75 if colours[3].mean() < 0.6 else 0.5))


def _add_rock(rng: Rng, canvas: Array, place: tuple[float, float, float], colours: Array) -> None:
    """The cliff below the tower, falling towards the open sea, with surf at its foot."""
    height, width = canvas.shape[:2]
    x, foot, side = place
    across, down = axes(width, height)
    out = (across[0] - x) * -side
    fall = np.where(out > 0, np.clip((out - height * 0.05) / (height * 0.2), 0, 2) ** 1.4, np.clip(-out / width, 0, 1) * 0.12)
    top = foot + height * 0.26 * fall + height * 0.05 * (profile(rng, width, width * 0.2, 6, 0.6) - 0.5)
    top = np.where(np.abs(across[0] - x) < height * 0.08, np.minimum(top, foot), top)
    mask = np.clip(down - top[None] + 0.5, 0, 1)
    crag = noise(rng, width, height, (width * 0.06, height * 0.16), 5, 0.65)
    shade = ramp(np.stack([colours[4], mix(colours[4], colours[2], 0.45)]), crag * 1.2 - 0.15)
    shore = height * 0.86 + height * 0.07 * (profile(rng, width, width * 0.3, 4) - 0.5)
    lay(canvas, shade, mask * np.clip(shore[None] - down, 0, 1))
    foam = np.exp(-(((down - shore[None]) / (height * 0.018)) ** 2)) * (down > top[None] - 6)
    lay(canvas, colours[5], foam * smoothstep(0.3, 0.65, noise(rng, width, height, 22, 3)) * 0.85)


def _add_tower(canvas: Array, place: tuple[float, float, float], colours: Array, bands: int) -> Array:
    height, width = canvas.shape[:2]
    x, foot, tall = place
    low, high = tall * 0.14, tall * 0.085
    sheet = Sheet(width, height, canvas)
    for band in range(bands):
        ends = [(band + more) / bands for more in (0, 1)]
        half = [low + (high - low) * end for end in ends]
        level = [foot + 4 - (tall + 4) * end for end in ends]
        tone = colours[5] if band % 2 == 0 else colours[6]
        for left, right, dim in ((-1, 1, 0.08), (-0.15, 1, 0.22), (0.45, 1, 0.42)):
            shape = [(x + left * half[0], level[0]), (x + right * half[0], level[0]),
                     (x + right * half[1], level[1]), (x + left * half[1], level[1])]
            sheet.polygon(shape, mix(tone, colours[0], dim))
    top = foot - tall
    dark = colours[4]
    sheet.box(x - high * 1.45, top - tall * 0.015, high * 2.9, tall * 0.03, dark)
    sheet.box(x - high * 0.72, top - tall * 0.12, high * 1.44, tall * 0.11, palette("ffe6a8")[0])
    for bar in (-0.72, -0.24, 0.24, 0.7):
        sheet.line([(x + high * bar, top), (x + high * bar, top - tall * 0.12)], 1.2, dark)
    sheet.sector(x, top - tall * 0.115, high * 0.9, (180, 360), colours[6])
    sheet.line([(x, top - tall * 0.16), (x, top - tall * 0.26)], 1.4, dark)
    for step in (0.25, 0.55, 0.8):
        sheet.box(x - tall * 0.012, foot - tall * step, tall * 0.024, tall * 0.04, mix(dark, colours[6], 0.2))
    return sheet.canvas()


def draw_circuit(rng: Rng, width: int, height: int) -> Picture:
    """A circuit board: copper under lacquer, gold pads, chips and white print."""
    colours = pick(rng, BOARDS, 6)
    pitch = float(min(width, height) / rng.integers(26, 44))
    canvas = colours[0] * (0.92 + 0.12 * noise(rng, width, height, 160, 4))[..., None]
    sheet = Sheet(width, height, canvas)
    for _ in range(int(rng.integers(26, 46))):
        _add_bus(rng, sheet, (width, height), pitch, colours)
    for _ in range(int(rng.integers(60, 130))):
        x, y = rng.integers(0, int(width / pitch)) * pitch, rng.integers(0, int(height / pitch)) * pitch
        sheet.disc(x, y, pitch * 0.3, colours[2])
        sheet.disc(x, y, pitch * 0.13, colours[4])
    chips = int(rng.integers(3, 8))
    for chip in range(chips):
        _add_chip(rng, sheet, ((chip + 0.5) / chips * width, height), pitch, colours)
    for _ in range(int(rng.integers(10, 26))):
        x, y = rng.integers(0, int(width / pitch)) * pitch, rng.integers(0, int(height / pitch)) * pitch
        for end in (0, 1.7):
            sheet.box(x + end * pitch, y, pitch * 0.6, pitch * 0.9, mix(colours[2], palette("d8d8d8")[0], 0.6))
        sheet.box(x + pitch * 0.5, y - pitch * 0.05, pitch * 1.3, pitch, mix(colours[4], colours[2], rng.choice([0, 0.35])))
    canvas = sheet.canvas()
    shine(canvas, palette("ffffff")[0], halo(width, height, width * rng.uniform(0, 1), 0, height * 0.7, 1.4) * 0.16)
    return Picture(canvas, f"A circuit board with {chips} chips", ("technology", "pattern"))


def _add_bus(rng: Rng, sheet: Sheet, extent: tuple[int, int], pitch: float, colours: Array) -> None:
    """Some parallel traces that turn by 45 degrees and end in rings."""
    width, height = extent
    lines, level = int(rng.integers(1, 7)), rng.random() < 0.5
    x, y = rng.integers(0, int(width / pitch)) * pitch, rng.integers(0, int(height / pitch)) * pitch
    runs = rng.integers(3, 14, 3) * pitch
    bend = float(rng.choice([-1, 1]))
    for line in range(lines):
        off = line * pitch * 0.62
        slant = off * 0.41 * bend
        points = [(0, off), (runs[0] - slant, off), (runs[0] + runs[1] - slant, off + runs[1] * bend),
                  (runs[0] + runs[1] + runs[2], off + runs[1] * bend)]
        path = [(x + u, y + v) if level else (x + v, y + u) for u, v in points]
        sheet.line(path, pitch * 0.2, colours[1])
        for end in (path[0], path[-1]):
            sheet.disc(*end, pitch * 0.24, colours[2])
            sheet.disc(*end, pitch * 0.1, colours[4])


def _add_chip(
    rng: Rng, sheet: Sheet, place: tuple[float, int], pitch: float, colours: Array
) -> None:
    """A chip with pins on its four sides, in its own column of the board."""
    middle, height = place
    across, down = (int(value) for value in rng.integers(3, 8, 2))
    if rng.random() < 0.25:
        across, down = across + 5, down + 5
    x = middle - across * pitch / 2
    y = rng.uniform(0.05, 0.92) * height - down * pitch / 2
    pin = mix(colours[2], palette("e6e6e6")[0], 0.55)
    sheet.box(x - pitch * 1.1, y - pitch * 1.1, (across + 2.2) * pitch, (down + 2.2) * pitch, colours[3], 0.25)
    for step in range(across * 2):
        for edge in (y - pitch * 0.6, y + down * pitch):
            sheet.box(x + (step + 0.3) * pitch / 2, edge, pitch * 0.24, pitch * 0.6, pin)
    for step in range(down * 2):
        for edge in (x - pitch * 0.6, x + across * pitch):
            sheet.box(edge, y + (step + 0.3) * pitch / 2, pitch * 0.6, pitch * 0.24, pin)
    sheet.box(x, y, across * pitch, down * pitch, colours[4])
    sheet.box(x + pitch * 0.2, y + pitch * 0.2, (across - 0.4) * pitch, (down - 0.4) * pitch,
              mix(colours[4], palette("ffffff")[0], 0.09))
    sheet.disc(x + pitch * 0.8, y + pitch * 0.8, pitch * 0.24, mix(colours[4], palette("ffffff")[0], 0.3))
    for row in range(2):
        sheet.box(x + pitch * 1.4, y + down * pitch * (0.42 + row * 0.2), across * pitch * rng.uniform(0.3, 0.6),
                  pitch * 0.22, colours[3] if colours[3].mean() > 0.5 else palette("c8c8c8")[0], 0.6)
