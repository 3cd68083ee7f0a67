"""`/styleguide`: the one visual language, shown by the real components. Public, as it holds nobody's data."""

import re
from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.response import Template

from app.admin.curve import Curve, draw_curve
from app.collections.pages import Card
from app.core.pages import render
from app.core.settings import ROOT
from app.images.ratios import ratio_class
from app.images.tiles import Score, Tile

HERE = "/styleguide"
PICTURES = ((1, 600, 400), (2, 400, 600), (3, 800, 400), (4, 500, 500), (5, 640, 480), (6, 450, 600))
"""Number, width and height of the drawings in static/styleguide that stand for pictures."""

COLOURS = {
    "bg": "the page",
    "surface": "panels, fields",
    "raised": "menus, sheets",
    "well": "quiet grounds",
    "hover": "under the pointer",
    "mat": "behind one picture",
    "tile": "before a picture is there",
    "text": "text",
    "muted": "lesser text",
    "line": "rules",
    "edge": "edges of fields, 3:1",
    "ink": "primary buttons",
    "on-ink": "text on ink",
    "ink-hover": "ink under the pointer",
    "accent": "links, focus, progress",
    "accent-soft": "ground of what is well",
    "danger": "errors, erasing",
    "danger-soft": "ground of errors",
    "scrim": "behind words on a picture",
    "on-scrim": "words on a picture",
}
TYPES = {
    "t-xl": "Headings of pages, figures",
    "t-lg": "Headings of panels",
    "t-md": "Text, buttons, fields",
    "t-sm": "Facts, hints, tables",
    "t-xs": "Badges, keys, words on pictures",
    "sans": "Hanken Grotesk, for all text",
    "mono": "For code, commands and paths: likeness up",
}
SPACES = ("s-1", "s-2", "s-3", "s-4", "s-5", "s-6", "s-7", "s-8", "gutter", "gap")
SHAPES = ("r-sm", "r-md", "r-lg", "pill", "shadow")
MEASURES = {
    "topbar": "height of the top bar",
    "bottombar": "height of the bar at the thumb, on phones",
    "row": "height that rows of pictures aim at",
    "quick": "how long a change of colour takes; none with reduced motion",
}
CURVE = [(1, 0.62, 0.05), (4, 0.81, 0.09), (16, 0.93, 0.2), (32, 0.962, 0.34), (64, 0.985, 0.61), (128, 0.996, 1.16)]


@dataclass(frozen=True, slots=True)
class Specimen(Tile):
    """A drawing in the place of a picture."""

    def thumb(self, width: int) -> str:  # noqa: ARG002  # one drawing serves every width
        """The address of the drawing."""
        return f"/static/styleguide/picture-{self.id}.svg"


@dataclass(frozen=True, slots=True)
class StyleGuide:
    """Tokens by what they are for, and what the components show."""

    colours: dict[str, str]
    types: dict[str, str]
    spaces: tuple[str, ...]
    shapes: tuple[str, ...]
    measures: dict[str, str]
    icons: list[str]
    tiles: list[Tile]
    results: list[Tile]
    cards: list[Card]
    curve: Curve | None


@get(HERE, include_in_schema=False)
async def styleguide(request: Request[Any, Any, Any]) -> Template:
    """Everything that pages are made of."""
    context = StyleGuide(
        colours=COLOURS,
        types=TYPES,
        spaces=SPACES,
        shapes=SHAPES,
        measures=MEASURES,
        icons=_icons(),
        tiles=[_tile(*picture) for picture in PICTURES],
        results=[_result(*picture, place) for place, picture in enumerate(PICTURES)],
        cards=_cards(),
        curve=draw_curve(CURVE, 32, 0.95),
    )
    return render(request, "styleguide/index.html", context, title="Style guide")


def _icons() -> list[str]:
    return re.findall(r'<symbol id="([a-z0-9-]+)"', (ROOT / "static" / "icons.svg").read_text(encoding="utf-8"))


def _tile(number: int, width: int, height: int, score: Score | None = None) -> Tile:
    return Specimen(
        id=number,
        url=HERE,
        alt=f"Drawing {number}",
        filename=f"drawing-{number}.svg",
        label="dunes" if number == 1 else None,
        width=width,
        height=height,
        ratio_class=ratio_class(width, height),
        score=score,
    )


def _result(number: int, width: int, height: int, place: int) -> Tile:
    words = ("very like", "like", "like", "somewhat like", None, None)[place]
    value = 0.94 - 0.11 * place
    return _tile(number, width, height, Score(value, words, by_chance=words is None, source="cosine"))


def _cards() -> list[Card]:
    covers = [_tile(*picture).thumb(256) for picture in PICTURES]
    return [
        _card(1, "Four covers", "public", covers[:4]),
        _card(2, "Three", "shared", covers[1:4]),
        _card(3, "One", "private", covers[4:5]),
        _card(4, "None yet", "private", []),
    ]


def _card(number: int, name: str, visibility: Any, cover: list[str]) -> Card:
    return Card(
        id=number,
        name=name,
        url=HERE,
        visibility=visibility,
        count=len(cover),
        role="owner",
        owner_name="ada",
        cover=cover,
        description="",
        members=[],
        cover_id=None,
    )
