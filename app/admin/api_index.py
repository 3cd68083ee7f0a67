"""The index as JSON, for admins: how it is, its versions, and the verbs on them."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, Parameter

from app.accounts.guards import require_admin
from app.admin import service
from app.core import changes
from app.core.database import Database
from app.core.settings import Settings
from app.embedding import service as embedding
from app.search import builds, lifecycle
from app.search.live import Live
from app.search.records import IndexVersion, Recall

ASKED = "asked for by API"


class VersionOut(msgspec.Struct):
    """One published build: what it holds, how it searches, and what was measured when it was built."""

    version: int
    model: str
    active: bool
    below_target: bool
    count: int
    layout: str
    nlist: int
    nprobe: int
    recall: float
    target_recall: float
    p50_ms: float | None
    curve: list[tuple[int, float, float]]
    size_bytes: int
    build_s: float
    built_at: datetime
    reason: str


class RecallOut(msgspec.Struct):
    """A measured recall: of people's searches (`query`), or of a review's stored pictures."""

    version: int | None
    of: str
    collection: str | None
    queries: int
    recall: float


class IndexOut(msgspec.Struct):
    """The index in force in the process that answers. `due` is the build that is due, `waits_for` why it waits."""

    state: str
    model: str
    version: str
    count: int
    main: int
    delta: int
    tombstones: int
    lag: int
    recall_today: list[RecallOut]
    recall_reviewed: list[RecallOut]
    due: str | None
    waits_for: str | None
    versions: list[VersionOut]


class BuildOut(msgspec.Struct):
    """The job that builds."""

    job: int


class DeletedOut(msgspec.Struct):
    """The version that is gone."""

    deleted: int


@get("/", operation_id="index", summary="The index in force and its versions")
async def index(
    db: NamedDependency[Database], settings: NamedDependency[Settings], live: NamedDependency[Live]
) -> IndexOut:
    """How the index is in the process that answers, every published version, and measured recall."""
    model = await embedding.active_model(db)
    async with db.transaction() as conn:
        state = service.describe_index(live, await changes.position(conn), building=False)
        life = await service.describe_life(conn, settings, model)
    return IndexOut(
        state=state.state,
        model=state.model,
        version=state.version,
        count=state.count,
        main=state.main_count,
        delta=state.delta_count,
        tombstones=state.tombstones,
        lag=state.lag,
        recall_today=[_recall_out(one) for one in life.today],
        recall_reviewed=[_recall_out(one) for one in life.reviewed],
        due=life.due.reason if life.due else None,
        waits_for=life.due.waits_for or None if life.due else None,
        versions=[_version_out(one) for one in life.versions],
    )


@post("/build", operation_id="buildIndex", summary="Build the index afresh", status_code=202)
async def build(db: NamedDependency[Database]) -> BuildOut:
    """Queue a build for the model in force; one that is under way already will do."""
    return BuildOut(await builds.request_build(db, ASKED))


@post(
    "/versions/{version_id:int}/activate",
    operation_id="activateIndex",
    summary="Put a version in force",
    status_code=200,
)
async def activate(
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    version_id: FromPath[int],
    below_target: Annotated[bool, Parameter(description="Even one that finds less than its target.")] = False,
) -> VersionOut:
    """Put a version in force. 409 for another model's, a damaged one, and one below its target."""
    return _version_out(await lifecycle.activate(db, settings, version_id, below_target=below_target))


@post("/rollback", operation_id="rollbackIndex", summary="Go back to the version before", status_code=200)
async def rollback(db: NamedDependency[Database], settings: NamedDependency[Settings]) -> VersionOut:
    """Put the version before the active one in force. 409 when there is none."""
    return _version_out(await lifecycle.rollback(db, settings))


@post("/versions/{version_id:int}/delete", operation_id="deleteIndex", summary="Delete a version", status_code=200)
async def delete(
    db: NamedDependency[Database], settings: NamedDependency[Settings], version_id: FromPath[int]
) -> DeletedOut:
    """Delete a version, its row and its files. 409 for an active one."""
    return DeletedOut((await lifecycle.delete(db, settings, version_id)).id)


def _version_out(version: IndexVersion) -> VersionOut:
    return msgspec.convert(version.facts, VersionOut)


def _recall_out(recall: Recall) -> RecallOut:
    return RecallOut(recall.version_id, recall.subject, recall.collection, recall.queries, round(recall.recall, 4))


router = Router(
    "/api/v1/index",
    route_handlers=[index, build, activate, rollback, delete],
    guards=[require_admin],
    tags=["index"],
)
