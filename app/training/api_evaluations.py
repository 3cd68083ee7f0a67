"""Evaluations as JSON, for admins: models beside each other on the same pictures."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.guards import require_admin
from app.accounts.records import Viewer
from app.core.database import Database
from app.core.errors import Invalid
from app.core.settings import Settings
from app.training import service_evaluations
from app.training.records import State
from app.training.service_evaluations import PROTOCOLS, Progress


class NewEvaluationIn(msgspec.Struct, forbid_unknown_fields=True):
    """Which models, on which pictures: a collection's, or those that a training held out; one of the two is named.

    `sample` is how many pictures at most, as many of each label; null for all.
    """

    models: list[str]
    collection_id: int | None = None
    training_id: int | None = None
    protocols: list[str] = msgspec.field(default_factory=lambda: list(PROTOCOLS))
    sample: int | None = None
    seed: int = 0


class EvaluationOut(msgspec.Struct):
    """An evaluation run with its settings."""

    evaluation_id: int
    job_id: int
    collection_id: int | None
    collection: str
    training_id: int | None
    models: list[str]
    protocols: list[str]
    sample: int | None
    seed: int
    state: State
    error: str
    created_at: datetime
    ended_at: datetime | None


class EvaluationDetail(EvaluationOut):
    """With its figures, by model, protocol and measure; empty before its end."""

    results: dict[str, Any]


class EvaluationList(msgspec.Struct):
    """All evaluations, the newest first."""

    evaluations: list[EvaluationOut]


@get("/", operation_id="listEvaluations", summary="List evaluations")
async def list_evaluations(db: NamedDependency[Database]) -> EvaluationList:
    """The last hundred, the newest first."""
    return EvaluationList([EvaluationOut(**_told(one)) for one in await service_evaluations.list_all(db)])


@post("/", operation_id="beginEvaluation", summary="Compare models", status_code=202)
async def begin(
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    data: JSONBody[NewEvaluationIn],
) -> EvaluationOut:
    """Queue an evaluation on pictures that you may see.

    404 for a collection or training that is not there, 409 for a model that is not at hand.
    """
    if (data.collection_id is None) == (data.training_id is None):
        raise Invalid("name a collection_id or a training_id")
    evaluation_id = await service_evaluations.begin(
        db,
        settings,
        viewer,
        models=data.models,
        collection=data.collection_id,
        training_id=data.training_id,
        protocols=data.protocols,
        sample=data.sample,
        seed=data.seed,
    )
    return await _out(db, evaluation_id)


@get("/{evaluation_id:int}", operation_id="getEvaluation", summary="Get an evaluation")
async def show(db: NamedDependency[Database], evaluation_id: FromPath[int]) -> EvaluationDetail:
    """Its state, and what it found."""
    found = await service_evaluations.get(db, evaluation_id)
    return EvaluationDetail(**_told(found), results=found.made.results)


@post("/{evaluation_id:int}/again", operation_id="repeatEvaluation", summary="Run an evaluation again", status_code=202)
async def again(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], evaluation_id: FromPath[int]
) -> EvaluationOut:
    """A new one with the same settings, on the pictures that there are now."""
    return await _out(db, await service_evaluations.begin_again(db, viewer, evaluation_id))


@post("/{evaluation_id:int}/cancel", operation_id="cancelEvaluation", summary="Cancel an evaluation", status_code=202)
async def cancel(db: NamedDependency[Database], evaluation_id: FromPath[int]) -> EvaluationOut:
    """It ends in a moment. 409 for one that has ended."""
    await service_evaluations.cancel(db, evaluation_id)
    return await _out(db, evaluation_id)


@delete("/{evaluation_id:int}", operation_id="deleteEvaluation", summary="Delete an evaluation")
async def delete_one(
    db: NamedDependency[Database], settings: NamedDependency[Settings], evaluation_id: FromPath[int]
) -> None:
    """Erase it with its report. 409 while it runs."""
    await service_evaluations.delete(db, settings, evaluation_id)


async def _out(db: Database, evaluation_id: int) -> EvaluationOut:
    return EvaluationOut(**_told(await service_evaluations.get(db, evaluation_id)))


def _told(found: Progress) -> dict[str, Any]:
    made = found.made
    return {
        "evaluation_id": made.id,
        "job_id": made.job_id,
        "collection_id": made.collection_id,
        "collection": made.collection_name,
        "training_id": made.training_id,
        "models": made.models,
        "protocols": made.protocols,
        "sample": made.sample,
        "seed": made.seed,
        "state": made.state,
        "error": made.error,
        "created_at": made.created_at,
        "ended_at": made.ended_at,
    }


router = Router(
    "/api/v1/evaluations",
    route_handlers=[list_evaluations, begin, show, again, cancel, delete_one],
    guards=[require_admin],
    tags=["evaluations"],
)
