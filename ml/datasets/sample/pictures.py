"""Picture number i of the gallery: its family, size, drawing and format, or a near-duplicate of another."""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from ml.datasets.items import Item
from ml.datasets.sample.canvas import Rng, finish
from ml.datasets.sample.families import FAMILIES
from ml.datasets.sample.family import Family

# Width : height, with the long side's range in pixels.
SHAPES: dict[str, tuple[float, int, int]] = {
    "portrait": (0.7, 620, 800),
    "tall": (0.56, 680, 860),
    "square": (1.0, 500, 660),
    "landscape": (1.45, 600, 820),
    "wide": (1.78, 680, 900),
    "panorama": (2.4, 840, 1000),
}
COPY_EVERY = 21
COPIES = ("crop", "mirrored", "toned", "small", "re-encoded")
JPEG_QUALITY = 88
WEBP_EVERY = 8


def draw_item(index: int, seed: int) -> Item:
    """Picture `index` of the gallery with this seed; depends on no other picture."""
    if index % COPY_EVERY == COPY_EVERY - 1:
        return _copy(index, seed)
    family, number = _place(index, seed)
    image, caption, labels = _draw(index, seed)
    kind = "webp" if index % WEBP_EVERY == WEBP_EVERY - 1 else "jpg"
    return _item(family, f"{_slug(family)}-{number:03d}.{kind}", image, (labels, caption), JPEG_QUALITY)


def _place(index: int, seed: int) -> tuple[Family, int]:
    """The family of a picture and its number there: each round shows every family once, in its own order."""
    drawn = index - (index + 1) // COPY_EVERY
    turn, place = divmod(drawn, len(FAMILIES))
    order = np.random.default_rng([seed, turn, 1]).permutation(len(FAMILIES))
    return FAMILIES[int(order[place])], turn + 1


def _draw(index: int, seed: int) -> tuple[Image.Image, str, tuple[str, ...]]:
    family, _ = _place(index, seed)
    rng = np.random.default_rng([seed, index, 0])
    width, height = _size(rng, family)
    picture = family.draw(rng, width, height)
    image = finish(picture.canvas, rng, picture.grain, picture.vignette)
    return image, picture.caption, (family.name, *picture.labels)


def _size(rng: Rng, family: Family) -> tuple[int, int]:
    ratio, shortest, longest = SHAPES[str(rng.choice(family.shapes))]
    ratio *= rng.uniform(0.94, 1.06) if ratio != 1 else 1
    side = int(rng.integers(shortest, longest + 1))
    return (side, round(side / ratio)) if ratio >= 1 else (round(side * ratio), side)


def _copy(index: int, seed: int) -> Item:
    """A near-duplicate of an earlier picture: the one that stands about two pages before it."""
    original = index - COPY_EVERY * 2 + 3 if index > COPY_EVERY * 2 else index - COPY_EVERY + 3
    family, number = _place(original, seed)
    image, caption, labels = _draw(original, seed)
    kind = COPIES[(index // COPY_EVERY) % len(COPIES)]
    rng = np.random.default_rng([seed, index, 2])
    image = _alter(image, kind, rng)
    quality = 60 if kind == "re-encoded" else JPEG_QUALITY
    return _item(family, f"{_slug(family)}-{number:03d} ({kind}).jpg", image, (labels, caption), quality)


def _alter(image: Image.Image, kind: str, rng: Rng) -> Image.Image:
    width, height = image.size
    if kind == "crop":
        left, top = (int(side * rng.uniform(0.02, 0.08)) for side in image.size)
        return image.crop((left, top, int(width * 0.94), int(height * 0.94)))
    if kind == "mirrored":
        return ImageOps.mirror(image)
    if kind == "toned":
        return ImageEnhance.Color(ImageEnhance.Brightness(image).enhance(1.08)).enhance(rng.uniform(0.45, 0.7))
    if kind == "small":
        return image.resize((width * 5 // 8, height * 5 // 8), Image.Resampling.LANCZOS)
    return image


def _item(family: Family, name: str, image: Image.Image, told: tuple[tuple[str, ...], str], quality: int) -> Item:
    content = io.BytesIO()
    if name.endswith(".webp"):
        image.save(content, "WEBP", quality=quality - 4, method=1)
    else:
        image.save(content, "JPEG", quality=quality)
    labels, caption = told
    return Item(name, f"{family.name}/{name}", content.getvalue(), labels, (caption,) if caption else ())


def _slug(family: Family) -> str:
    return family.name.replace(" ", "-")
