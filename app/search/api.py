"""Search as JSON: by file, by stored picture, and the call of the project that this one grew from."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import Body, FromPath, Parameter

from app.accounts.records import NOBODY, Viewer
from app.core.errors import Invalid
from app.images import service as images
from app.images.api import original_url, thumbnail_url
from app.images.records import Filters
from app.search import service
from app.search.records import Hit, Results
from app.search.service import Engine

DEFAULT_K = 10


class ResultOut(msgspec.Struct):
    """One result. `score` is the cosine: higher is better, 1 is the same picture."""

    image_id: int
    score: float
    filename: str
    label: str | None
    labels: list[str]
    collection: str
    url: str
    thumbnail_url: str


class SearchOut(msgspec.Struct):
    """Results, best first, with the model and the version of its index that found them."""

    model: str
    index: str
    results: list[ResultOut]


class SearchByImage(msgspec.Struct):
    """Search by a stored picture."""

    image_id: int
    k: int = DEFAULT_K
    collection: str | int | None = None
    label: str | None = None


class PlainResult(msgspec.Struct):
    """A result of `POST /search/`. `distance` is the squared Euclidean one: lower is better, 0 is the same."""

    filename: str
    distance: float


class PlainResults(msgspec.Struct):
    """What `POST /search/` answers."""

    results: list[PlainResult]


FILE_SCHEMA = Schema(
    type=OpenAPIType.OBJECT,
    required=["file"],
    properties={
        "file": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="The picture to search with."),
        "k": Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=service.MAX_K, default=DEFAULT_K),
        "collection": Schema(type=OpenAPIType.STRING, description="Name or id of a collection."),
        "label": Schema(type=OpenAPIType.STRING),
    },
)
IMAGE_SCHEMA = Schema(
    type=OpenAPIType.OBJECT,
    required=["image_id"],
    properties={
        "image_id": Schema(type=OpenAPIType.INTEGER, description="A stored picture; itself left out of the results."),
        "k": Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=service.MAX_K, default=DEFAULT_K),
        "collection": Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)]),
        "label": Schema(type=OpenAPIType.STRING),
    },
)


@dataclass
class SearchOperation(Operation):
    """Tells OpenAPI that the request has two forms, which a typed handler could not."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            content={
                "multipart/form-data": OpenAPIMediaType(schema=FILE_SCHEMA),
                "application/json": OpenAPIMediaType(schema=IMAGE_SCHEMA),
            },
        )


@dataclass
class PlainForm:
    """The picture of `POST /search/`."""

    file: UploadFile


@post(
    "/api/v1/search",
    operation_id="search",
    summary="Search by picture",
    operation_class=SearchOperation,
    status_code=200,
    tags=["search"],
)
async def search(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], viewer: NamedDependency[Viewer]
) -> SearchOut:
    """The pictures most like an uploaded `file`, or like the stored `image_id`, among those the caller may see.

    Without a token: public collections only. A picture that is in the gallery itself comes first, with score 1.
    """
    kind = request.content_type[0]
    if kind == RequestEncodingType.MULTI_PART:
        return await _by_file(request, engine, viewer)
    if kind == RequestEncodingType.JSON:
        return await _by_image(await request.body(), engine, viewer)
    raise Invalid("send a picture as multipart/form-data in the field `file`, or JSON with an `image_id`")


@get(
    "/api/v1/images/{image_id:int}/similar",
    operation_id="similar",
    summary="Similar pictures",
    tags=["search"],
)
async def similar(
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    k: Annotated[int, Parameter(description="From 1 to 1,000.")] = DEFAULT_K,
    collection: Annotated[str | None, Parameter(description="Name or id of a collection.")] = None,
    label: Annotated[str | None, Parameter(description="Only pictures that carry this label.")] = None,
) -> SearchOut:
    """The pictures most like a stored one, itself left out."""
    filters = await _filters(engine, viewer, collection, label)
    return search_out(await service.search_by_image(engine, viewer, image_id, k=k, filters=filters))


@post(
    "/search",
    operation_id="plainSearch",
    summary="Search by picture, in short",
    status_code=200,
    tags=["search"],
)
async def plain_search(
    engine: NamedDependency[Engine],
    data: Annotated[PlainForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    top_k: Annotated[int, Parameter(description="From 1 to 1,000.")] = 5,
) -> PlainResults:
    """File names and distances of the public pictures most like `file`."""
    content = await data.file.read(engine.max_bytes + 1)
    results = await service.search_by_picture(engine, NOBODY, content, k=top_k)
    # For unit vectors the squared distance is 2 - 2 cosine.
    return PlainResults([PlainResult(hit.image.filename, max(0.0, 2 - 2 * hit.score)) for hit in results.hits])


async def _by_file(request: Request[Any, Any, Any], engine: Engine, viewer: Viewer) -> SearchOut:
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid("the field `file` with the picture is missing")
    k = _number(form.get("k"))
    filters = await _filters(engine, viewer, form.get("collection"), form.get("label"))
    content = await file.read(engine.max_bytes + 1)
    return search_out(await service.search_by_picture(engine, viewer, content, k=k, filters=filters))


async def _by_image(body: bytes, engine: Engine, viewer: Viewer) -> SearchOut:
    try:
        asked = msgspec.json.decode(body, type=SearchByImage)
    except msgspec.DecodeError as error:
        raise Invalid(f"the JSON cannot be used: {error}") from error
    collection = None if asked.collection is None else str(asked.collection)
    filters = await _filters(engine, viewer, collection, asked.label)
    return search_out(await service.search_by_image(engine, viewer, asked.image_id, k=asked.k, filters=filters))


async def _filters(engine: Engine, viewer: Viewer, collection: str | None, label: str | None) -> Filters:
    async with engine.db.transaction() as conn:
        filters, _ = await images.resolve_filters(conn, viewer, collection, label)
    return filters


def _number(text: str | None) -> int:
    if text is None or text == "":
        return DEFAULT_K
    try:
        return int(text)
    except ValueError as error:
        raise Invalid(f"k is a whole number from 1 to {service.MAX_K}") from error


def search_out(results: Results) -> SearchOut:
    """The results as the API and the command line tell them."""
    return SearchOut(results.model, results.index, [_result(hit) for hit in results.hits])


def _result(hit: Hit) -> ResultOut:
    return ResultOut(
        image_id=hit.image.id,
        score=round(hit.score, 6),
        filename=hit.image.filename,
        label=hit.image.label,
        labels=hit.image.labels,
        collection=hit.collection,
        url=original_url(hit.image.id),
        thumbnail_url=thumbnail_url(hit.image.id),
    )


handlers: list[Any] = [search, similar, plain_search]
