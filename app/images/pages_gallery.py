"""Pages of many pictures: the gallery and the trash."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection, Shelf
from app.core.database import Database
from app.core.pages import render, wants_fragment
from app.core.settings import Settings
from app.images import service
from app.images.records import Filters
from app.images.tiles import Tile, make_tile, with_query


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter chip."""

    name: str
    count: int
    url: str
    selected: bool


@dataclass(frozen=True, slots=True)
class CollectionChoice:
    """One collection to narrow by."""

    id: int
    name: str
    count: int
    url: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The filters in force, as the page shows them."""

    collection: Collection | None
    label: str | None


@dataclass(frozen=True, slots=True)
class GalleryPage:
    tiles: list[Tile]
    next_url: str | None
    total: int
    filters: Narrowed
    collections: list[CollectionChoice]
    labels: list[Choice]
    clear_url: str


@dataclass(frozen=True, slots=True)
class GridPart:
    tiles: list[Tile]
    next_url: str | None


@dataclass(frozen=True, slots=True)
class TrashPage:
    tiles: list[Tile]
    next_url: str | None
    days: int


@get("/")
async def gallery(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection: FromQuery[str | None] = None,
    label: FromQuery[str | None] = None,
    cursor: FromQuery[int | None] = None,
) -> Template:
    """The gallery: all that one may see, newest first; `cursor` asks for the next part."""
    async with db.transaction() as conn:
        filters, found = await service.resolve_filters(conn, viewer, collection, label)
    page = await service.list_images(db, viewer, filters, cursor=cursor)
    here = {"collection": found.id if found else None, "label": label}
    tiles = [make_tile(image) for image in page.images]
    next_url = with_query("/", **here, cursor=page.next_cursor) if page.next_cursor else None
    if cursor is not None and wants_fragment(request):
        return render(request, "gallery/_grid.html", GridPart(tiles, next_url), title="Gallery")
    facets = await service.facets(db, viewer, filters)
    shelves = await collections.list_shelves(db, viewer)
    context = GalleryPage(
        tiles=tiles,
        next_url=next_url,
        total=facets.total,
        filters=Narrowed(found, label),
        collections=[_collection_choice(shelf, label, filters) for shelf in shelves if shelf.count],
        labels=[
            Choice(
                one.name,
                one.count,
                with_query("/", collection=here["collection"], label=None if one.name == label else one.name),
                one.name == label,
            )
            for one in facets.labels
        ],
        clear_url="/",
    )
    return render(request, "gallery/index.html", context, title=found.name if found else "Gallery")


@get("/trash")
async def trashed(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    cursor: FromQuery[int | None] = None,
) -> Template:
    """One's own trash."""
    page = await service.list_trash(db, viewer, cursor=cursor)
    next_url = with_query("/trash", cursor=page.next_cursor) if page.next_cursor else None
    context = TrashPage([make_tile(image) for image in page.images], next_url, settings.trash_days)
    return render(request, "trash/index.html", context, title="Trash")


def _collection_choice(shelf: Shelf, label: str | None, filters: Filters) -> CollectionChoice:
    chosen = shelf.collection.id == filters.collection_id
    url = with_query("/", collection=None if chosen else shelf.collection.id, label=label)
    return CollectionChoice(shelf.collection.id, shelf.collection.name, shelf.count, url, chosen)


router = Router("/", route_handlers=[gallery, trashed], include_in_schema=False)
