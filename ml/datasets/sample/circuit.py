"""Circuit boards: copper under lacquer, gold pads, chips."""

from ml.datasets.sample.canvas import Array, Rng, halo, mix, noise, palette, pick, shine
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

BOARDS = (
    "0b3d2e 14604a e0b860 e8efe6 15181b",
    "0c2547 164076 e2bd6c e4ecf4 14161c",
    "14161a 2a2e36 d8a850 dfe2e6 050607",
    "3a1030 5e1f4e e6b878 f2e6ee 1a1218",
    "5a1420 7e2430 ecc070 f4e8e4 1a1214",
    "dfe3df c4ccc6 b8863a 2c3a40 20262a",
)


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
        sheet.box(
            x + pitch * 0.5,
            y - pitch * 0.05,
            pitch * 1.3,
            pitch,
            mix(colours[4], colours[2], rng.choice([0, 0.35])),
        )
    canvas = sheet.canvas()
    shine(
        canvas,
        palette("ffffff")[0],
        halo(width, height, width * rng.uniform(0, 1), 0, height * 0.7, 1.4) * 0.16,
    )
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
        points = [
            (0, off),
            (runs[0] - slant, off),
            (runs[0] + runs[1] - slant, off + runs[1] * bend),
            (runs[0] + runs[1] + runs[2], off + runs[1] * bend),
        ]
        path = [(x + u, y + v) if level else (x + v, y + u) for u, v in points]
        sheet.line(path, pitch * 0.2, colours[1])
        for end in (path[0], path[-1]):
            sheet.disc(*end, pitch * 0.24, colours[2])
            sheet.disc(*end, pitch * 0.1, colours[4])


def _add_chip(rng: Rng, sheet: Sheet, place: tuple[float, int], pitch: float, colours: Array) -> None:
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
    sheet.box(
        x + pitch * 0.2,
        y + pitch * 0.2,
        (across - 0.4) * pitch,
        (down - 0.4) * pitch,
        mix(colours[4], palette("ffffff")[0], 0.09),
    )
    sheet.disc(x + pitch * 0.8, y + pitch * 0.8, pitch * 0.24, mix(colours[4], palette("ffffff")[0], 0.3))
    for row in range(2):
        sheet.box(
            x + pitch * 1.4,
            y + down * pitch * (0.42 + row * 0.2),
            across * pitch * rng.uniform(0.3, 0.6),
            pitch * 0.22,
            colours[3] if colours[3].mean() > 0.5 else palette("c8c8c8")[0],
            0.6,
        )
