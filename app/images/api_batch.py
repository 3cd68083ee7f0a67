"""Steps on many pictures, and their undo, as JSON."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core.database import Database
from app.images import service_batch, service_undo
from app.images.records_batch import Action, Batch


class BatchIn(msgspec.Struct, forbid_unknown_fields=True):
    """A step. `source` and `target` are ids or names of collections: `add` and `move` need a target, `move` and
    `remove` a source, `label` and `unlabel` need labels.
    """

    ids: Annotated[list[int], msgspec.Meta(min_length=1, max_length=service_batch.MAX_BATCH)]
    action: Action
    source: str | int | None = None
    target: str | int | None = None
    labels: list[str] = []


class BatchOut(msgspec.Struct):
    """How many pictures were done, were so already, and were left as they are.

    `not_allowed` are not the caller's to change, hidden or missing; `last_place` would stand nowhere else; `full` have
    no room for more labels. `undo` is the address that undoes the step, for a day; null: nothing was changed.
    """

    done: int
    unchanged: int
    not_allowed: int
    last_place: int
    full: int
    undo: str | None


class Undone(msgspec.Struct):
    """For how many pictures a step was turned back."""

    done: int


def undo_url(undo_id: UUID | None) -> str | None:
    """The address that undoes a step; None where there is nothing to undo."""
    return None if undo_id is None else f"/api/v1/undo/{undo_id}"


@post(
    "/api/v1/images/batch",
    tags=["images"],
    operation_id="changeImages",
    summary="Change many pictures",
    status_code=200,
    guards=[require_signed_in],
)
async def change_images(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], data: JSONBody[BatchIn]
) -> BatchOut:
    """Add to a collection, move, take out, label, move to the trash or restore from it.

    At most 1,000 pictures, in one transaction.
    """
    source, target = (None if one is None else str(one) for one in (data.source, data.target))
    batch = Batch(data.action, tuple(data.ids), source, target, tuple(data.labels))
    outcome = await service_batch.run(db, viewer, batch)
    return BatchOut(
        done=outcome.done,
        unchanged=outcome.unchanged,
        not_allowed=outcome.not_allowed,
        last_place=outcome.last_place,
        full=outcome.full,
        undo=undo_url(outcome.undo_id),
    )


@post(
    "/api/v1/undo/{undo_id:uuid}",
    tags=["images"],
    operation_id="undo",
    summary="Undo a step",
    status_code=200,
    guards=[require_signed_in],
)
async def undo(db: NamedDependency[Database], viewer: NamedDependency[Viewer], undo_id: FromPath[UUID]) -> Undone:
    """Turn back what a step of the caller's own changed, once, as far as nobody has changed it since."""
    return Undone(await service_undo.undo(db, viewer, undo_id))


handlers: list[Any] = [change_images, undo]
