"""Search as JSON: by file, by stored examples, by a vector."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, Parameter

from app.accounts.records import Viewer
from app.core.errors import Invalid
from app.images import service as images
from app.images.api import original_url, thumbnail_url
from app.images.records import Filters
from app.search import service
from app.search.records import Hit, Results, SearchOptions
from app.search.service import Engine

DEFAULT_K = 10


class ResultOut(msgspec.Struct, omit_defaults=True):
    """One result. `score` is the cosine: higher is better, 1 is the same picture.

    `copies`, there when copies were collapsed, are the further results that were copies of it.
    """

    image_id: int
    score: float
    filename: str
    label: str | None
    labels: list[str]
    collection: str
    url: str
    thumbnail_url: str
    copies: int = 0


class SearchOut(msgspec.Struct):
    """Results, best first, with the model and the version of its index that found them."""

    model: str
    index: str
    results: list[ResultOut]


class SearchByExamples(msgspec.Struct, forbid_unknown_fields=True):
    """Search by a stored picture, by several liked and disliked ones, or by a vector: by one of the three."""

    image_id: int | None = None
    liked: list[int] = []
    disliked: list[int] = []
    vector: list[float] | None = None
    identity: str | None = None
    k: int = DEFAULT_K
    collection: str | int | None = None
    label: str | None = None
    min_score: float | None = None
    collapse: bool = False


INTEGER = Schema(type=OpenAPIType.INTEGER)
K = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=service.MAX_K, default=DEFAULT_K)
MIN_SCORE = Schema(type=OpenAPIType.NUMBER, minimum=-1, maximum=1, description="No result of a lower cosine.")
COLLAPSE = Schema(type=OpenAPIType.BOOLEAN, default=False, description="Copies of one picture are one result.")
FILE_SCHEMA = Schema(
    type=OpenAPIType.OBJECT,
    required=["file"],
    properties={
        "file": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="The picture to search with."),
        "k": K,
        "collection": Schema(type=OpenAPIType.STRING, description="Name or id of a collection."),
        "label": Schema(type=OpenAPIType.STRING),
        "min_score": MIN_SCORE,
        "collapse": COLLAPSE,
    },
)
EXAMPLES_SCHEMA = Schema(
    type=OpenAPIType.OBJECT,
    description="One of `image_id`, `liked` (perhaps with `disliked`) and `vector`. Examples are left out.",
    properties={
        "image_id": Schema(type=OpenAPIType.INTEGER, description="A stored picture."),
        "liked": Schema(type=OpenAPIType.ARRAY, items=INTEGER, description="Stored pictures to be like, on average."),
        "disliked": Schema(type=OpenAPIType.ARRAY, items=INTEGER, description="Stored pictures to be unlike."),
        "vector": Schema(
            type=OpenAPIType.ARRAY,
            items=Schema(type=OpenAPIType.NUMBER),
            description="An embedding by the model in force, as /api/v1/embeddings gives it; of any length.",
        ),
        "identity": Schema(
            type=OpenAPIType.STRING, description="Of the vector's model: another than the one in force is refused."
        ),
        "k": K,
        "collection": Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)]),
        "label": Schema(type=OpenAPIType.STRING),
        "min_score": MIN_SCORE,
        "collapse": COLLAPSE,
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
                "application/json": OpenAPIMediaType(schema=EXAMPLES_SCHEMA),
            },
        )


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
    """The pictures most like an uploaded `file`, or like stored examples or a vector, among those the caller may see.

    Without a token: public collections only. A picture that is in the gallery itself comes first, with score 1.
    """
    kind = request.content_type[0]
    if kind == RequestEncodingType.MULTI_PART:
        return await _by_file(request, engine, viewer)
    if kind == RequestEncodingType.JSON:
        return await _by_examples(await request.body(), engine, viewer)
    raise Invalid("send a picture as multipart/form-data in the field `file`, or JSON with examples or a vector")


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
    min_score: Annotated[float | None, Parameter(description="No result of a lower cosine.")] = None,
    collapse: Annotated[bool, Parameter(description="Copies of one picture are one result.")] = False,
) -> SearchOut:
    """The pictures most like a stored one, itself left out."""
    filters = await _filters(engine, viewer, collection, label)
    options = SearchOptions(k, filters, min_score, collapse)
    return search_out(await service.search_by_images(engine, viewer, [image_id], options))


async def _by_file(request: Request[Any, Any, Any], engine: Engine, viewer: Viewer) -> SearchOut:
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid("the field `file` with the picture is missing")
    options = SearchOptions(
        _number(form.get("k")),
        await _filters(engine, viewer, form.get("collection"), form.get("label")),
        _score(form.get("min_score")),
        _flag(form.get("collapse")),
    )
    content = await file.read(engine.max_bytes + 1)
    return search_out(await service.search_by_picture(engine, viewer, content, options))


async def _by_examples(body: bytes, engine: Engine, viewer: Viewer) -> SearchOut:
    try:
        asked = msgspec.json.decode(body, type=SearchByExamples)
    except msgspec.DecodeError as error:
        raise Invalid(f"the JSON cannot be used: {error}") from error
    if (asked.image_id is not None) + bool(asked.liked) + (asked.vector is not None) != 1:
        raise Invalid("name one of `image_id`, `liked` and `vector`")
    if asked.disliked and not asked.liked:
        raise Invalid("`disliked` goes with `liked`")
    collection = None if asked.collection is None else str(asked.collection)
    filters = await _filters(engine, viewer, collection, asked.label)
    options = SearchOptions(asked.k, filters, asked.min_score, asked.collapse)
    if asked.vector is not None:
        return search_out(await service.search_by_vector(engine, viewer, asked.vector, options, asked.identity))
    liked = asked.liked if asked.image_id is None else [asked.image_id]
    return search_out(await service.search_by_images(engine, viewer, liked, options, asked.disliked))


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


def _score(text: str | None) -> float | None:
    if text is None or text == "":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise Invalid("min_score is a number from -1 to 1") from error


def _flag(text: str | None) -> bool:
    if text not in (None, "", "true", "false", "1", "0"):
        raise Invalid("collapse is true or false")
    return text in ("true", "1")


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
        copies=hit.copies,
    )


handlers: list[Any] = [search, similar]
