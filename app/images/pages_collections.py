"""Pages of a collection's pictures, and its deletion, which sends pictures to the trash."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Template

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections import service_links
from app.collections.pages import Card, make_card
from app.core.database import Database
from app.core.errors import Invalid
from app.core.pages import Notice, redirect, render, wants_fragment
from app.images import service, service_counts
from app.images.pages_batch import read_ids
from app.images.pages_gallery import GridPart, Narrowed, make_narrowed
from app.images.records import Filters
from app.images.service_order import check_order
from app.images.tiles import BatchBar, Tile, make_batch_bar, make_tile


@dataclass(frozen=True, slots=True)
class CollectionPage:
    collection: Card
    tiles: list[Tile]
    next_url: str | None
    filters: Narrowed
    can_edit: bool
    can_manage: bool
    by_link: bool
    batch: BatchBar


@get("/collections/{ref:str}")
async def show_collection(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    ref: FromPath[str],
    order: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Template:
    """One collection with its pictures, the newest first unless told otherwise; `ref` is its id or its name."""
    async with db.reading() as reading:
        async with reading.transaction() as conn:
            collection = await collections.resolve(conn, viewer, ref)
        filters = Filters(collection.id)
        here = make_narrowed(filters, None, check_order(order))
        page = await service.list_images(reading, viewer, filters, order=here.order, cursor=cursor)
        tiles = [make_tile(image) for image in page.images]
        path = f"/collections/{collection.id}"
        next_url = here.link(path, cursor=page.next_cursor) if page.next_cursor else None
        if cursor is not None and wants_fragment(request):
            return render(request, "gallery/_grid.html", GridPart(tiles, next_url), title=collection.name)
        total = await service_counts.count_all(reading, viewer, filters)
        members = await collections.list_members(reading, viewer, collection.id) if collection.role else []
        edited = await collections.list_edited(reading, viewer)
        opening = await service_links.list_opening(reading, viewer, collection.id)
    context = CollectionPage(
        collection=make_card(collection, total, (), members),
        tiles=tiles,
        next_url=next_url,
        filters=here,
        can_edit=collection.allows("editor"),
        can_manage=collection.allows("owner"),
        by_link=bool(opening),
        batch=make_batch_bar(viewer, edited, collection, here.link(path)),
    )
    return render(request, "collections/show.html", context, title=collection.name)


@post("/collections/{collection_id:int}/cover", guards=[require_signed_in])
async def set_cover(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
) -> Redirect:
    """The ticked picture becomes the cover; without one the newest show again."""
    ids = read_ids(await request.form())
    if len(ids) > 1:
        raise Invalid("a collection has one cover: choose one picture")
    await collections.set_cover(db, viewer, collection_id, ids[0] if ids else None)
    words = "This is the cover now." if ids else "Its card shows the newest pictures again."
    return redirect(f"/collections/{collection_id}", Notice("success", words))


@post("/collections/{collection_id:int}/delete", guards=[require_signed_in])
async def delete_collection(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Delete a collection; pictures that stand nowhere else go to the trash."""
    if not data.get("confirm"):
        raise Invalid("tick the box to confirm")
    trashed = await service.delete_collection(db, viewer, collection_id)
    words = f"Deleted. {trashed} pictures that stood nowhere else are in the trash." if trashed else "Deleted."
    return redirect("/collections", Notice("success", words))


router = Router("/", route_handlers=[show_collection, set_cover, delete_collection], include_in_schema=False)
