"""The verbs of share links: make, list, revoke, open, hold."""

from base64 import urlsafe_b64encode

import structlog

from app.accounts import service_attempts, service_events
from app.accounts.passwords import WrongPassword, check_password, make_hash, matches
from app.accounts.records import Client, Viewer
from app.accounts.secret import digest, new_secret
from app.collections import store_links
from app.collections.records import Collection, LiveLink, NewLink, Opened, ShareLink
from app.collections.service import resolve
from app.core.database import Database
from app.core.errors import Conflict, Invalid, NotFound, TooMany

DEFAULT_DAYS = 30
MAX_DAYS = 365
MAX_LINKS = 100
SHOWN_LENGTH = 6  # of 43 characters: 220 bits stay secret

log = structlog.get_logger()


async def make_link(
    db: Database, viewer: Viewer, client: Client, ref: str | int, *, days: int = DEFAULT_DAYS, password: str = ""
) -> NewLink:
    """A new link to a collection; its owners may. Its secret is in the answer and nowhere else.

    Raises NotFound, NotAllowed, Invalid for days outside 1 to 365 or a password that cannot be one, Conflict for a
    collection that has 100 links.
    """
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(f"a link lasts 1 to {MAX_DAYS} days")
    collection = await _get_managed(db, viewer, ref)
    password_hash = None
    if password:
        check_password(password, collection.name)
        password_hash = await make_hash(password)
    token = new_secret()
    async with db.transaction() as conn:
        collection = await resolve(conn, viewer, collection.id, at_least="owner")
        if await store_links.lock_links(conn, collection.id) >= MAX_LINKS:
            raise Conflict(f"a collection has at most {MAX_LINKS} links: revoke some")
        link = await store_links.insert_link(
            conn,
            collection.id,
            prefix=token[:SHOWN_LENGTH],
            token_hash=digest(token),
            key_hash=digest(_key(token, password_hash)),
            password_hash=password_hash,
            days=days,
        )
        about = f"link {link.id}, collection {collection.id}, for {days} days{', password' if password else ''}"
        await service_events.record(conn, "link_made", viewer.account_id, client.address, about)
    log.info("share link made", account=viewer.account_id, link=link.id, address=client.address)
    return NewLink(link, token)


async def list_links(db: Database, viewer: Viewer, ref: str | int) -> tuple[Collection, list[ShareLink]]:
    """A collection with its links, newest first; its owners may know."""
    async with db.transaction() as conn:
        collection = await resolve(conn, viewer, ref, at_least="owner")
        return collection, await store_links.list_links(conn, collection.id)


async def revoke_link(db: Database, viewer: Viewer, client: Client, ref: str | int, link_id: int) -> None:
    """Make a link worthless at once, for pages and bytes alike; the collection's owners may. Raises NotFound."""
    async with db.transaction() as conn:
        collection = await resolve(conn, viewer, ref, at_least="owner")
        if not await store_links.delete_link(conn, collection.id, link_id):
            raise NotFound("no such link")
        about = f"link {link_id}, collection {collection.id}"
        await service_events.record(conn, "link_revoked", viewer.account_id, client.address, about)
    log.info("share link revoked", account=viewer.account_id, link=link_id, address=client.address)


async def find_open(db: Database, viewer: Viewer, token: str) -> Opened | None:
    """The link of this secret, opened where it asks for no password or the viewer has given it; None: it asks.

    Raises NotFound alike for a link that never was, has expired or was revoked.
    """
    link = await _get_live(db, token)
    key = _key(token, link.password_hash)
    if link.password_hash is None or digest(key) in viewer.links:
        return Opened(link.collection_id, key)
    return None


async def open_link(db: Database, client: Client, token: str, password: str) -> Opened:
    """Open a link, with its password where it has one. Raises NotFound, WrongPassword, TooMany."""
    link = await _get_live(db, token)
    if link.password_hash is not None:
        about = f"link {link.id}, collection {link.collection_id}"
        try:
            attempts = await service_attempts.admit(db, f"link {link.id}", f"address {client.address}")
        except TooMany:
            await service_events.record_throttled(db, "link_throttled", client.address, about)
            raise
        if not await matches(link.password_hash, password):
            await service_events.record_refusal(db, "link_refused", None, client.address, about)
            log.warning("share link refused", link=link.id, address=client.address)
            raise WrongPassword("this is not the link's password", title="Wrong password")
        await service_attempts.forgive(db, attempts)
    return Opened(link.collection_id, _key(token, link.password_hash))


async def hold(db: Database, keys: list[str]) -> tuple[bytes, ...]:
    """What a viewer who sends these keys holds; notes that the links are in use."""
    digests = tuple(digest(key) for key in keys)
    async with db.transaction() as conn:
        await store_links.touch(conn, digests)
    return digests


async def list_opening(db: Database, viewer: Viewer, collection_id: int) -> list[bytes]:
    """Those of the links held by which the viewer sees this collection."""
    if not viewer.links:
        return []
    async with db.transaction() as conn:
        return await store_links.list_opening(conn, collection_id, viewer.links)


def _key(token: str, password_hash: str | None) -> str:
    """What shows the collection: the link's secret itself, or with a password what nobody can make without having
    given it, for the hash is known to the server alone and salted.
    """
    if password_hash is None:
        return token
    return urlsafe_b64encode(digest(f"{token} {password_hash}")).rstrip(b"=").decode()


async def _get_managed(db: Database, viewer: Viewer, ref: str | int) -> Collection:
    async with db.transaction() as conn:
        return await resolve(conn, viewer, ref, at_least="owner")


async def _get_live(db: Database, token: str) -> LiveLink:
    async with db.transaction() as conn:
        link = await store_links.find_live(conn, digest(token))
    if link is None:
        raise NotFound(
            "this link leads nowhere: it has expired, was taken back, or is not complete",
            hint="Ask whoever sent it for a new one.",
        )
    return link
