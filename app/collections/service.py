"""The verbs of collections: make, find, share, change."""

import psycopg

from app.accounts import service_events
from app.accounts.records import Viewer
from app.accounts.service_events import LOCAL
from app.collections import store
from app.collections.records import RANK, Collection, Member, Role, Shelf
from app.core.database import Connection, Database
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound, SignInNeeded

NAME_LENGTH = 120
DESCRIPTION_LENGTH = 2000
OWN_DEFAULT = "My pictures"


def check_name(name: str) -> str:
    """The name as it is stored. Raises Invalid: a name is never all digits, so that it cannot be taken for an id."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Invalid(f"a collection's name has 1 to {NAME_LENGTH} characters")
    if name.isascii() and name.isdigit():
        raise Invalid("a collection's name cannot be all digits: it would be taken for an id")
    if not name.isprintable():
        raise Invalid("a collection's name is plain text")
    return name


async def resolve(conn: Connection, viewer: Viewer, ref: str | int, at_least: Role | None = None) -> Collection:
    """The collection with this id or name. A name means one's own first, then what else one may see.

    Raises NotFound for a missing or hidden one, Conflict for a name that several visible ones share, NotAllowed
    when it is visible but the viewer's role is below `at_least`.
    """
    ref = str(ref).strip()
    if ref.isascii() and ref.isdigit():
        collection = await store.find_visible(conn, viewer, int(ref))
    else:
        named = await store.list_named(conn, viewer, ref)
        if len(named) > 1 and named[0].owner_id != viewer.account_id:
            ids = ", ".join(f"{one.id} of {one.owner_name}" for one in named)
            raise Conflict(f"several collections are called {ref!r}: use an id ({ids})")
        collection = named[0] if named else None
    if collection is None:
        raise NotFound("no such collection")
    if at_least is not None and not collection.allows(at_least):
        raise NotAllowed(f"this needs the role of {at_least} in the collection {collection.name}")
    return collection


async def list_shelves(db: Database, viewer: Viewer) -> list[Shelf]:
    """Every visible collection with its count and cover."""
    async with db.transaction() as conn:
        collections = await store.list_visible(conn, viewer)
        ids = [one.id for one in collections]
        counts, covers = await store.count_images(conn, ids), await store.list_covers(conn, ids)
    return [Shelf(one, counts[one.id], tuple(covers[one.id])) for one in collections]


async def list_counted(db: Database, viewer: Viewer) -> list[tuple[Collection, int]]:
    """Every visible collection with how many pictures stand in it."""
    async with db.transaction() as conn:
        collections = await store.list_visible(conn, viewer)
        counts = await store.count_images(conn, [one.id for one in collections])
    return [(one, counts[one.id]) for one in collections]


async def list_edited(db: Database, viewer: Viewer) -> list[Collection]:
    """The collections that the viewer may put pictures into, own ones first."""
    async with db.transaction() as conn:
        return [one for one in await store.list_visible(conn, viewer) if one.allows("editor")]


async def create(
    db: Database, viewer: Viewer, name: str, description: str = "", *, is_public: bool = False
) -> Collection:
    """A new collection of the viewer's own. Raises SignInNeeded, Invalid, Conflict."""
    if viewer.account_id is None:
        raise SignInNeeded("collections belong to somebody")
    name = check_name(name)
    description = _check_description(description)
    async with db.transaction() as conn:
        new_id = await store.insert_collection(conn, viewer.account_id, name, description, is_public=is_public)
        if new_id is None:
            raise Conflict(f"you have a collection called {name} already")
        return await resolve(conn, viewer, new_id)


async def ensure(conn: Connection, viewer: Viewer, name: str, *, is_public: bool = False) -> Collection:
    """The viewer's own collection of that name, made if it is missing."""
    if viewer.account_id is None:
        raise SignInNeeded("collections belong to somebody")
    name = check_name(name)
    await store.insert_collection(conn, viewer.account_id, name, "", is_public=is_public)
    return await resolve(conn, viewer, name, at_least="owner")


async def get_shelf(db: Database, viewer: Viewer, ref: str | int) -> Shelf:
    """One visible collection with its count and cover. Raises NotFound."""
    async with db.transaction() as conn:
        collection = await resolve(conn, viewer, ref)
        counts = await store.count_images(conn, [collection.id])
        covers = await store.list_covers(conn, [collection.id])
    return Shelf(collection, counts[collection.id], tuple(covers[collection.id]))


async def update(
    db: Database,
    viewer: Viewer,
    ref: str | int,
    *,
    name: str | None = None,
    description: str | None = None,
    is_public: bool | None = None,
) -> Collection:
    """Change what a collection is called and who may see it, but for what is None; its owners may.

    It acts at once, everywhere.
    """
    name = None if name is None else check_name(name)
    description = None if description is None else _check_description(description)
    try:
        async with db.transaction() as conn:
            collection = await resolve(conn, viewer, ref, at_least="owner")
            await store.update_collection(
                conn,
                collection.id,
                collection.name if name is None else name,
                collection.description if description is None else description,
                is_public=collection.is_public if is_public is None else is_public,
            )
            return await resolve(conn, viewer, collection.id)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"its owner has a collection called {name} already") from error


async def set_cover(db: Database, viewer: Viewer, ref: str | int, image_id: int | None) -> Collection:
    """Choose the picture that the collection's card shows, or none: then the newest. Its owners may.

    Raises NotFound for a picture that does not stand in it.
    """
    async with db.transaction() as conn:
        collection = await resolve(conn, viewer, ref, at_least="owner")
        if not await store.set_cover(conn, collection.id, image_id):
            raise NotFound("no such picture in this collection")
    return collection


async def list_members(db: Database, viewer: Viewer, ref: str | int) -> list[Member]:
    """Who a collection is shared with; its members may know."""
    async with db.transaction() as conn:
        collection = await resolve(conn, viewer, ref, at_least="viewer")
        return await store.list_members(conn, collection.id)


async def add_member(
    db: Database, viewer: Viewer, ref: str | int, name: str, role: str, *, address: str = LOCAL
) -> None:
    """Share with somebody by name, or change their role; owners may."""
    if role not in RANK:
        raise Invalid("a role is viewer, editor or owner")
    async with db.transaction() as conn:
        collection = await resolve(conn, viewer, ref, at_least="owner")
        if name.strip().lower() == collection.owner_name.lower():
            raise Conflict(f"{collection.owner_name} owns this collection")
        await store.put_member(conn, collection.id, name.strip(), role)
        about = f"{name.strip()} as {role}, collection {collection.id}"
        await service_events.record(conn, "member_added", viewer.account_id, address, about)


async def remove_member(db: Database, viewer: Viewer, ref: str | int, account_id: int, *, address: str = LOCAL) -> None:
    """End somebody's membership: owners may, and everybody their own."""
    async with db.transaction() as conn:
        own = account_id == viewer.account_id
        collection = await resolve(conn, viewer, ref, at_least="viewer" if own else "owner")
        if await store.delete_member(conn, collection.id, account_id):
            about = f"account {account_id}, collection {collection.id}"
            await service_events.record(conn, "member_removed", viewer.account_id, address, about)


async def resolve_any(conn: Connection, ref: str) -> int:
    """The id of a collection of any owner, for the operator's command line. Raises NotFound, Conflict."""
    found = await store.find_any(conn, ref)
    if not found:
        raise NotFound(f"no collection is called {ref!r}")
    if len(found) > 1:
        raise Conflict(f"several collections are called {ref!r}: use an id ({', '.join(str(one) for one, _ in found)})")
    return found[0][0]


def _check_description(description: str) -> str:
    description = description.strip()
    if len(description) > DESCRIPTION_LENGTH:
        raise Invalid(f"a description has at most {DESCRIPTION_LENGTH} characters")
    return description
