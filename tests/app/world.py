"""Everybody that there is, what they share, and the requests that they make of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from app.accounts import service_claims, service_sessions, service_tokens
from app.accounts.identity import SESSION_COOKIE
from app.accounts.records import Client as Address
from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections import service_links
from app.collections.holding import COOKIE, HEADER
from app.collections.records import Collection
from app.core import jobs
from app.embedding import store as embeddings
from app.images import service as images
from app.ingest import service as imports
from app.ingest import service_uploads
from app.ingest import store as import_store
from app.ingest.records import NewImport, Refusal
from app.search import builds, store
from tests.app.ingest.tus import PIECE, VERSION, metadata
from tests.conftest import Client
from tests.factories import PASSWORD, Gallery, picture

Account = Literal["stranger", "viewer", "editor", "owner", "admin"]
Persona = Literal["anonymous", "holder", "expired", Account]
ACCOUNTS: tuple[Account, ...] = ("stranger", "viewer", "editor", "owner", "admin")
# Nobody, nobody with a live link to the collection, nobody with one that has expired; and who has an account.
NOBODIES: tuple[Persona, ...] = ("anonymous", "holder", "expired")
PERSONAS: tuple[Persona, ...] = (*NOBODIES, *ACCOUNTS)
HERE = Address("127.0.0.1")
NOWHERE = 2**40  # an id that nothing has
NO_QUERY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `names` fill the route's path."""

    names: dict[str, Any]
    data: dict[str, Any] | None = None
    files: dict[str, Any] | None = None
    json: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None


@dataclass
class World:
    """A private collection of the owner's with a viewer and an editor, and things that only the owner has."""

    client: Client
    gallery: Gallery
    people: dict[Persona, Viewer]
    collection: Collection
    image_id: int
    links: dict[Persona, str] = field(default_factory=dict[Persona, str])
    file_seed: int = 1000

    async def fresh_image(self, *, trashed: bool = False) -> int:
        self.file_seed += 1
        owner = self.people["owner"]
        image_id = (await self.gallery.pictures(owner, self.collection, [self.file_seed]))[0]
        if trashed:
            await images.trash(self.gallery.intake.db, owner, image_id)
        return image_id

    async def fresh_collection(self) -> int:
        self.file_seed += 1
        made = await self.gallery.collection(self.people["owner"], f"Shared {self.file_seed}")
        await share(self.gallery, made, self.people)
        return made.id

    def fresh_file(self) -> tuple[str, bytes, str]:
        self.file_seed += 1
        return (f"{self.file_seed}.png", picture(self.file_seed), "image/png")


async def give_links(world: World) -> None:
    """A link for each persona that comes by one."""
    db, owner = world.gallery.intake.db, world.people["owner"]
    personas: tuple[Persona, ...] = ("holder", "expired")
    for persona in personas:
        made = await service_links.make_link(db, owner, HERE, world.collection.id)
        world.links[persona] = made.token
        if persona == "expired":
            async with db.transaction() as conn:
                await conn.execute("UPDATE share_link SET expires_at = now() WHERE id = %s", (made.link.id,))


async def share(gallery: Gallery, collection: Collection, people: dict[Persona, Viewer]) -> None:
    for role in ("viewer", "editor"):
        await collections.add_member(gallery.intake.db, people["owner"], collection.id, role, role)


Ready = Callable[[World, Persona], Awaitable[Ask]]


def plainly(**names: Any) -> Ready:
    """A request that needs nothing made for it."""

    async def ready(world: World, persona: Persona) -> Ask:
        return Ask(names)

    return ready


def sent(**data: Any) -> Ready:
    """A form that needs nothing made for it."""

    async def ready(world: World, persona: Persona) -> Ask:
        return Ask({}, data=data)

    return ready


async def the_image(world: World, persona: Persona) -> Ask:
    return Ask({"image_id": world.image_id, "width": 256})


async def the_image_ticked(world: World, persona: Persona) -> Ask:
    return Ask({}, data={"ids": [str(world.image_id)]})


async def a_step(world: World, persona: Persona) -> Ask:
    """What it does to pictures that are not the person's, the tests of steps show."""
    return Ask({}, data={"ids": [str(world.image_id)], "action": "label", "labels": "sea"})


async def a_step_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask({}, json={"ids": [world.image_id], "action": "label", "labels": ["sea"]})


async def the_owners_undo(world: World, persona: Persona) -> Ask:
    undo_id = await images.trash(world.gallery.intake.db, world.people["owner"], await world.fresh_image())
    return Ask({"undo_id": undo_id})


async def the_words(world: World, persona: Persona) -> Ask:
    return Ask({"image_id": world.image_id}, data={"caption": "A sea", "labels": "sea"})


async def the_words_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask({"image_id": world.image_id}, json={"caption": "A sea", "labels": ["sea"]})


async def an_image(world: World, persona: Persona) -> Ask:
    return Ask({"image_id": await world.fresh_image()})


async def a_trashed_image(world: World, persona: Persona) -> Ask:
    return Ask({"image_id": await world.fresh_image(trashed=True)}, data={"confirm": "yes"})


async def the_collection(world: World, persona: Persona) -> Ask:
    return Ask({"ref": str(world.collection.id)})


async def the_collection_by_id(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id})


async def a_new_description(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id}, json={"description": "By the sea"})


async def a_deletion_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": await world.fresh_collection()})


async def new_settings(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id}, data={"name": "Shared", "visibility": "private"})


async def no_cover(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id}, data={})


async def a_new_member(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": await world.fresh_collection()}, data={"name": "bystander", "role": "viewer"})


async def a_new_member_by_the_api(world: World, persona: Persona) -> Ask:
    names = {"collection_id": await world.fresh_collection()}
    return Ask(names, json={"name": "bystander", "role": "viewer"})


async def a_member_gone_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": await world.fresh_collection(), "user_id": NOWHERE})


async def a_member_gone(world: World, persona: Persona) -> Ask:
    # Somebody else's membership: one's own may always be ended, which the collections' tests show.
    names = {"collection_id": await world.fresh_collection(), "account_id": NOWHERE}
    return Ask(names)


async def a_deletion(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": await world.fresh_collection()}, data={"confirm": "yes"})


async def a_new_collection(world: World, persona: Persona) -> Ask:
    return Ask({}, data={"name": f"Of {persona}", "visibility": "private"})


async def a_new_collection_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask({}, json={"name": f"By API of {persona}"})


async def files_for_the_page(world: World, persona: Persona) -> Ask:
    return Ask({}, data={"collection": str(world.collection.id)}, files={"files": world.fresh_file()})


async def files_for_the_api(world: World, persona: Persona) -> Ask:
    return Ask({}, data={"collection": str(world.collection.id)}, files={"file": world.fresh_file()})


async def a_file(world: World, persona: Persona) -> Ask:
    return Ask({}, files={"file": world.fresh_file()})


async def a_stored_image(world: World, persona: Persona) -> Ask:
    return Ask({}, json={"image_id": world.image_id})


async def the_owners_query(world: World, persona: Persona) -> Ask:
    made = await ask(world, "POST /queries", "owner", await a_file(world, persona))
    return Ask({"query_id": made.headers["location"].rsplit("/", 1)[-1]})


async def a_crop(world: World, persona: Persona) -> Ask:
    return Ask({"image_id": world.image_id}, data={"x": "10", "y": "20", "width": "50", "height": "50"})


async def a_crop_of_the_owners_query(world: World, persona: Persona) -> Ask:
    names = (await the_owners_query(world, persona)).names
    return Ask(names, data={"x": "10", "y": "20", "width": "50", "height": "50"})


async def the_owners_session(world: World, persona: Persona) -> Ask:
    await world.gallery.session(world.people["owner"])
    sessions = await service_sessions.list_sessions(world.gallery.intake.db, world.people["owner"])
    return Ask({"session_id": sessions[-1].id})


async def the_owners_token(world: World, persona: Persona) -> Ask:
    made = await service_tokens.make_token(world.gallery.intake.db, world.people["owner"], "a script")
    return Ask({"token_id": made.token.id})


async def a_link(world: World, persona: Persona) -> Ask:
    """A link is its own right: whoever has its address may use it."""
    made = await service_links.make_link(
        world.gallery.intake.db, world.people["owner"], HERE, await world.fresh_collection()
    )
    return Ask({"token": made.token}, data={})


async def a_link_to_open(world: World, persona: Persona) -> Ask:
    link = await a_link(world, persona)
    return Ask({}, json=link.names)


async def a_new_link(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id}, data={"days": "7"})


async def a_new_link_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id}, json={"days": 7})


async def the_links(world: World, persona: Persona) -> Ask:
    return Ask({"collection_id": world.collection.id})


async def the_owners_link(world: World, persona: Persona) -> Ask:
    where = world.collection.id
    made = await service_links.make_link(world.gallery.intake.db, world.people["owner"], HERE, where)
    return Ask({"collection_id": where, "link_id": made.link.id})


async def a_claim(world: World, persona: Persona) -> Ask:
    """A claim link is its own right: whoever holds it may use it."""
    world.file_seed += 1
    account, token = await service_claims.add_claimable(world.gallery.intake.db, f"unclaimed {world.file_seed}")
    return Ask({"token": token}, data={"name": account.name, "password": PASSWORD})


async def a_guest(world: World, persona: Persona) -> Ask:
    world.file_seed += 1
    return Ask({}, data={"name": f"guest {world.file_seed}"})


async def an_invited_guest(world: World, persona: Persona) -> Ask:
    world.file_seed += 1
    account, _ = await service_claims.add_claimable(world.gallery.intake.db, f"guest {world.file_seed}")
    return Ask({"account_id": account.id}, data={"max_files": "10", "max_mib": ""})


async def a_job(world: World, persona: Persona) -> Ask:
    async with world.gallery.intake.db.transaction() as conn:
        return Ask({"job_id": await jobs.create(conn, "index", "Building")})


async def a_failed_job(world: World, persona: Persona) -> Ask:
    made = await a_job(world, persona)
    async with world.gallery.intake.db.transaction() as conn:
        await conn.execute("UPDATE job SET state = 'failed' WHERE id = %(job_id)s", made.names)
    return made


async def a_failed_job_of_an_import(world: World, persona: Persona) -> Ask:
    return await _job_of(world, await an_import_that_failed(world, persona))


async def a_guest_by_the_api(world: World, persona: Persona) -> Ask:
    guest = await a_guest(world, persona)
    return Ask({}, json=guest.data)


async def an_invited_guest_by_the_api(world: World, persona: Persona) -> Ask:
    return Ask((await an_invited_guest(world, persona)).names)


async def a_guest_to_change(world: World, persona: Persona) -> Ask:
    return Ask((await an_invited_guest(world, persona)).names, json={"disabled": True, "max_files": 10})


async def a_failure(world: World, persona: Persona) -> Ask:
    """A picture that could not be embedded."""
    image_id = await world.fresh_image()
    model = await world.gallery.model()
    async with world.gallery.intake.db.transaction() as conn:
        await embeddings.put_attempts(conn, model.id, [image_id])
        await embeddings.fail_attempt(conn, model.id, image_id, "it is damaged")
    return Ask({"image_id": image_id})


async def a_refused_file(world: World, persona: Persona) -> Ask:
    made = await an_import_that_refused(world, persona)
    async with world.gallery.intake.db.transaction() as conn:
        await import_store.insert_refusals(conn, made.names["import_id"], [(2, Refusal("a.png", "it is damaged"))])
    return Ask({**made.names, "position": 2})


async def the_job_of_an_import(world: World, persona: Persona) -> Ask:
    return await _job_of(world, await an_import(world, persona))


async def _job_of(world: World, made: Ask) -> Ask:
    async with world.gallery.intake.db.transaction() as conn:
        cursor = await conn.execute("SELECT job_id FROM import WHERE id = %(import_id)s", made.names)
        row = await cursor.fetchone()
    assert row is not None
    return Ask({"job_id": row[0]})


async def a_model(world: World, persona: Persona) -> Ask:
    return Ask({}, json={"name": "baseline"})


async def an_announcement(world: World, persona: Persona) -> Ask:
    return Ask({}, headers={**VERSION, "upload-length": "10", **metadata(collection=str(world.collection.id))})


async def an_upload(world: World, persona: Persona) -> Ask:
    owner, intake = world.people["owner"], world.gallery.intake
    upload = await service_uploads.announce(intake, owner, "birds.zip", 10, world.collection.id)
    return Ask({"upload_id": upload.id}, headers=VERSION)


async def a_piece(world: World, persona: Persona) -> Ask:
    upload = await an_upload(world, persona)
    return Ask(upload.names, headers={**VERSION, **PIECE, "upload-offset": "0"}, content=b"12345")


async def an_import(world: World, persona: Persona) -> Ask:
    """One that waits."""
    owner = world.people["owner"]
    assert owner.account_id is not None
    new = NewImport(owner.account_id, world.collection.id, "Shared", "archive", "birds.zip", {})
    async with world.gallery.intake.db.transaction() as conn:
        return Ask({"import_id": await imports.begin(conn, new)})


async def an_import_that_failed(world: World, persona: Persona) -> Ask:
    """One that broke off."""
    return await _ended(world, await an_import(world, persona), "failed")


async def an_import_that_refused(world: World, persona: Persona) -> Ask:
    """One that came to its end, and left a file out."""
    return await _ended(world, await an_import(world, persona), "done")


async def _ended(world: World, made: Ask, state: str) -> Ask:
    async with world.gallery.intake.db.transaction() as conn:
        await conn.execute("UPDATE import SET refused = 1 WHERE id = %(import_id)s", made.names)
        await conn.execute(
            "UPDATE job SET state = %(state)s FROM import WHERE job.id = job_id AND import.id = %(import_id)s",
            {**made.names, "state": state},
        )
    return made


async def a_version_before(world: World, persona: Persona) -> Ask:
    """The older of two versions of the index, of which the newer is in force."""
    gallery = world.gallery
    model = await gallery.model()
    for _ in range(2):
        await builds.build(gallery.intake.db, gallery.settings, model.id, None)
    async with gallery.intake.db.transaction() as conn:
        _, before, *_ = await store.list_versions(conn, model.id)
    return Ask({"version_id": before.id})


async def ask(world: World, name: str, persona: Persona, request: Ask) -> httpx.Response:
    """As a fresh browser of that person's, or a script with their token; on an open connection."""
    method, template = name.split(" ", 1)
    path = template.format(**request.names)
    person = world.people[persona]
    headers: dict[str, str] = {}
    if person.account_id is not None and path.startswith("/api/"):
        headers = await world.gallery.bearer(person)
    elif person.account_id is not None:
        headers = {"cookie": f"{SESSION_COOKIE}={await world.gallery.session(person)}"}
    elif persona in world.links:
        held = world.links[persona]
        headers = {HEADER: held} if path.startswith("/api/") else {"cookie": f"{COOKIE}={held}"}
    response = await world.client.request(
        method,
        path,
        headers={**headers, **request.headers},
        data=request.data,
        files=request.files,
        json=request.json,
        content=request.content,
    )
    world.client.cookies.clear()
    return response


def nowhere(request: Ask) -> Ask:
    """The same request for what is not there."""
    uuids = ("query_id", "upload_id", "undo_id")
    names: dict[str, Any] = {name: NO_QUERY if name in uuids else NOWHERE for name in request.names}
    names |= {"width": 256}
    data = request.data
    if data and "collection" in data:
        data = {**data, "collection": str(NOWHERE)}
    if data and "ids" in data:
        data = {**data, "ids": [str(NOWHERE)]}
    body = request.json
    if body and "image_id" in body:
        body = {**body, "image_id": NOWHERE}
    headers = request.headers
    if "upload-metadata" in headers:
        headers = {**headers, **metadata(collection=str(NOWHERE))}
    return Ask(names, data, request.files, body, headers, request.content)
