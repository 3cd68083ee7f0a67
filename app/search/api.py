"""Search as JSON: by file, by stored examples, by a vector."""

from dataclasses import dataclass, fields
from typing import Annotated, Any, get_args

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, Parameter

from app.accounts.guards import READS
from app.accounts.records import Viewer
from app.core.errors import Invalid
from app.images.parameters import narrowing
from app.images.records import Narrowing, Shape, Size
from app.images.service_filters import resolve_filters
from app.search import service
from app.search.api_results import SearchOut, search_out
from app.search.paging import read_cursor
from app.search.parameters import DEFAULT_K, read_flag, read_k, read_score
from app.search.records import SearchOptions
from app.search.service import Engine
from ml.crop import Crop


class RegionIn(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a picture: upper left corner and size as shares, 0 to 1, of its width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def crop(self) -> Crop:
        return Crop(self.x, self.y, self.width, self.height)


class SearchByExamples(msgspec.Struct, forbid_unknown_fields=True):
    """Search by a stored picture or a part of it, by liked and disliked ones, or by a vector: by one of the three."""

    image_id: int | None = None
    region: RegionIn | None = None
    liked: list[int] = []
    disliked: list[int] = []
    vector: list[float] | None = None
    identity: str | None = None
    k: int = DEFAULT_K
    collection: str | int | None = None
    label: str | None = None
    text: str | None = None
    after: str | None = None
    before: str | None = None
    shape: Shape | None = None
    size: Size | None = None
    format: str | None = None
    has_copies: bool = False
    min_score: float | None = None
    min_likeness: float | None = None
    collapse: bool = False
    cursor: str | None = None

    @property
    def narrowing(self) -> Narrowing:
        collection = None if self.collection is None else str(self.collection)
        words = (collection, self.label, self.text, self.after, self.before, self.shape, self.size, self.format)
        return Narrowing(*words, self.has_copies)


TEXT_FILTERS = [one.name for one in fields(Narrowing) if one.name != "has_copies"]
INTEGER = Schema(type=OpenAPIType.INTEGER)
K = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=service.MAX_K, default=DEFAULT_K)
MIN_SCORE = Schema(type=OpenAPIType.NUMBER, minimum=-1, maximum=1, description="No result of a lower cosine.")
NO_READING = "0 to 1; without effect in a gallery too small for likeness."
MIN_LIKENESS = Schema(type=OpenAPIType.NUMBER, minimum=0, maximum=1, description=NO_READING)
COLLAPSE = Schema(type=OpenAPIType.BOOLEAN, default=False, description="Copies of one picture are one result.")
SHARE = Schema(type=OpenAPIType.NUMBER, minimum=0, maximum=1)
REGION = Schema(
    type=OpenAPIType.OBJECT,
    required=["x", "y", "width", "height"],
    properties=dict.fromkeys(("x", "y", "width", "height"), SHARE),
    description="Search by this part of the picture only: its upper left corner and its size as shares of the "
    "picture's width and height. What lies outside of the picture is cut off; at least 16 pixels a side must be left.",
)
CURSOR = "`next_cursor` of the page before, of the same search."
DAY = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE)
NARROWING = {
    "label": Schema(type=OpenAPIType.STRING),
    "text": Schema(type=OpenAPIType.STRING, description="Words of the caption, a label or the file name."),
    "after": DAY,
    "before": DAY,
    "shape": Schema(type=OpenAPIType.STRING, enum=get_args(Shape)),
    "size": Schema(type=OpenAPIType.STRING, enum=get_args(Size), description="By megapixels: below 1, and from 8 on."),
    "format": Schema(type=OpenAPIType.STRING, description="The format of its file: JPEG, PNG, WEBP …"),
    "has_copies": Schema(
        type=OpenAPIType.BOOLEAN, default=False, description="Only pictures of which the caller may see a copy."
    ),
    "min_score": MIN_SCORE,
    "min_likeness": MIN_LIKENESS,
    "collapse": COLLAPSE,
    "cursor": Schema(type=OpenAPIType.STRING, description=CURSOR),
}
FILE_SCHEMA = Schema(
    type=OpenAPIType.OBJECT,
    required=["file"],
    properties={
        "file": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="The picture to search with."),
        "region": REGION,
        "k": K,
        "collection": Schema(type=OpenAPIType.STRING, description="Name or id of a collection."),
        **NARROWING,
    },
)
EXAMPLES_SCHEMA = Schema(
    type=OpenAPIType.OBJECT,
    description="One of `image_id`, `liked` (perhaps with `disliked`) and `vector`. Examples are left out.",
    properties={
        "image_id": Schema(type=OpenAPIType.INTEGER, description="A stored picture."),
        "region": REGION,
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
        **NARROWING,
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
    opt=READS,
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
    dependencies=narrowing,
    tags=["search"],
)
async def similar(
    engine: NamedDependency[Engine],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    asked: NamedDependency[Narrowing],
    k: Annotated[int, Parameter(description="From 1 to 1,000.")] = DEFAULT_K,
    min_score: Annotated[float | None, Parameter(description="No result of a lower cosine.")] = None,
    min_likeness: Annotated[float | None, Parameter(description=NO_READING)] = None,
    collapse: Annotated[bool, Parameter(description="Copies of one picture are one result.")] = False,
    cursor: Annotated[str | None, Parameter(description=CURSOR)] = None,
) -> SearchOut:
    """The pictures most like a stored one, itself left out."""
    filters, _ = await resolve_filters(engine.db, viewer, asked)
    options = SearchOptions(k, filters, min_score, min_likeness, collapse, read_cursor(cursor, service.MAX_LOOKED_AT))
    return search_out(await service.search_by_images(engine, viewer, [image_id], options))


async def _by_file(request: Request[Any, Any, Any], engine: Engine, viewer: Viewer) -> SearchOut:
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid("the field `file` with the picture is missing")
    sent = {name: value for name, value in form.items() if isinstance(value, str)}
    asked = Narrowing(
        **{name: sent.get(name) for name in TEXT_FILTERS}, has_copies=read_flag("has_copies", sent.get("has_copies"))
    )
    filters, _ = await resolve_filters(engine.db, viewer, asked)
    options = SearchOptions(
        read_k(sent.get("k")),
        filters,
        read_score("min_score", sent.get("min_score")),
        read_score("min_likeness", sent.get("min_likeness")),
        read_flag("collapse", sent.get("collapse")),
        read_cursor(sent.get("cursor"), service.MAX_LOOKED_AT),
    )
    crop = _read_region(sent.get("region"))
    content = await file.read(engine.max_bytes + 1)
    return search_out(await service.search_by_picture(engine, viewer, content, options, crop))


def _read_region(text: str | None) -> Crop | None:
    if text is None or text == "":
        return None
    try:
        return msgspec.json.decode(text, type=RegionIn).crop
    except msgspec.DecodeError as error:
        raise Invalid(f'region is JSON as {{"x": 0.1, "y": 0.2, "width": 0.5, "height": 0.5}}: {error}') from error


async def _by_examples(body: bytes, engine: Engine, viewer: Viewer) -> SearchOut:
    try:
        asked = msgspec.json.decode(body, type=SearchByExamples)
    except msgspec.DecodeError as error:
        raise Invalid(f"the JSON cannot be used: {error}") from error
    if (asked.image_id is not None) + bool(asked.liked) + (asked.vector is not None) != 1:
        raise Invalid("name one of `image_id`, `liked` and `vector`")
    if asked.region is not None and asked.image_id is None:
        raise Invalid("`region` goes with `image_id`, or with a `file`")
    if asked.disliked and not asked.liked:
        raise Invalid("`disliked` goes with `liked`")
    filters, _ = await resolve_filters(engine.db, viewer, asked.narrowing)
    place = read_cursor(asked.cursor, service.MAX_LOOKED_AT)
    options = SearchOptions(asked.k, filters, asked.min_score, asked.min_likeness, asked.collapse, place)
    if asked.vector is not None:
        return search_out(await service.search_by_vector(engine, viewer, asked.vector, options, asked.identity))
    if asked.image_id is not None and asked.region is not None:
        found = await service.search_by_crop(engine, viewer, asked.image_id, asked.region.crop, options)
        return search_out(found)
    liked = asked.liked if asked.image_id is None else [asked.image_id]
    return search_out(await service.search_by_images(engine, viewer, liked, options, asked.disliked))


handlers: list[Any] = [search, similar]
