"""Pages of many pictures: the gallery and the trash."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from litestar import Request, Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.database import Database
from app.core.pages import render, wants_fragment
from app.core.settings import Settings
from app.images import service, service_counts
from app.images.parameters import narrowing
from app.images.records import Filters, LabelCount, Narrowing, Order, Shape, Size
from app.images.service_filters import resolve_filters
from app.images.service_order import check_order
from app.images.tiles import TRASH_BAR, BatchBar, Tile, make_batch_bar, make_tile, with_query
from ml.images import FORMATS


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
    """The filters in force, as pages show and link them."""

    collection: Collection | None = None
    label: str | None = None
    text: str = ""
    after: date | None = None
    before: date | None = None
    shape: Shape | None = None
    size: Size | None = None
    format: str | None = None
    has_copies: bool = False
    order: Order = "newest"

    @property
    def any(self) -> bool:
        return replace(self, order="newest") != Narrowed()

    @property
    def more(self) -> int:
        """How many filters are in force that stand behind "More filters"."""
        behind = (self.text, self.after, self.before, self.shape, self.size, self.format, self.has_copies)
        return sum(bool(one) for one in behind)

    @property
    def formats(self) -> list[tuple[str, str]]:
        """What a picture's file may be: values and words."""
        return [(one, one) for one in FORMATS]

    def link(self, path: str, **others: object) -> str:
        """The address of `path` with these filters, but for `others`."""
        mine = {
            "collection": self.collection.id if self.collection else None,
            "label": self.label,
            "text": self.text,
            "after": self.after,
            "before": self.before,
            "shape": self.shape,
            "size": self.size,
            "format": self.format,
            "has_copies": "true" if self.has_copies else None,
            "order": self.order if self.order != "newest" else None,
        }
        return with_query(path, **{**mine, **others})


def make_narrowed(filters: Filters, collection: Collection | None, order: Order = "newest") -> Narrowed:
    """Resolved filters as pages show them."""
    return Narrowed(
        collection=collection,
        label=filters.label,
        text=" ".join(filters.words),
        after=filters.after,
        before=filters.before,
        shape=filters.shape,
        size=filters.size,
        format=filters.format,
        has_copies=filters.has_copies,
        order=order,
    )


@dataclass(frozen=True, slots=True)
class GalleryPage:
    tiles: list[Tile]
    next_url: str | None
    total: int
    counts_all: bool
    filters: Narrowed
    collections: list[CollectionChoice]
    labels: list[Choice]
    clear_url: str
    applied: list[tuple[str, str]]
    batch: BatchBar


@dataclass(frozen=True, slots=True)
class GridPart:
    tiles: list[Tile]
    next_url: str | None


@dataclass(frozen=True, slots=True)
class TrashPage:
    tiles: list[Tile]
    next_url: str | None
    days: int
    batch: BatchBar = TRASH_BAR


@get("/", dependencies=narrowing)
async def gallery(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    asked: NamedDependency[Narrowing],
    order: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Template:
    """The gallery: all that one may see, in an order; `cursor` asks for the next part."""
    async with db.reading() as reading:
        filters, found = await resolve_filters(reading, viewer, asked)
        here = make_narrowed(filters, found, check_order(order))
        page = await service.list_images(reading, viewer, filters, order=here.order, cursor=cursor)
        tiles = [make_tile(image) for image in page.images]
        next_url = here.link("/", cursor=page.next_cursor) if page.next_cursor else None
        if cursor is not None and wants_fragment(request):
            return render(request, "gallery/_grid.html", GridPart(tiles, next_url), title="Gallery")
        facets = await service_counts.facets(reading, viewer, filters)
        counted = await collections.list_counted(reading, viewer)
    edited = [one for one, _ in counted if one.allows("editor")]
    context = GalleryPage(
        tiles=tiles,
        next_url=next_url,
        total=facets.total,
        filters=here,
        counts_all=facets.complete,
        collections=[_collection_choice(one, count, here) for one, count in counted if count],
        labels=[_label_choice(one, here) for one in facets.labels],
        clear_url="/",
        applied=_applied(here),
        batch=make_batch_bar(viewer, edited, found, here.link("/")),
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


def _collection_choice(collection: Collection, count: int, here: Narrowed) -> CollectionChoice:
    chosen = here.collection is not None and collection.id == here.collection.id
    url = here.link("/", collection=None if chosen else collection.id)
    return CollectionChoice(collection.id, collection.name, count, url, chosen)


def _applied(here: Narrowed) -> list[tuple[str, str]]:
    """The filters in force that stand behind "More filters": words, and the address without each."""
    words = {
        "text": f"“{here.text}”" if here.text else None,
        "after": f"From {here.after:%-d %B %Y}" if here.after else None,
        "before": f"Until {here.before:%-d %B %Y}" if here.before else None,
        "shape": here.shape and here.shape.capitalize(),
        "size": here.size and here.size.capitalize(),
        "format": here.format,
        "has_copies": "With copies" if here.has_copies else None,
    }
    return [(text, here.link("/", **{name: None})) for name, text in words.items() if text]


def _label_choice(label: LabelCount, here: Narrowed) -> Choice:
    chosen = label.name == here.label
    return Choice(label.name, label.count, here.link("/", label=None if chosen else label.name), chosen)


router = Router("/", route_handlers=[gallery, trashed], include_in_schema=False)
