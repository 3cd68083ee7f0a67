"""Imports as JSON: how they are, and the verbs on them."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, Parameter

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core.database import Database
from app.ingest import service
from app.ingest.api import RefusedFile
from app.ingest.service import REFUSALS_SHOWN, Progress

Cursor = Annotated[int | None, Parameter(ge=1, description="`next_cursor` of the page before.")]
Told = Annotated[int, Parameter(ge=0, le=1_000_000, description="How many of the refused files to tell.")]


class ImportOut(msgspec.Struct):
    """One import. `state` is queued, running, done, failed or cancelled, and `message` says why it ended.

    `total` is the number of its files, null while it is unknown; `done` of them were dealt with at `rate` a second,
    and the rest takes about `eta_s` seconds. `checks` is what was confirmed of the source. `can_resume`: it ended
    before its time; `can_retry`: what was refused can be tried again.
    """

    id: int
    job: int
    name: str
    kind: str
    collection_id: int | None
    collection: str | None
    owner: str
    state: str
    message: str
    done: int
    total: int | None
    rate: float | None
    eta_s: float | None
    added: int
    existing: int
    refused: int
    can_resume: bool
    can_retry: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ImportDetail(ImportOut):
    """One import, with what was confirmed of its source and the first of the files that it refused."""

    checks: list[str]
    refusals: list[RefusedFile]


class ImportList(msgspec.Struct):
    """A page of the caller's imports, the newest first. `next_cursor` asks for the next one; null: the last."""

    imports: list[ImportOut]
    next_cursor: int | None


@get("/", operation_id="listImports", summary="List imports")
async def list_imports(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], cursor: Cursor = None
) -> ImportList:
    """The caller's imports, 50 at once, the newest first."""
    found, next_cursor = await service.list_own(db, viewer, cursor)
    return ImportList([_import_out(one) for one in found], next_cursor)


@get("/{import_id:int}", operation_id="getImport", summary="Get an import")
async def get_import(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    import_id: FromPath[int],
    refusals: Told = REFUSALS_SHOWN,
) -> ImportDetail:
    """How far an import has come, and what it refused. 404 for another's; an admin sees all."""
    return await _detail(db, viewer, import_id, refusals)


@post("/{import_id:int}/cancel", operation_id="cancelImport", summary="Cancel an import", status_code=202)
async def cancel(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int]
) -> ImportDetail:
    """Ask an import to end. What came in stays in, and `resume` goes on from there."""
    await service.cancel(db, viewer, import_id)
    return await _detail(db, viewer, import_id)


@post("/{import_id:int}/resume", operation_id="resumeImport", summary="Go on with an import", status_code=202)
async def resume(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int]
) -> ImportDetail:
    """Queue an import that ended before its time: it goes on from where it was. 409 for any other."""
    await service.go_on(db, viewer, import_id)
    return await _detail(db, viewer, import_id)


@post("/{import_id:int}/retry", operation_id="retryImport", summary="Try refused files again", status_code=202)
async def retry(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int]
) -> ImportDetail:
    """Queue what an import refused. 409 while it is under way, and when it refused nothing."""
    await service.go_on(db, viewer, import_id, again=True)
    return await _detail(db, viewer, import_id)


async def _detail(db: Database, viewer: Viewer, import_id: int, shown: int = REFUSALS_SHOWN) -> ImportDetail:
    progress = await service.get(db, viewer, import_id, shown=shown)
    return ImportDetail(
        **msgspec.structs.asdict(_import_out(progress)),
        checks=progress.made.checks,
        refusals=[RefusedFile(one.file, one.reason) for one in progress.refusals],
    )


def _import_out(progress: Progress) -> ImportOut:
    made, job = progress.made, progress.job
    return ImportOut(
        id=made.id,
        job=job.id,
        name=made.name,
        kind=made.kind,
        collection_id=made.collection_id,
        collection=made.collection_name,
        owner=made.owner_name,
        state=job.state,
        message=job.message,
        done=job.done,
        total=job.total,
        rate=None if job.rate is None else round(job.rate, 2),
        eta_s=None if job.eta_s is None else round(job.eta_s, 1),
        added=made.added,
        existing=made.existing,
        refused=made.refused,
        can_resume=progress.can_go_on,
        can_retry=progress.can_retry,
        created_at=made.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


router = Router(
    "/api/v1/imports",
    route_handlers=[list_imports, get_import, cancel, resume, retry],
    guards=[require_signed_in],
    tags=["imports"],
)
