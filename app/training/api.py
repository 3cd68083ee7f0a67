"""Trainings as JSON, for admins: begin one, follow it, promote what it made."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.guards import require_admin
from app.accounts.records import Viewer
from app.core.database import Database
from app.core.settings import Settings
from app.training import service, service_promotion
from app.training.records import State
from app.training.service import Progress
from app.training.service_promotion import Standing, Standings


class NewTrainingIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to learn from, what to begin with, and what the new model is called.

    `config` are settings by the names of `likeness train`'s flags, with underscores; what is left out is as usual,
    and crops fit the network.
    `held_out_pct` of the pictures of each label are not learnt from.
    """

    collection_id: int
    model: str
    name: str
    config: dict[str, Any] = {}
    held_out_pct: int = 20


class TrainingOut(msgspec.Struct):
    """A training, as far as it has come. `standing` is how the gallery stands to the model that it makes.

    `about` is what it said at its start (numbers of parameters, pictures and steps, the device), empty before.
    """

    training_id: int
    job_id: int
    collection_id: int | None
    collection: str
    model: str
    name: str
    config: dict[str, Any]
    held_out_pct: int
    state: State
    step: int
    steps: int | None
    error: str
    standing: Standing
    previous: str | None
    about: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class TrainingDetail(TrainingOut):
    """With its curves: steps (thinned to a few hundred) and probes, in order."""

    history: list[dict[str, Any]]


class TrainingList(msgspec.Struct):
    """All trainings, the newest first."""

    trainings: list[TrainingOut]


@get("/", operation_id="listTrainings", summary="List trainings")
async def list_trainings(db: NamedDependency[Database], settings: NamedDependency[Settings]) -> TrainingList:
    """The last hundred, the newest first."""
    standings = await service_promotion.find_standings(db, settings)
    return TrainingList([TrainingOut(**_told(one, standings)) for one in await service.list_all(db)])


@post("/", operation_id="beginTraining", summary="Train a model", status_code=202)
async def begin(
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    data: JSONBody[NewTrainingIn],
) -> TrainingOut:
    """Queue a training on a collection that you may see.

    404 for a collection that is not there, 409 for a model that cannot be trained and for a name that is taken.
    """
    training_id = await service.begin(
        db,
        settings,
        viewer,
        collection=data.collection_id,
        model=data.model,
        name=data.name,
        config=data.config,
        held_out_pct=data.held_out_pct,
    )
    return await _out(db, settings, training_id)


@get("/{training_id:int}", operation_id="getTraining", summary="Get a training")
async def show(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> TrainingDetail:
    """How far it is, and its curves."""
    found = await service.get(db, training_id)
    standings = await service_promotion.find_standings(db, settings)
    return TrainingDetail(**_told(found, standings), history=await service.list_points(db, training_id))


@post("/{training_id:int}/cancel", operation_id="cancelTraining", summary="Cancel a training", status_code=202)
async def cancel(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> TrainingOut:
    """It ends after the step under way, with a checkpoint. 409 for one that has ended."""
    await service.cancel(db, training_id)
    return await _out(db, settings, training_id)


@post("/{training_id:int}/resume", operation_id="resumeTraining", summary="Go on with a training", status_code=202)
async def resume(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> TrainingOut:
    """From its last checkpoint. 409 for one that runs, and for one that has come to its end."""
    await service.go_on(db, training_id)
    return await _out(db, settings, training_id)


@post("/{training_id:int}/promote", operation_id="promoteTraining", summary="Promote a model", status_code=202)
async def promote(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> TrainingOut:
    """Embed every picture by the new model beside the one in force; the gallery switches when its index is built.

    409 for a training that has made no model, and when LIKENESS_MODEL names another one.
    """
    await service_promotion.promote(db, settings, training_id)
    return await _out(db, settings, training_id)


@post(
    "/{training_id:int}/rollback",
    operation_id="rollBackTraining",
    summary="Go back to the model before",
    status_code=202,
)
async def rollback(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> TrainingOut:
    """Undo a promotion. 409 for a model that was not promoted here."""
    await service_promotion.roll_back(db, settings, training_id)
    return await _out(db, settings, training_id)


@delete("/{training_id:int}", operation_id="deleteTraining", summary="Delete a training")
async def delete_one(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> None:
    """Erase it with its model and the model's embeddings. 409 while it runs, and while the gallery needs the model."""
    await service.delete(db, settings, training_id)


async def _out(db: Database, settings: Settings, training_id: int) -> TrainingOut:
    standings = await service_promotion.find_standings(db, settings)
    return TrainingOut(**_told(await service.get(db, training_id), standings))


def _told(found: Progress, standings: Standings) -> dict[str, Any]:
    made, job = found.made, found.job
    return {
        "training_id": made.id,
        "job_id": made.job_id,
        "collection_id": made.collection_id,
        "collection": made.collection_name,
        "model": made.model,
        "name": made.output,
        "config": made.config,
        "held_out_pct": made.held_out_pct,
        "state": made.state,
        "step": job.done,
        "steps": job.total,
        "error": made.error,
        "standing": standings.of(made),
        "previous": standings.previous(made),
        "about": made.about,
        "created_at": made.created_at,
        "started_at": made.started_at,
        "ended_at": made.ended_at,
    }


router = Router(
    "/api/v1/trainings",
    route_handlers=[list_trainings, begin, show, cancel, resume, promote, rollback, delete_one],
    guards=[require_admin],
    tags=["trainings"],
)
