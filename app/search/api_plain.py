"""`POST /search/`: the call of the project that this one grew from."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter

from app.accounts.records import NOBODY
from app.search import service
from app.search.records import SearchOptions
from app.search.service import Engine


class PlainResult(msgspec.Struct):
    """A result of `POST /search/`. `distance` is the squared Euclidean one: lower is better, 0 is the same."""

    filename: str
    distance: float


class PlainResults(msgspec.Struct):
    """What `POST /search/` answers."""

    results: list[PlainResult]


@dataclass
class PlainForm:
    """The picture of `POST /search/`."""

    file: UploadFile


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
    results = await service.search_by_picture(engine, NOBODY, content, SearchOptions(top_k))
    # For unit vectors the squared distance is 2 - 2 cosine.
    return PlainResults([PlainResult(hit.image.filename, max(0.0, 2 - 2 * hit.score)) for hit in results.hits])


handlers: list[Any] = [plain_search]
