"""Pictures for a report: small, as data URIs for the page, and as strips in files."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ml import images
from ml.datasets.items import Item
from ml.evaluation.results import Strip

SIDE = 112  # pixels; twice what a strip shows on a phone
GAP, FRAME = 6, 4
RIGHT, WRONG, OWN = (15, 122, 92), (180, 72, 45), (140, 146, 152)
PAPER = (255, 255, 255)


@dataclass(slots=True)
class Thumbnails:
    """Of a set's pictures, each made once, when it is asked for."""

    items: Sequence[Item]
    _made: dict[int, Image.Image] = field(default_factory=dict[int, Image.Image])

    def image(self, row: int) -> Image.Image:
        """At most SIDE pixels a side; a smaller picture keeps its size. It was decoded before, in a child."""
        if row not in self._made:
            content = self.items[row].content
            if isinstance(content, np.ndarray):
                picture = Image.fromarray(content)
            else:
                data = content.read_bytes() if isinstance(content, Path) else content
                picture = images.load(data if isinstance(data, bytes) else data(), resized_to=lambda *_: (SIDE, SIDE))
            picture.thumbnail((SIDE, SIDE))
            self._made[row] = picture
        return self._made[row]

    def uri(self, row: int) -> str:
        """As `data:image/webp;base64,…`."""
        data = images.encode_webp(self.image(row), SIDE)
        return "data:image/webp;base64," + base64.b64encode(data).decode()

    def sheet(self, strips: Sequence[Strip]) -> Image.Image:
        """The strips below each other: the query, then what it found, framed by whether it is right."""
        across = 1 + max(len(strip.results) for strip in strips)
        step = SIDE + GAP + 2 * FRAME
        sheet = Image.new("RGB", (across * step + 2 * GAP, len(strips) * step + GAP), PAPER)
        for line, strip in enumerate(strips):
            y = GAP + line * step
            self._put(sheet, strip.query, (GAP, y), OWN)
            for place, one in enumerate(strip.results, 1):
                self._put(sheet, one.row, (2 * GAP + place * step, y), RIGHT if one.right else WRONG)
        return sheet

    def _put(self, sheet: Image.Image, row: int, corner: tuple[int, int], colour: tuple[int, int, int]) -> None:
        x, y = corner
        side = SIDE + 2 * FRAME
        ImageDraw.Draw(sheet).rectangle((x, y, x + side - 1, y + side - 1), PAPER, colour, FRAME)
        picture = self.image(row)
        sheet.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
