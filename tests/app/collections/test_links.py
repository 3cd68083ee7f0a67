"""Share links: who makes them, what they show, and how they end."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from app.accounts.records import NOBODY, Viewer
from app.accounts.records import Client as Address
from app.collections import service, service_links
from app.collections.holding import COOKIE, HEADER, MAX_HELD
from app.collections.records import Collection
from app.core.database import Database
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.settings import Settings
from tests.conftest import CaughtUp, Client, OpenClient, SignIn
from tests.factories import Gallery

PASSWORD = "seven herons wading"
LOCAL = Address("127.0.0.1")


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return replace(settings, public_url=getattr(request, "param", None))


@dataclass
class Shared:
    """A private collection with a picture and a link to it, beside another one of the same owner's."""

    anna: Viewer
    collection: Collection
    image_id: int
    other: Collection
    other_image_id: int
    link_id: int
    token: str


@pytest.fixture
async def shared(gallery: Gallery, caught_up: CaughtUp) -> Shared:
    anna = await gallery.person("anna")
    collection, other = await gallery.collection(anna, "Birds"), await gallery.collection(anna, "Letters")
    image_id, *_ = await gallery.pictures(anna, collection, [1, 2], labels=["heron"])
    other_image_id, *_ = await gallery.pictures(anna, other, [3, 4], labels=["secret"])
    await gallery.embed()
    await caught_up()
    made = await service_links.make_link(gallery.intake.db, anna, LOCAL, collection.id)
    return Shared(anna, collection, image_id, other, other_image_id, made.link.id, made.token)


async def expire(db: Database, link_id: int) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE share_link SET expires_at = now() - interval '1 second' WHERE id = %s", (link_id,))


async def revoke(gallery: Gallery, shared: Shared) -> None:
    await service_links.revoke_link(gallery.intake.db, shared.anna, LOCAL, shared.collection.id, shared.link_id)


async def let_expire(gallery: Gallery, shared: Shared) -> None:
    await expire(gallery.intake.db, shared.link_id)


async def delete_it(gallery: Gallery, shared: Shared) -> None:
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("DELETE FROM collection WHERE id = %s", (shared.collection.id,))


Ending = Callable[[Gallery, Shared], Awaitable[None]]


async def test_a20_a_link_shows_its_collection_and_nothing_else(client: Client, shared: Shared) -> None:
    for path in (f"/collections/{shared.collection.id}", f"/images/{shared.image_id}"):
        assert (await client.get(path)).status_code == 404
    opened = await client.get(f"/s/{shared.token}")
    assert opened.headers["location"] == f"/collections/{shared.collection.id}"
    cookie = opened.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}={shared.token};")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert opened.headers["cache-control"] == "no-store"

    page = await client.get(f"/collections/{shared.collection.id}")
    assert f'"/images/{shared.image_id}"' in page.text
    assert "Sharing and settings" not in page.text
    for path in (f"/images/{shared.image_id}", f"/images/{shared.image_id}/similar"):
        assert (await client.get(path)).status_code == 200, path
    for end in ("thumbnails/256", "original"):
        assert (await client.get(f"/images/{shared.image_id}/{end}")).status_code == 200, end
        assert (await client.get(f"/images/{shared.other_image_id}/{end}")).status_code == 404, end
    gallery_page = (await client.get("/")).text
    assert "heron" in gallery_page, "its labels are facets"
    assert "secret" not in gallery_page
    assert "Letters" not in (await client.get("/collections")).text
    changed = await client.post(f"/images/{shared.image_id}", data={"caption": "Mine"})
    assert changed.status_code == 403


async def test_a20_the_api_takes_a_link_as_a_header_and_the_pages_do_not(client: Client, shared: Shared) -> None:
    header = {HEADER: shared.token}
    listed = (await client.get("/api/v1/images", headers=header)).json()["images"]
    assert {one["label"] for one in listed} == {"heron"}
    shelves = (await client.get("/api/v1/collections", headers=header)).json()["collections"]
    assert [(one["name"], one["role"]) for one in shelves] == [("Birds", None)]
    found = await client.post("/api/v1/search", json={"image_id": shared.image_id}, headers=header)
    assert len(found.json()["results"]) == 1
    hidden = await client.post("/api/v1/search", json={"image_id": shared.other_image_id}, headers=header)
    assert hidden.status_code == 404
    assert (await client.get(f"/images/{shared.image_id}", headers=header)).status_code == 404
    cookie = {"cookie": f"{COOKIE}={shared.token}"}
    assert (await client.get(f"/api/v1/images/{shared.image_id}", headers=cookie)).status_code == 404
    assert (await client.get("/api/v1/images", headers={HEADER: "no key"})).json()["images"] == []


@pytest.mark.parametrize("ending", [revoke, let_expire, delete_it])
async def test_a20_its_end_acts_at_once_for_the_bytes_too(
    client: Client, gallery: Gallery, shared: Shared, ending: Ending
) -> None:
    await client.get(f"/s/{shared.token}")
    header = {HEADER: shared.token}
    by_vector = {"vector": [1.0] * (await gallery.model()).dim}
    searched = await client.post("/api/v1/search", json=by_vector, headers=header)
    assert len(searched.json()["results"]) == 2
    await ending(gallery, shared)
    for path in (
        f"/collections/{shared.collection.id}",
        f"/images/{shared.image_id}",
        f"/images/{shared.image_id}/similar",
        f"/images/{shared.image_id}/thumbnails/256",
        f"/images/{shared.image_id}/original",
        f"/s/{shared.token}",
    ):
        assert (await client.get(path)).status_code == 404, path
    assert (await client.get(f"/api/v1/images/{shared.image_id}/thumbnail", headers=header)).status_code == 404
    searched = await client.post("/api/v1/search", json=by_vector, headers=header)
    assert searched.json()["results"] == []


async def test_a20_expired_revoked_and_unknown_are_one_page(client: Client, gallery: Gallery, shared: Shared) -> None:
    db = gallery.intake.db
    revoked = await service_links.make_link(db, shared.anna, LOCAL, shared.collection.id)
    await service_links.revoke_link(db, shared.anna, LOCAL, shared.collection.id, revoked.link.id)
    await expire(db, shared.link_id)
    tokens = (shared.token, revoked.token, "x" * 43)
    pages = [await client.get(f"/s/{token}") for token in tokens]
    forms = [await client.post(f"/s/{token}", data={"password": PASSWORD}) for token in tokens]
    assert {page.status_code for page in [*pages, *forms]} == {404}
    assert len({page.text.replace(token, "") for token, page in zip(tokens * 2, [*pages, *forms], strict=True)}) == 1


async def test_a20_only_digests_are_kept_and_the_secret_is_shown_once(
    client: Client, gallery: Gallery, shared: Shared, sign_in: SignIn
) -> None:
    browser = await sign_in(shared.anna)
    where = f"/collections/{shared.collection.id}/links"
    made = await browser.post(where, data={"days": "7", "password": PASSWORD})
    assert made.headers["cache-control"] == "no-store"
    address = re.search(r"http://testserver\.local/s/([A-Za-z0-9_-]{43})", made.text)
    assert address is not None
    listed = (await browser.get(where)).text
    assert address[1] not in listed
    assert address[1][: service_links.SHOWN_LENGTH] in listed
    async with gallery.intake.db.transaction() as conn:
        rows = await (await conn.execute("SELECT share_link::text FROM share_link")).fetchall()
    assert not any(secret in row[0] for row in rows for secret in (address[1], shared.token, PASSWORD))
    assert (await client.get(f"/s/{address[1]}")).status_code == 200


async def test_a20_a_password_comes_before_the_link(client: Client, gallery: Gallery, shared: Shared) -> None:
    made = await service_links.make_link(gallery.intake.db, shared.anna, LOCAL, shared.collection.id, password=PASSWORD)
    where = f"/s/{made.token}"
    asked = await client.get(where)
    assert asked.status_code == 200
    assert "Birds" not in asked.text
    # Neither the link's own secret nor a wrong password shows anything.
    for headers in ({"cookie": f"{COOKIE}={made.token}"}, {}):
        assert (await client.get(f"/images/{shared.image_id}", headers=headers)).status_code == 404
    assert (await client.get(f"/api/v1/images/{shared.image_id}", headers={HEADER: made.token})).status_code == 404
    wrong = await client.post(where, data={"password": "eight herons wading"})
    assert wrong.status_code == 401
    assert "set-cookie" not in wrong.headers
    right = await client.post(where, data={"password": PASSWORD})
    assert right.status_code == 303
    assert (await client.get(f"/images/{shared.image_id}/original")).status_code == 200
    assert (await client.get(where)).status_code == 303, "the browser has it already"
    opened = await client.post("/api/v1/links/open", json={"token": made.token, "password": PASSWORD})
    header = {HEADER: opened.json()["key"]}
    assert (await client.get(f"/api/v1/images/{shared.image_id}", headers=header)).status_code == 200


async def test_a9_a_links_password_is_throttled(client: Client, gallery: Gallery, shared: Shared) -> None:
    made = await service_links.make_link(gallery.intake.db, shared.anna, LOCAL, shared.collection.id, password=PASSWORD)
    for _ in range(10):
        assert (await client.post(f"/s/{made.token}", data={"password": "wrong"})).status_code == 401
    refused = await client.post(f"/s/{made.token}", data={"password": PASSWORD})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 300


async def test_a20_only_owners_make_and_see_links(gallery: Gallery, shared: Shared) -> None:
    db = gallery.intake.db
    ben, carl = await gallery.person("ben"), await gallery.person("carl")
    await service.add_member(db, shared.anna, shared.collection.id, "ben", "editor")
    holder = Viewer(links=await service_links.hold(db, [shared.token]))
    for viewer, refusal in ((ben, NotAllowed), (carl, NotFound), (NOBODY, NotFound), (holder, NotAllowed)):
        with pytest.raises(refusal):
            await service_links.make_link(db, viewer, LOCAL, shared.collection.id)
        with pytest.raises(refusal):
            await service_links.list_links(db, viewer, shared.collection.id)
        with pytest.raises(refusal):
            await service_links.revoke_link(db, viewer, LOCAL, shared.collection.id, shared.link_id)
    with pytest.raises(NotFound):
        await service_links.revoke_link(db, shared.anna, LOCAL, shared.other.id, shared.link_id)


async def test_a_link_lasts_a_day_to_a_year_and_tells_when_it_was_used(
    client: Client, gallery: Gallery, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, where = gallery.intake.db, shared.collection.id
    for days in (0, 366):
        with pytest.raises(Invalid):
            await service_links.make_link(db, shared.anna, LOCAL, where, days=days)
    with pytest.raises(Invalid):
        await service_links.make_link(db, shared.anna, LOCAL, where, password="short")
    monkeypatch.setattr(service_links, "MAX_LINKS", 1)
    with pytest.raises(Conflict):
        await service_links.make_link(db, shared.anna, LOCAL, where)
    _, (link,) = await service_links.list_links(db, shared.anna, where)
    assert (link.expires_at - link.created_at).days == service_links.DEFAULT_DAYS
    assert link.used_at is None
    await client.get("/", headers={"cookie": f"{COOKIE}={shared.token}"})
    _, (link,) = await service_links.list_links(db, shared.anna, where)
    assert link.used_at is not None


async def test_a_browser_holds_twenty_links_and_forgets_the_oldest(
    client: Client, gallery: Gallery, shared: Shared
) -> None:
    tokens = [shared.token]
    for _ in range(MAX_HELD):
        made = await service_links.make_link(gallery.intake.db, shared.anna, LOCAL, shared.other.id)
        tokens.append(made.token)
    for token in tokens:
        await client.get(f"/s/{token}")
    assert client.cookies[COOKIE].split(".") == tokens[:0:-1]
    assert (await client.get(f"/collections/{shared.collection.id}")).status_code == 404
    assert (await client.get(f"/collections/{shared.other.id}")).status_code == 200


async def test_somebody_signed_in_sees_a_linked_collection_beside_their_own(
    open_client: OpenClient, gallery: Gallery, shared: Shared, sign_in: SignIn
) -> None:
    ben = await gallery.person("ben")
    await gallery.collection(ben, "Bees")
    browser = await sign_in(ben)
    await browser.get(f"/s/{shared.token}")
    shelves = (await browser.get("/collections")).text
    assert "Birds" in shelves
    assert "Bees" in shelves
    assert "Birds" not in (await (await open_client()).get("/collections")).text


@pytest.mark.parametrize("settings", ["https://likeness.example"], indirect=True)
async def test_a8_under_https_the_cookie_is_bound_to_its_host(client: Client, shared: Shared) -> None:
    opened = await client.get(f"/s/{shared.token}")
    assert opened.headers["set-cookie"].startswith(f"__Host-{COOKIE}={shared.token};")
    assert "Secure" in opened.headers["set-cookie"]


async def test_a20_a_browser_forgets_the_link_of_one_collection(
    client: Client, gallery: Gallery, shared: Shared
) -> None:
    other = await service_links.make_link(gallery.intake.db, shared.anna, LOCAL, shared.other.id)
    for token in (shared.token, other.token):
        await client.get(f"/s/{token}")
    page = f"/collections/{shared.collection.id}"
    assert "Forget the link" in (await client.get(page)).text
    forgotten = await client.post(f"{page}/forget")
    assert forgotten.headers["location"] == "/collections"
    assert (await client.get(page)).status_code == 404
    assert (await client.post(f"{page}/forget")).status_code == 404
    assert (await client.get(f"/collections/{shared.other.id}")).status_code == 200
    assert (await client.get(f"/s/{shared.token}")).status_code == 303, "the link itself stays good"
    assert (await client.get(page)).status_code == 200
