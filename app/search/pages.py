"""Pages of search: by picture, results with an address of their own, more like this."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Template

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core.errors import Invalid
from app.core.pages import redirect, render, wants_fragment
from app.images import service as images
from app.images.media import MEDIA_HEADERS
from app.images.pages_gallery import Narrowed
from app.images.ratios import ratio_class
from app.images.records import Filters, LabelCount
from app.images.tiles import Tile, make_tile
from app.search import service
from app.search.records import Hit, Results, SearchOptions
from app.search.service import Engine

STRIP = 12
SAME_SCORE = 0.999
COPY_SCORE = 0.98


@dataclass(frozen=True, slots=True)
class Asked:
    """What was searched with, as the results page shows it."""

    kind: str
    picture_url: str
    alt: str
    filename: str
    page_url: str
    ratio_class: str


@dataclass(frozen=True, slots=True)
class ResultsPage:
    query: Asked
    tiles: list[Tile]
    k: int
    filters: Narrowed
    collections: list[Collection]
    labels: list[LabelCount]
    model_name: str
    index_version: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class SimilarPart:
    tiles: list[Tile]
    all_url: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    pass


@dataclass
class QueryForm:
    """The one search box: a picture."""

    file: UploadFile | None = None


@get("/search", include_in_schema=False)
async def search_page(request: Request[Any, Any, Any]) -> Template:
    """Search by picture: choose, drop or paste."""
    return render(request, "search/index.html", SearchPage(), title="Find by picture")


@post("/queries", include_in_schema=False)
async def create_query(
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    data: Annotated[QueryForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Redirect:
    """Keep an uploaded picture as a query and go to its results."""
    if data.file is None or not data.file.filename:
        raise Invalid("choose a picture to search with")
    content = await data.file.read(engine.max_bytes + 1)
    query_id = await service.create_query(engine, viewer, content, data.file.filename)
    return redirect(f"/queries/{query_id}")


@get("/queries/{query_id:uuid}", include_in_schema=False)
async def show_query(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    query_id: FromPath[UUID],
    k: FromQuery[int] = service.DEFAULT_K,
    collection: FromQuery[str | None] = None,
    label: FromQuery[str | None] = None,
) -> Template:
    """The results of a query; filters and k are in the address."""
    narrowed, filters = await _filters(engine, viewer, collection, label)
    query, results = await service.run_query(engine, viewer, query_id, SearchOptions(k, filters))
    asked = Asked(
        kind="upload",
        picture_url=f"/queries/{query_id}/picture",
        alt=f"Your picture {query.filename}",
        filename=query.filename,
        page_url=f"/queries/{query_id}",
        ratio_class=ratio_class(query.width, query.height),
    )
    return await _results(request, engine, viewer, asked, results, k, narrowed)


@get("/queries/{query_id:uuid}/picture", include_in_schema=False)
async def query_picture(
    engine: NamedDependency[Engine], viewer: NamedDependency[Viewer], query_id: FromPath[UUID]
) -> Response[bytes]:
    """The picture that was searched with."""
    content = await service.query_thumbnail(engine, viewer, query_id)
    return Response(content, media_type="image/webp", headers=MEDIA_HEADERS)


@get("/images/{image_id:int}/similar", include_in_schema=False)
async def similar(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    k: FromQuery[int | None] = None,
    collection: FromQuery[str | None] = None,
    label: FromQuery[str | None] = None,
) -> Template:
    """More like a stored picture: as a page, or as the strip that a picture's page loads."""
    strip = request.headers.get("hx-target") == "similar" and wants_fragment(request)
    narrowed, filters = await _filters(engine, viewer, collection, label)
    wanted = k if k is not None else STRIP if strip else service.DEFAULT_K
    results = await service.search_by_images(engine, viewer, [image_id], SearchOptions(wanted, filters))
    if strip:
        part = SimilarPart([_tile(hit) for hit in results.hits], f"/images/{image_id}/similar")
        return render(request, "search/_similar.html", part, title="More like this")
    image = await images.get_visible(engine.db, viewer, image_id)
    tile = make_tile(image)
    asked = Asked("image", tile.thumb(512), tile.alt, image.filename, tile.url, tile.ratio_class)
    return await _results(request, engine, viewer, asked, results, wanted, narrowed)


def score_words(score: float) -> str | None:
    """A plain meaning, where the score has one whatever the model."""
    if score >= SAME_SCORE:
        return "same picture"
    return "near copy" if score >= COPY_SCORE else None


def _tile(hit: Hit) -> Tile:
    return make_tile(hit.image, hit.score, score_words(hit.score))


async def _filters(
    engine: Engine, viewer: Viewer, collection: str | None, label: str | None
) -> tuple[Narrowed, Filters]:
    async with engine.db.transaction() as conn:
        filters, found = await images.resolve_filters(conn, viewer, collection, label)
    return Narrowed(found, filters.label), filters


async def _results(
    request: Request[Any, Any, Any],
    engine: Engine,
    viewer: Viewer,
    asked: Asked,
    results: Results,
    k: int,
    narrowed: Narrowed,
) -> Template:
    shelves = await collections.list_shelves(engine.db, viewer)
    facets = await images.facets(engine.db, viewer, Filters(narrowed.collection.id if narrowed.collection else None))
    context = ResultsPage(
        query=asked,
        tiles=[_tile(hit) for hit in results.hits],
        k=k,
        filters=narrowed,
        collections=[shelf.collection for shelf in shelves if shelf.count],
        labels=facets.labels,
        model_name=results.model,
        index_version=results.index,
        took_ms=results.took_ms,
    )
    return render(request, "search/results.html", context, fragment="search/_results.html", title="Results")


handlers: list[Any] = [search_page, create_query, show_query, query_picture, similar]
