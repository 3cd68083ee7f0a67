"""Labels as JSON."""

from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import Parameter

from app.accounts.records import Viewer
from app.core.database import Database
from app.images import service, service_counts
from app.images.parameters import narrowing
from app.images.records import Narrowing
from app.images.service_filters import resolve_filters

DEFAULT_LIMIT = 100


class LabelOut(msgspec.Struct):
    """A label, and how many of the pictures that the caller may see carry it."""

    name: str
    images: int


class LabelList(msgspec.Struct):
    """Labels, the most frequent first."""

    labels: list[LabelOut]


@get("/api/v1/labels", tags=["labels"], operation_id="listLabels", summary="List labels", dependencies=narrowing)
async def list_labels(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    asked: NamedDependency[Narrowing],
    prefix: Annotated[str, Parameter(description="How the label begins; letter case aside.")] = "",
    limit: Annotated[int, Parameter(ge=1, le=service.MAX_PAGE_SIZE, description="From 1 to 500.")] = DEFAULT_LIMIT,
) -> LabelList:
    """The most frequent labels of the pictures that the caller may see and that match the filters, with counts."""
    filters, _ = await resolve_filters(db, viewer, asked)
    found = await service_counts.list_labels(db, viewer, filters, prefix=prefix, limit=limit)
    return LabelList([LabelOut(one.name, one.count) for one in found])


handlers: list[Any] = [list_labels]
