"""Pages of search: the page that asks, and more like a stored picture."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from app.accounts.records import Viewer
from app.core.errors import Conflict
from app.core.pages import render, wants_fragment
from app.images import service as images
from app.images.parameters import narrowing
from app.images.records import Narrowing
from app.images.service_filters import resolve_filters
from app.images.tiles import Tile
from app.search import pages_copies, pages_queries, service
from app.search.pages_queries import asked_image
from app.search.pages_results import find_examples, make_tiles, render_results
from app.search.parameters import check_examples, read_score
from app.search.records import SearchOptions
from app.search.service import Engine

STRIP = 12


@dataclass(frozen=True, slots=True)
class SimilarPart:
    """Without `tiles` the picture waits for its embedding: the strip asks again by itself."""

    tiles: list[Tile] | None
    all_url: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    pass


@get("/search", include_in_schema=False)
async def search_page(request: Request[Any, Any, Any]) -> Template:
    """All ways to search: a picture (choose, drop or paste), words, or one of the gallery."""
    return render(request, "search/index.html", SearchPage(), title="Search")


@get("/images/{image_id:int}/similar", include_in_schema=False, dependencies=narrowing)
async def similar(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    asked: NamedDependency[Narrowing],
    liked: FromQuery[list[int] | None] = None,
    disliked: FromQuery[list[int] | None] = None,
    k: FromQuery[int | None] = None,
    min_likeness: FromQuery[str | None] = None,
    copies: FromQuery[bool] = False,
) -> Template:
    """More like a stored picture and further examples: as a page, or as the strip that a picture's page loads."""
    check_examples(liked, disliked)
    strip = request.headers.get("hx-target") == "similar" and wants_fragment(request)
    filters, found = await resolve_filters(engine.db, viewer, asked)
    wanted = k if k is not None else STRIP if strip else service.DEFAULT_K
    options = SearchOptions(wanted, filters, min_likeness=read_score("min_likeness", min_likeness), collapse=not copies)
    examples = await find_examples(engine, viewer, liked or [], disliked or [], [image_id])
    try:
        results = await service.search_by_images(
            engine, viewer, [image_id, *examples.liked_ids], options, examples.disliked_ids
        )
    except Conflict:
        if not strip:
            raise
        return render(
            request, "search/_similar.html", SimilarPart(None, f"/images/{image_id}/similar"), title="More like this"
        )
    if strip:
        part = SimilarPart(make_tiles(results), f"/images/{image_id}/similar")
        return render(request, "search/_similar.html", part, title="More like this")
    async with engine.db.reading() as reading:
        image, regions = await images.get_described(reading, viewer, image_id)
        shown = asked_image(image, regions)
        return await render_results(request, reading, viewer, shown, results, options, found, examples)


handlers: list[Any] = [search_page, similar, *pages_queries.handlers, *pages_copies.handlers]
