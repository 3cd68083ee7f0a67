"""Portraits of shapes: faces made of discs, blocks and arcs."""

import numpy as np

from ml.datasets.sample.canvas import Array, Rng, lay, mix, noise, pick, smoothstep
from ml.datasets.sample.family import Picture
from ml.datasets.sample.sheet import Sheet

PRINTS = (
    "efe3cc 1f3a4d d1603d e6b450 7fa39a 2a2326",
    "f3e4d7 6b2d44 e08e6d 2f5d62 f0c987 231a24",
    "e7e4d8 2b3a67 c9503f f2b84b a8b7c7 1c1d2b",
    "f1e9da 37503f c97b4a ead0a0 8aa07d 1f241f",
    "e9dcd6 54325c d9647a f3ae7c 6f83b0 211a2b",
    "dfe5e2 14495c e3683e f5c878 5fa0a0 10202b",
)
HAIR = ("with long hair", "with a bun", "with curls", "under a hat")


def draw_portrait(rng: Rng, width: int, height: int) -> Picture:
    """A face put together from discs, blocks and arcs, like a screen print of the twenties."""
    colours = pick(rng, PRINTS, 10)
    order = rng.permutation(np.arange(1, 5))
    first, second, third, fourth = colours[order]
    dark = colours[5]
    unit = min(width * 1.25, height)
    x, y = width * rng.uniform(0.44, 0.56), height * rng.uniform(0.42, 0.48)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = colours[0]
    sheet = Sheet(width, height, canvas)
    if rng.random() < 0.6:
        sheet.box(0, 0, width * rng.uniform(0.3, 0.6), height, mix(third, colours[0], 0.45))
    if rng.random() < 0.7:
        sheet.disc(x + unit * rng.uniform(-0.3, 0.3), y - unit * 0.05, unit * rng.uniform(0.33, 0.44), fourth)
    head = unit * rng.uniform(0.17, 0.2), unit * rng.uniform(0.24, 0.27)
    skin = mix(second, colours[0], rng.uniform(0.45, 0.7))
    shade = mix(mix(skin, colours[2], 0.38), dark, 0.12)
    hair = dark if rng.random() < 0.6 else mix(first, dark, 0.35)
    style = int(rng.integers(len(HAIR)))
    _add_bust(rng, sheet, (x, y, unit), head, (first, third, shade, skin, hair), style)
    turn = np.linspace(0, 2 * np.pi, 80)
    oval = np.stack([x + head[0] * np.cos(turn), y + head[1] * np.sin(turn)], 1)
    sheet.polygon(oval, skin)
    side = 1 if rng.random() < 0.5 else -1
    half = oval[(oval[:, 0] - x) * side >= -0.5]
    half = half[np.argsort(half[:, 1])]
    bend = np.linspace(0, np.pi, 20)
    line = np.stack([x - side * head[0] * 0.12 * np.sin(bend * 2), np.linspace(y + head[1], y - head[1], 20)], 1)
    sheet.polygon(np.concatenate([half, line]), shade)
    _add_face(rng, sheet, (x, y, side), head, (dark, colours[2], colours[0], mix(colours[1], colours[4], 0.4)))
    canvas = sheet.canvas()
    texture = noise(rng, width, height, 6, 3, 0.8)
    lay(canvas, colours[0], smoothstep(0.62, 0.95, texture) * 0.3)
    return Picture(
        canvas,
        f"A face {HAIR[style]}, made of discs and blocks",
        ("portrait", "abstract", "geometric"),
        0.02,
        0.06,
    )


def _add_bust(
    rng: Rng,
    sheet: Sheet,
    at: tuple[float, float, float],
    head: tuple[float, float],
    inks: tuple[Array, ...],
    style: int,
) -> None:
    """Hair, neck and shoulders behind the face, at times a hat."""
    x, y, unit = at
    first, third, shade, skin, hair = inks
    if style == 0:
        sheet.ellipse(x, y - head[1] * 0.2, head[0] * 1.35, head[1] * 1.05, hair)
        sheet.box(x - head[0] * 1.35, y - head[1] * 0.2, head[0] * 2.7, head[1] * 1.3, hair)
    elif style == 1:
        sheet.disc(x, y - head[1] * 1.25, head[0] * 0.6, hair)
        sheet.ellipse(x, y - head[1] * 0.25, head[0] * 1.15, head[1] * 0.95, hair)
    elif style == 2:
        for curl in np.linspace(np.pi * 0.85, np.pi * 2.15, 9):
            sheet.disc(x + head[0] * 1.02 * np.cos(curl), y + head[1] * 0.9 * np.sin(curl), head[0] * 0.42, hair)
    else:
        sheet.ellipse(x, y - head[1] * 0.62, head[0] * 1.9, head[1] * 0.16, first)
        sheet.sector(x, y - head[1] * 0.6, head[0] * 1.08, (180, 360), first)
    sheet.box(x - head[0] * 0.38, y + head[1] * 0.6, head[0] * 0.76, unit * 0.24, mix(shade, skin, 0.3))
    broad = unit * rng.uniform(0.34, 0.42)
    sheet.ellipse(x, y + head[1] + unit * 0.36, broad, unit * 0.3, third)
    sheet.sector(x, y + head[1] + unit * 0.1, unit * 0.12, (0, 180), mix(shade, skin, 0.3))
    stripes = int(rng.choice([0, 0, 3, 5]))
    for stripe in range(stripes):
        below = unit * (0.2 + stripe * 0.05)
        half = broad * np.sqrt(max(0.0, 1 - ((below - unit * 0.35) / (unit * 0.3)) ** 2))
        sheet.box(x - half, y + head[1] + below, half * 2, unit * 0.018, first, 0.7)


def _add_face(
    rng: Rng, sheet: Sheet, at: tuple[float, float, int], head: tuple[float, float], inks: tuple[Array, ...]
) -> None:
    x, y, side = at
    dark, lips, white, jewel = inks
    gap, eye = head[0] * 0.45, head[0] * rng.uniform(0.17, 0.24)
    level = y - head[1] * 0.1
    for place in (-1, 1):
        ex = x + place * gap
        if rng.random() < 0.8:
            arc = np.linspace(0, np.pi, 16)
            lid = np.stack([ex + eye * 1.35 * np.cos(arc), level - eye * 0.75 * np.sin(arc)], 1)
            low = np.stack([ex - eye * 1.35 * np.cos(arc), level + eye * 0.75 * np.sin(arc)], 1)
            sheet.polygon(np.concatenate([lid, low]), white)
            sheet.disc(ex, level, eye * 0.62, jewel)
            sheet.disc(ex, level, eye * 0.34, dark)
            sheet.line(lid, eye * 0.2, dark)
        else:
            sheet.sector(ex, level, eye * 1.2, (0, 180), dark)
        brow = np.linspace(np.pi * 0.2, np.pi * 0.8, 12)
        sheet.line(
            np.stack([ex + eye * 1.9 * np.cos(brow), level - eye * 0.5 - eye * 1.5 * np.sin(brow)], 1),
            eye * 0.3,
            dark,
        )
    nose = y + head[1] * 0.28
    sheet.line(
        [(x + side * gap * 0.35, level - eye), (x - side * gap * 0.32, nose), (x + side * gap * 0.2, nose)],
        eye * 0.22,
        dark,
    )
    mouth, broad = y + head[1] * 0.56, head[0] * rng.uniform(0.3, 0.42)
    sheet.sector(x - broad * 0.45, mouth, broad * 0.55, (180, 360), lips)
    sheet.sector(x + broad * 0.45, mouth, broad * 0.55, (180, 360), lips)
    sheet.sector(x, mouth, broad, (8, 172), mix(lips, dark, 0.2))
    if rng.random() < 0.5:
        for place in (-1, 1):
            sheet.disc(x + place * head[0] * 1.08, y + head[1] * 0.42, head[0] * 0.15, jewel)
    if rng.random() < 0.5:
        sheet.disc(x + side * gap * 1.15, y + head[1] * 0.35, head[0] * 0.2, lips, 0.55)
