"""Pages of kept queries: made of an uploaded picture or a part of one, answered at an address of their own."""

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
from app.core.errors import Invalid
from app.core.pages import redirect
from app.images import service as images
from app.images.media import MEDIA_HEADERS
from app.images.parameters import narrowing
from app.images.ratios import ratio_class
from app.images.records import Image, Narrowing, Region
from app.images.service_filters import resolve_filters
from app.images.tiles import make_tile
from app.search import service, service_queries
from app.search.pages_results import Asked, find_examples, render_results
from app.search.parameters import check_examples, read_percents, read_score
from app.search.records import Query, SearchOptions
from app.search.service import Engine
from app.search.service_queries import QUERY_THUMBNAIL

CropForm = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass
class QueryForm:
    """The one search box: a picture."""

    file: UploadFile | None = None


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
    query_id = await service_queries.create_query(engine, viewer, content, data.file.filename)
    return redirect(f"/queries/{query_id}")


@post("/queries/{query_id:uuid}/crops", include_in_schema=False)
async def crop_query(
    engine: NamedDependency[Engine], viewer: NamedDependency[Viewer], query_id: FromPath[UUID], data: CropForm
) -> Redirect:
    """Keep a part of a query's picture as another query and go to its results."""
    made = await service_queries.create_crop_of_query(engine, viewer, query_id, read_percents(data))
    return redirect(f"/queries/{made}")


@post("/images/{image_id:int}/crops", include_in_schema=False)
async def crop_image(
    engine: NamedDependency[Engine], viewer: NamedDependency[Viewer], image_id: FromPath[int], data: CropForm
) -> Redirect:
    """Keep a part of a stored picture as a query and go to its results."""
    made = await service_queries.create_crop_of_image(engine, viewer, image_id, read_percents(data))
    return redirect(f"/queries/{made}")


@get("/queries/{query_id:uuid}", include_in_schema=False, dependencies=narrowing)
async def show_query(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    query_id: FromPath[UUID],
    asked: NamedDependency[Narrowing],
    liked: FromQuery[list[int] | None] = None,
    disliked: FromQuery[list[int] | None] = None,
    k: FromQuery[int] = service.DEFAULT_K,
    min_likeness: FromQuery[str | None] = None,
    copies: FromQuery[bool] = False,
) -> Template:
    """The results of a query; examples, filters and k are in the address."""
    check_examples(liked, disliked)
    filters, found = await resolve_filters(engine.db, viewer, asked)
    options = SearchOptions(k, filters, min_likeness=read_score("min_likeness", min_likeness), collapse=not copies)
    examples = await find_examples(engine, viewer, liked or [], disliked or [])
    query, results = await service_queries.run_query(
        engine, viewer, query_id, options, examples.liked_ids, examples.disliked_ids
    )
    async with engine.db.reading() as reading:
        if query.image_id is None:
            shown = _uploaded(query)
        else:
            image, regions = await images.get_described(reading, viewer, query.image_id)
            shown = asked_image(image, regions, query.crop)
        return await render_results(request, reading, viewer, shown, results, options, found, examples)


@get("/queries/{query_id:uuid}/picture", include_in_schema=False)
async def query_picture(
    engine: NamedDependency[Engine], viewer: NamedDependency[Viewer], query_id: FromPath[UUID]
) -> Response[bytes]:
    """The picture that was searched with."""
    content = await service_queries.query_thumbnail(engine, viewer, query_id)
    return Response(content, media_type="image/webp", headers=MEDIA_HEADERS)


def asked_image(image: Image, regions: list[Region], crop: list[float] | None = None) -> Asked:
    """A stored picture, or a part of it, as what was searched with."""
    tile = make_tile(image)
    return Asked(
        kind="image",
        picture_url=tile.thumb(512),
        large_url=tile.thumb(1024),
        alt=tile.alt,
        filename=image.filename,
        page_url=tile.url,
        crops_url=f"{tile.url}/crops",
        ratio_class=tile.ratio_class,
        width=image.width,
        height=image.height,
        crop=crop,
        regions=regions,
    )


def _uploaded(query: Query) -> Asked:
    url = f"/queries/{query.id}"
    kept = min(1.0, QUERY_THUMBNAIL / query.width)  # the size that its parts are cut out of
    return Asked(
        kind="upload",
        picture_url=f"{url}/picture",
        large_url=f"{url}/picture",
        alt=f"Your picture {query.filename}",
        filename=query.filename,
        page_url=url,
        crops_url=f"{url}/crops",
        ratio_class=ratio_class(query.width, query.height),
        width=round(query.width * kept),
        height=max(1, round(query.height * kept)),
        crop=query.crop,
    )


handlers: list[Any] = [create_query, crop_query, crop_image, show_query, query_picture]
