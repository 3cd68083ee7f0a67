"""The copies of a picture, as a page and as the part that the picture's page loads."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from app.accounts.records import Viewer
from app.core.pages import render
from app.core.words import size_text
from app.images.records import Standing
from app.images.tiles import Tile, make_tile
from app.search import service_copies
from app.search.service import Engine
from app.search.service_copies import Copy


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One copy: `facts` tell in what it differs."""

    tile: Tile
    same_file: bool
    facts: str
    owner_name: str
    standings: list[Standing]


@dataclass(frozen=True, slots=True)
class CopiesPage:
    tile: Tile
    copies: list[CopyRow]
    complete: bool


@get("/images/{image_id:int}/copies", include_in_schema=False)
async def show_copies(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
) -> Template:
    """Where else a picture stands: the same file, or a copy that was scaled or saved again."""
    found = await service_copies.list_copies(engine, viewer, image_id)
    context = CopiesPage(make_tile(found.image), [_row(one) for one in found.copies], found.complete)
    return render(request, "search/copies.html", context, fragment="search/_copies.html", title="Copies")


def _row(copy: Copy) -> CopyRow:
    image = copy.image
    facts = f"{image.width} × {image.height}, {image.format}, {size_text(image.size_bytes)}"
    return CopyRow(make_tile(image), copy.same_file, facts, image.owner_name, copy.standings)


handlers: list[Any] = [show_copies]
