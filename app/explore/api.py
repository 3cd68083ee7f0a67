"""Proposed labels as JSON."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core import jobs
from app.core.database import Database
from app.explore import service
from app.explore.records import State
from app.images.api_batch import undo_url


class GroupingIn(msgspec.Struct, forbid_unknown_fields=True):
    """Into how many groups; null for the root of half the pictures. The same `seed` groups the same way."""

    groups: Annotated[int, msgspec.Meta(ge=service.LEAST_GROUPS, le=service.MAX_GROUPS)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=service.MAX_SEED)] = 0


class GroupOut(msgspec.Struct):
    """Pictures that look alike: how many, and the ids of the few nearest to their centre.

    `name` is the label that is proposed or was accepted; empty where no label is on half of them.
    """

    group_id: int
    name: str
    state: State
    images: int
    cover_ids: list[int]


class ProposalsOut(msgspec.Struct):
    """A collection's grouping: how far it is, and its groups, the largest first.

    All but `groups` is null where none was asked for. `message` tells why one failed.
    """

    state: jobs.State | None
    message: str | None
    wanted: int | None
    seed: int | None
    model: str | None
    pictures: int | None
    silhouette: float | None
    created_at: datetime | None
    groups: list[GroupOut]


class AcceptIn(msgspec.Struct, forbid_unknown_fields=True):
    """The label to give; null for the one that is proposed."""

    name: str | None = None


class AcceptedOut(msgspec.Struct):
    """How many pictures got the label, had it, and have no room for more labels.

    `undo` is the address that takes the labels off again, for a day; null: nothing was changed.
    """

    label: str
    done: int
    unchanged: int
    full: int
    undo: str | None


@get("/", operation_id="getProposals", summary="Get proposed labels")
async def show(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], collection_id: FromPath[int]
) -> ProposalsOut:
    """For the collection's editors. Counts are of the pictures that stand in it now."""
    return await _out(db, viewer, collection_id)


@post("/", operation_id="propose", summary="Group a collection's pictures", status_code=202)
async def begin(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    data: JSONBody[GroupingIn],
) -> ProposalsOut:
    """Queue a grouping of at most the newest 20,000 pictures, in place of the one that is there.

    409 where fewer than two pictures are embedded. Nothing is labelled until a group is accepted.
    """
    await service.begin(db, viewer, collection_id, groups=data.groups, seed=data.seed)
    return await _out(db, viewer, collection_id)


@post("/{group_id:int}/accept", operation_id="acceptProposal", summary="Accept a group", status_code=200)
async def accept(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    group_id: FromPath[int],
    data: JSONBody[AcceptIn],
) -> AcceptedOut:
    """Label the pictures of a group that stand in the collection now. 409 for one that is decided already."""
    done = await service.accept(db, viewer, collection_id, group_id, data.name)
    return AcceptedOut(done.label, done.done, done.unchanged, done.full, undo_url(done.undo_id))


@post("/{group_id:int}/drop", operation_id="dropProposal", summary="Drop a group", status_code=200)
async def drop(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    group_id: FromPath[int],
) -> ProposalsOut:
    """Propose it no longer. 409 for one that is decided already."""
    await service.drop(db, viewer, collection_id, group_id)
    return await _out(db, viewer, collection_id)


@post(
    "/{group_id:int}/reopen",
    operation_id="reopenProposal",
    summary="Propose a group again",
    status_code=200,
)
async def reopen(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    group_id: FromPath[int],
) -> ProposalsOut:
    """Put a decided group back among the open ones; labels that it gave stay."""
    await service.reopen(db, viewer, collection_id, group_id)
    return await _out(db, viewer, collection_id)


async def _out(db: Database, viewer: Viewer, collection_id: int) -> ProposalsOut:
    found = await service.look(db, viewer, collection_id)
    made, job = found.grouping, found.job
    return ProposalsOut(
        state=job.state if job else None,
        message=job.message if job else None,
        wanted=made.groups if made else None,
        seed=made.seed if made else None,
        model=(made.model or None) if made else None,
        pictures=(made.pictures or None) if made else None,
        silhouette=made.silhouette if made else None,
        created_at=made.created_at if made else None,
        groups=[GroupOut(one.id, one.name, one.state, one.images, one.cover_ids) for one in found.groups],
    )


router = Router(
    "/api/v1/collections/{collection_id:int}/proposals",
    route_handlers=[show, begin, accept, drop, reopen],
    guards=[require_signed_in],
    tags=["proposals"],
)
