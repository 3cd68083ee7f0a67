"""Search as JSON: by file, by stored picture, and the call of the project that this one grew from."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.datastructures import UploadFile
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.params import Parameter

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


class ApiQuery(msgspec.Struct):
    """A search as either form of the request gives it."""

    k: int
    filters: Filters
    image_id: int | None = None
    content: bytes | None = None


FILE_SCHEMA = Schema(
    type="object",
    required=["file"],
    properties={
        "file": Schema(type="string", format="binary", description="The picture to search with."),
        "k": Schema(type="integer", minimum=1, maximum=service.MAX_K, default=DEFAULT_K),
        "collection": Schema(type="string", description="Name or id of a collection."),
        "label": Schema(type="string"),
    },
)
IMAGE_SCHEMA = Schema(
    type="object",
    required=["image_id"],
    properties={
        "image_id": Schema(type="integer", description="A stored picture; itself left out of the results."),
        "k": Schema(type="integer", minimum=1, maximum=service.MAX_K, default=DEFAULT_K),
        "collection": Schema(one_of=[Schema(type="string"), Schema(type="integer")]),
        "label": Schema(type="string"),
    },
)
