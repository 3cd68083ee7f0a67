"""Collections as JSON."""

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency

from app.accounts.records import Viewer
from app.collections import service
from app.collections.records import Role, Visibility
from app.core.database import Database


class CollectionOut(msgspec.Struct):
    """One collection. `role` is the caller's own; null where it is only public."""

    collection_id: int
    name: str
    description: str
    owner: str
    visibility: Visibility
    role: Role | None
    images: int


class CollectionList(msgspec.Struct):
    """Every collection that the caller may see."""

    collections: list[CollectionOut]


@get("/api/v1/collections", operation_id="listCollections", summary="List collections", tags=["collections"])
async def list_collections(db: NamedDependency[Database], viewer: NamedDependency[Viewer]) -> CollectionList:
    """Own ones first, then by name."""
    shelves = await service.list_shelves(db, viewer)
    return CollectionList(
        [
            CollectionOut(
                collection_id=shelf.collection.id,
                name=shelf.collection.name,
                description=shelf.collection.description,
                owner=shelf.collection.owner_name,
                visibility=shelf.collection.visibility,
                role=shelf.collection.role,
                images=shelf.count,
            )
            for shelf in shelves
        ]
    )


router = Router("/", route_handlers=[list_collections])
