"""Pages of collections: the list, and changes to one; its pictures are shown by `images`."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_signed_in
from app.accounts.identity import client_of
from app.accounts.records import Viewer
from app.collections import service
from app.collections.records import Collection, Member, Role, Shelf, Visibility
from app.core.database import Database
from app.core.errors import AppError, Conflict, Invalid
from app.core.pages import Notice, redirect, render
from app.core.words import capfirst

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class Person:
    """A member as the page shows them."""

    user_id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Card:
    """A collection as a card shows it."""

    id: int
    name: str
    url: str
    visibility: Visibility
    count: int
    role: Role | None
    owner_name: str
    cover: list[str]
    description: str
    members: list[Person]
    cover_id: int | None


@dataclass(frozen=True, slots=True)
class CollectionForm:
    """What the form of a collection holds."""

    name: str = ""
    description: str = ""
    visibility: str = "private"


@dataclass(frozen=True, slots=True)
class CollectionsPage:
    collections: list[Card]
    form: CollectionForm
    errors: dict[str, str]


def make_card(collection: Collection, count: int, cover_ids: tuple[int, ...], members: list[Member]) -> Card:
    """The card of a collection; its members only where the viewer may know them."""
    return Card(
        id=collection.id,
        name=collection.name,
        url=f"/collections/{collection.id}",
        visibility=collection.visibility,
        count=count,
        role=collection.role,
        owner_name=collection.owner_name,
        cover=[f"/images/{image_id}/thumbnails/512" for image_id in cover_ids],
        description=collection.description,
        members=[Person(one.account_id, one.name, one.role) for one in members],
        cover_id=collection.cover_id,
    )


@get("/collections")
async def list_collections(
    request: Request[Any, Any, Any], db: NamedDependency[Database], viewer: NamedDependency[Viewer]
) -> Template:
    """Every collection that one may see."""
    return await _index(request, db, viewer, CollectionForm(), None)


@post("/collections", guards=[require_signed_in])
async def create(
    request: Request[Any, Any, Any], db: NamedDependency[Database], viewer: NamedDependency[Viewer], data: Form
) -> Redirect | Template:
    """A new collection; a form that cannot be used comes back with its error."""
    form = CollectionForm(data.get("name", ""), data.get("description", ""), data.get("visibility", "private"))
    try:
        collection = await service.create(
            db, viewer, form.name, form.description, is_public=_is_public(form.visibility)
        )
    except (Invalid, Conflict) as error:
        return await _index(request, db, viewer, form, error)
    return redirect(f"/collections/{collection.id}", Notice("success", f"{collection.name} is ready."))


@post("/collections/{collection_id:int}", guards=[require_signed_in])
async def update(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], collection_id: FromPath[int], data: Form
) -> Redirect:
    """Change name, description, visibility."""
    await service.update(
        db,
        viewer,
        collection_id,
        name=data.get("name", ""),
        description=data.get("description", ""),
        is_public=_is_public(data.get("visibility", "private")),
    )
    return redirect(f"/collections/{collection_id}", Notice("success", "Saved."))


@post("/collections/{collection_id:int}/members", guards=[require_signed_in])
async def add_member(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    data: Form,
) -> Redirect:
    """Share with somebody by name."""
    name = data.get("name", "")
    try:
        address = client_of(request).address
        await service.add_member(db, viewer, collection_id, name, data.get("role", ""), address=address)
    except (Invalid, Conflict) as error:
        return redirect(f"/collections/{collection_id}", Notice("error", capfirst(error.detail)))
    return redirect(f"/collections/{collection_id}", Notice("success", f"Shared with {name.strip()}."))


@post("/collections/{collection_id:int}/members/{account_id:int}/remove", guards=[require_signed_in])
async def remove_member(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    account_id: FromPath[int],
) -> Redirect:
    """End a membership."""
    await service.remove_member(db, viewer, collection_id, account_id, address=client_of(request).address)
    if account_id == viewer.account_id:
        return redirect("/collections", Notice("success", "You have left the collection."))
    return redirect(f"/collections/{collection_id}", Notice("success", "Removed."))


async def _index(
    request: Request[Any, Any, Any], db: Database, viewer: Viewer, form: CollectionForm, error: AppError | None
) -> Template:
    shelves = await service.list_shelves(db, viewer)
    errors = {"name": error.detail} if error else {}
    context = CollectionsPage([_card(shelf) for shelf in shelves], form, errors)
    status = error.status if error else 200
    return render(request, "collections/index.html", context, title="Collections", status_code=status)


def _card(shelf: Shelf) -> Card:
    return make_card(shelf.collection, shelf.count, shelf.cover_ids, [])


def _is_public(visibility: str) -> bool:
    # "shared" is what a private collection with members is called.
    if visibility not in ("private", "shared", "public"):
        raise Invalid("visibility is private or public; sharing with members is done by name")
    return visibility == "public"


router = Router(
    "/",
    route_handlers=[list_collections, create, update, add_member, remove_member],
    include_in_schema=False,
)
