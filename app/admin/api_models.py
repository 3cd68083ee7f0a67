"""Models as JSON, for admins: which there are, and the change to another one."""

from typing import Any

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.accounts.guards import require_admin
from app.admin import service_models
from app.core.database import Database
from app.core.settings import Settings
from app.embedding.service_models import Listed


class ModelOut(msgspec.Struct):
    """One model. What a model that cannot be read does not tell is null, and `problem` says why it cannot be used.

    `at_hand`: its weights are here. `active`: it answers searches; `wanted`: it does, or will when it has embedded
    every picture.
    """

    name: str
    title: str | None
    dim: int | None
    size_bytes: int | None
    licence: str | None
    at_hand: bool
    active: bool
    wanted: bool
    problem: str | None


class ModelList(msgspec.Struct):
    """Every model by name. `reason` is why the wanted one was chosen; empty before one was."""

    models: list[ModelOut]
    reason: str


class ModelChoice(msgspec.Struct, forbid_unknown_fields=True):
    """The name of a model of the list."""

    name: str


class ModelUsed(msgspec.Struct):
    """The model that is wanted from now on, and what its vectors are."""

    name: str
    identity: str
    dim: int


@get("/", operation_id="listModels", summary="List models")
async def list_models(db: NamedDependency[Database], settings: NamedDependency[Settings]) -> ModelList:
    """The models that this gallery knows, and which one is in force."""
    listed, reason = await service_models.list_models(db, settings)
    return ModelList([_model_out(one) for one in listed], reason)


@post("/use", operation_id="useModel", summary="Extract and index by a model", status_code=202)
async def use(
    db: NamedDependency[Database], settings: NamedDependency[Settings], data: JSONBody[ModelChoice]
) -> ModelUsed:
    """Embed every picture by a model beside the one in force, build its index, and switch when both are complete.

    For the model in force itself: embed what waits, and build the index afresh. 404 for a name that is not in the
    list, 409 for a model whose weights are not at hand (`likeness models fetch`), and when LIKENESS_MODEL names
    another one.
    """
    row, _ = await service_models.extract_and_index(db, settings, data.name)
    return ModelUsed(row.name, row.identity, row.dim)


def _model_out(one: Listed) -> ModelOut:
    spec: Any = one.found.spec if one.found is not None else None
    return ModelOut(
        name=one.name,
        title=spec and spec.title,
        dim=spec and spec.dim,
        size_bytes=spec and spec.size_bytes,
        licence=spec and spec.licence,
        at_hand=one.at_hand,
        active=one.active,
        wanted=one.wanted,
        problem=one.problem or None,
    )


router = Router("/api/v1/models", route_handlers=[list_models, use], guards=[require_admin], tags=["models"])
