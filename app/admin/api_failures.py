"""Pictures that failed as JSON, for admins: not embedded, or refused by imports; and their retry."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, Parameter

from app.accounts.guards import require_admin
from app.accounts.records import Viewer
from app.admin import service_failures
from app.admin.service_failures import MAX_PAGE_SIZE, SHOWN
from app.core.database import Database
from app.embedding import service as embedding
from app.ingest import service as ingest

Limit = Annotated[int, Parameter(ge=1, le=MAX_PAGE_SIZE, description="From 1 to 500.")]
Cursor = Annotated[str | None, Parameter(description="`next_cursor` of the page before.")]


class FailureOut(msgspec.Struct):
    """A picture that could not be embedded by a model, and why; `owner` is the name of whose it is."""

    image_id: int
    filename: str
    owner: str
    model: str
    reason: str
    attempted_at: datetime


class FailureList(msgspec.Struct):
    """One page, the newest first. `next_cursor` asks for the next one; null: this is the last."""

    failures: list[FailureOut]
    next_cursor: str | None


class RefusedOut(msgspec.Struct):
    """A file that an import refused, by its `position` there. `can_retry`: the import has come to its end."""

    import_id: int
    import_name: str
    owner: str
    position: int
    file: str
    reason: str
    can_retry: bool


class Quarantine(msgspec.Struct):
    """One page, the newest import first; `count` are all that there are. `next_cursor` null: this is the last."""

    refused: list[RefusedOut]
    count: int
    next_cursor: str | None


class Retried(msgspec.Struct):
    """How many are tried again: failures of pictures, or imports that refused something."""

    retried: int


@get("/failures", operation_id="listFailures", summary="List pictures that could not be embedded")
async def list_failures(db: NamedDependency[Database], limit: Limit = SHOWN, cursor: Cursor = None) -> FailureList:
    """Whoever's they are: names and reasons, never pictures."""
    page = await service_failures.list_failures(db, cursor=cursor, limit=limit)
    failures = [
        FailureOut(one.image_id, one.filename, one.owner, one.model, one.reason, one.attempted_at)
        for one in page.failures
    ]
    return FailureList(failures, page.next_cursor)


@post("/failures/retry", operation_id="retryFailures", summary="Try all again to embed", status_code=202)
async def retry_all(db: NamedDependency[Database]) -> Retried:
    """The worker takes them up at once; what fails again is listed again."""
    return Retried(await embedding.retry_failed(db))


@post("/failures/{image_id:int}/retry", operation_id="retryFailure", summary="Try again to embed", status_code=202)
async def retry_one(db: NamedDependency[Database], image_id: FromPath[int]) -> None:
    """One picture, by every model that failed at it. 404 for one that has not failed."""
    await service_failures.retry_embedding(db, image_id)


@get("/quarantine", operation_id="listQuarantine", summary="List files that imports refused")
async def list_quarantine(db: NamedDependency[Database], limit: Limit = SHOWN, cursor: Cursor = None) -> Quarantine:
    """Whoever's they are, with the reason of each."""
    page = await service_failures.list_refused(db, cursor=cursor, limit=limit)
    refused = [
        RefusedOut(one.import_id, one.import_name, one.owner, one.position, one.file, one.reason, one.can_retry)
        for one in page.refused
    ]
    return Quarantine(refused, page.count, page.next_cursor)


@post("/quarantine/retry", operation_id="retryQuarantine", summary="Try all refused files again", status_code=202)
async def retry_all_refused(db: NamedDependency[Database], viewer: NamedDependency[Viewer]) -> Retried:
    """Of every import that has come to its end."""
    return Retried(await service_failures.retry_refused(db, viewer))


@post(
    "/quarantine/{import_id:int}/{position:int}/retry",
    operation_id="retryRefused",
    summary="Try a refused file again",
    status_code=202,
)
async def retry_one_refused(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int], position: FromPath[int]
) -> None:
    """404 for a file that was not refused, 409 while its import is under way or has not come to its end."""
    await ingest.go_on(db, viewer, import_id, again=True, position=position)


router = Router(
    "/api/v1/admin",
    route_handlers=[list_failures, retry_all, retry_one, list_quarantine, retry_all_refused, retry_one_refused],
    guards=[require_admin],
    tags=["admin"],
)
