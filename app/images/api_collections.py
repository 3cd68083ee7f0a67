"""Deleting a collection as JSON: it is of pictures, which may go to the trash."""

from typing import Any

import msgspec
from litestar import delete
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core.database import Database
from app.images import service


class DeletedCollection(msgspec.Struct):
    """What became of a deleted collection's pictures: so many, which stood nowhere else, are in the trash."""

    trashed: int


@delete(
    "/api/v1/collections/{collection_id:int}",
    tags=["collections"],
    operation_id="deleteCollection",
    summary="Delete a collection",
    guards=[require_signed_in],
    status_code=200,
)
async def delete_collection(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], collection_id: FromPath[int]
) -> DeletedCollection:
    """Delete a collection; its owners may. Pictures that stand nowhere else go to their owners' trash."""
    return DeletedCollection(await service.delete_collection(db, viewer, collection_id))


handlers: list[Any] = [delete_collection]
