"""Pages of search: by picture, results with an address of their own, more like this."""

from collections import Counter
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
from app.collections.records import Collection
from app.core.errors import Invalid
from app.core.pages import redirect, render, wants_fragment
from app.images import service as images
from app.images.media import MEDIA_HEADERS
from app.images.pages_gallery import Narrowed, make_narrowed
from app.images.parameters import narrowing
from app.images.ratios import ratio_class
from app.images.records import Narrowing
from app.images.service_filters import resolve_filters
from app.images.tiles import Score, Tile, make_tile
from app.search import service
from app.search.background import CHANCE, WORDS
from app.search.parameters import read_score
from app.search.records import Results, SearchOptions
from app.search.service import Engine

STRIP = 12
LIKENESSES = [(least, words.capitalize()) for least, words in reversed(WORDS)]


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
    min_likeness: float | None
    likenesses: list[tuple[float, str]]
    collapse: bool
    collections: list[Collection]
    labels: list[str]
    has_reading: bool
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


@get("/queries/{query_id:uuid}", include_in_schema=False, dependencies=narrowing)
async def show_query(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    query_id: FromPath[UUID],
    asked: NamedDependency[Narrowing],
    k: FromQuery[int] = service.DEFAULT_K,
    min_likeness: FromQuery[str | None] = None,
    collapse: FromQuery[bool] = False,
) -> Template:
    """The results of a query; filters and k are in the address."""
    filters, found = await resolve_filters(engine.db, viewer, asked)
    options = SearchOptions(k, filters, min_likeness=read_score("min_likeness", min_likeness), collapse=collapse)
    query, results = await service.run_query(engine, viewer, query_id, options)
    shown = Asked(
        kind="upload",
        picture_url=f"/queries/{query_id}/picture",
        alt=f"Your picture {query.filename}",
        filename=query.filename,
        page_url=f"/queries/{query_id}",
        ratio_class=ratio_class(query.width, query.height),
    )
    return await _results(request, engine, viewer, shown, results, options, found)


@get("/queries/{query_id:uuid}/picture", include_in_schema=False)
async def query_picture(
    engine: NamedDependency[Engine], viewer: NamedDependency[Viewer], query_id: FromPath[UUID]
) -> Response[bytes]:
    """The picture that was searched with."""
    content = await service.query_thumbnail(engine, viewer, query_id)
    return Response(content, media_type="image/webp", headers=MEDIA_HEADERS)


@get("/images/{image_id:int}/similar", include_in_schema=False, dependencies=narrowing)
async def similar(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    asked: NamedDependency[Narrowing],
    k: FromQuery[int | None] = None,
    min_likeness: FromQuery[str | None] = None,
    collapse: FromQuery[bool] = False,
) -> Template:
    """More like a stored picture: as a page, or as the strip that a picture's page loads."""
    strip = request.headers.get("hx-target") == "similar" and wants_fragment(request)
    filters, found = await resolve_filters(engine.db, viewer, asked)
    wanted = k if k is not None else STRIP if strip else service.DEFAULT_K
    options = SearchOptions(wanted, filters, min_likeness=read_score("min_likeness", min_likeness), collapse=collapse)
    results = await service.search_by_images(engine, viewer, [image_id], options)
    if strip:
        part = SimilarPart(_tiles(results), f"/images/{image_id}/similar")
        return render(request, "search/_similar.html", part, title="More like this")
    image = await images.get_visible(engine.db, viewer, image_id)
    tile = make_tile(image)
    shown = Asked("image", tile.thumb(512), tile.alt, image.filename, tile.url, tile.ratio_class)
    return await _results(request, engine, viewer, shown, results, options, found)


def _tiles(results: Results) -> list[Tile]:
    by = f"by {results.model}, index {results.index}"
    return [
        make_tile(hit.image, Score(hit.score, hit.words, hit.words == CHANCE, f"Cosine {hit.score:.4f} {by}"))
        for hit in results.hits
    ]


async def _results(
    request: Request[Any, Any, Any],
    engine: Engine,
    viewer: Viewer,
    shown: Asked,
    results: Results,
    options: SearchOptions,
    collection: Collection | None,
) -> Template:
    # Labels of what was found, most frequent first: counting those of the whole gallery took longer than the search.
    labels = Counter(label for hit in results.hits for label in hit.image.labels)
    labels.update([options.filters.label] if options.filters.label else [])
    context = ResultsPage(
        query=shown,
        tiles=_tiles(results),
        k=options.k,
        filters=make_narrowed(options.filters, collection),
        min_likeness=options.min_likeness,
        likenesses=LIKENESSES,
        collapse=options.collapse,
        collections=await service.list_collections(engine, viewer),
        labels=[label for label, _ in labels.most_common()],
        has_reading=results.background is not None,
        model_name=results.model,
        index_version=results.index,
        took_ms=results.took_ms,
    )
    return render(request, "search/results.html", context, fragment="search/_results.html", title="Results")


handlers: list[Any] = [search_page, create_query, show_query, query_picture, similar]
