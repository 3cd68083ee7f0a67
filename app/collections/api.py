"""Collections as JSON, and their members."""

from typing import Any, Literal

import msgspec
from litestar import Request, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.guards import require_signed_in
from app.accounts.identity import client_of
from app.accounts.records import Viewer
from app.collections import service
from app.collections.records import Member, Role, Shelf, Visibility
from app.core.database import Database

PATH = "/api/v1/collections"


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


class NewCollection(msgspec.Struct, forbid_unknown_fields=True):
    """A collection that is to be made."""

    name: str
    description: str = ""
    visibility: Literal["private", "public"] = "private"


class CollectionChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed of a collection; what is left out stays as it is."""

    name: str | None = None
    description: str | None = None
    visibility: Literal["private", "public"] | None = None


class MemberOut(msgspec.Struct):
    """Somebody a collection is shared with."""

    user_id: int
    name: str
    role: Role


class MemberList(msgspec.Struct):
    """The members of a collection, by name; its owner is not one of them."""

    members: list[MemberOut]


class MemberIn(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody by name, and what they may do: see, add and change, or all that the owner may."""

    name: str
    role: Role


@get(PATH, operation_id="listCollections", summary="List collections", tags=["collections"])
async def list_collections(db: NamedDependency[Database], viewer: NamedDependency[Viewer]) -> CollectionList:
    """Own ones first, then by name."""
    return CollectionList([_out(shelf) for shelf in await service.list_shelves(db, viewer)])


@post(
    PATH,
    operation_id="createCollection",
    summary="Make a collection",
    tags=["collections"],
    guards=[require_signed_in],
)
async def create(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], data: JSONBody[NewCollection]
) -> Response[CollectionOut]:
    """A new collection of the caller's; `Location` is its address. 409 when they have one of that name."""
    made = await service.create(db, viewer, data.name, data.description, is_public=data.visibility == "public")
    return Response(_out(Shelf(made, 0, ())), headers={"Location": f"{PATH}/{made.id}"})


@get(PATH + "/{collection_id:int}", operation_id="getCollection", summary="Get a collection", tags=["collections"])
async def get_collection(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], collection_id: FromPath[int]
) -> CollectionOut:
    """One collection that the caller may see."""
    return _out(await service.get_shelf(db, viewer, collection_id))


@patch(
    PATH + "/{collection_id:int}",
    operation_id="changeCollection",
    summary="Change a collection",
    tags=["collections"],
    guards=[require_signed_in],
)
async def change(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    data: JSONBody[CollectionChange],
) -> CollectionOut:
    """Change what it is called and who may see it; its owners may. It acts at once, everywhere."""
    is_public = None if data.visibility is None else data.visibility == "public"
    await service.update(db, viewer, collection_id, name=data.name, description=data.description, is_public=is_public)
    return _out(await service.get_shelf(db, viewer, collection_id))


@get(PATH + "/{collection_id:int}/members", operation_id="listMembers", summary="List members", tags=["collections"])
async def list_members(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], collection_id: FromPath[int]
) -> MemberList:
    """Who a collection is shared with; its members may know."""
    return MemberList([_member_out(one) for one in await service.list_members(db, viewer, collection_id)])


@put(
    PATH + "/{collection_id:int}/members",
    operation_id="putMember",
    summary="Share with somebody",
    tags=["collections"],
    guards=[require_signed_in],
)
async def put_member(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    data: JSONBody[MemberIn],
) -> MemberList:
    """Share a collection with somebody by name, or change their role; owners may. Answers with all members."""
    address = client_of(request).address
    await service.add_member(db, viewer, collection_id, data.name, data.role, address=address)
    return MemberList([_member_out(one) for one in await service.list_members(db, viewer, collection_id)])


@delete(
    PATH + "/{collection_id:int}/members/{user_id:int}",
    operation_id="removeMember",
    summary="End a membership",
    tags=["collections"],
    guards=[require_signed_in],
)
async def remove_member(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    user_id: FromPath[int],
) -> None:
    """End somebody's membership: owners may, and everybody their own. It acts at once, everywhere."""
    await service.remove_member(db, viewer, collection_id, user_id, address=client_of(request).address)


def _out(shelf: Shelf) -> CollectionOut:
    return CollectionOut(
        collection_id=shelf.collection.id,
        name=shelf.collection.name,
        description=shelf.collection.description,
        owner=shelf.collection.owner_name,
        visibility=shelf.collection.visibility,
        role=shelf.collection.role,
        images=shelf.count,
    )


def _member_out(member: Member) -> MemberOut:
    return MemberOut(member.account_id, member.name, member.role)


handlers: list[Any] = [list_collections, create, get_collection, change, list_members, put_member, remove_member]
