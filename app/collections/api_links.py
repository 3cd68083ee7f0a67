"""Share links as JSON."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.guards import READS, require_signed_in
from app.accounts.identity import client_of
from app.accounts.records import Viewer
from app.collections import service_links
from app.collections.records import ShareLink
from app.core.database import Database

Days = Annotated[int, msgspec.Meta(ge=1, le=service_links.MAX_DAYS, description="How long it lasts.")]


class LinkOut(msgspec.Struct):
    """A share link; of its secret only the prefix is kept."""

    link_id: int
    prefix: str
    has_password: bool
    created_at: str
    expires_at: str
    used_at: str | None
    expired: bool


class LinkList(msgspec.Struct):
    """A collection's links, newest first, the expired ones too."""

    links: list[LinkOut]


class NewLinkOut(msgspec.Struct):
    """A new link. `token` is in this answer and nowhere else; the link is `/s/` and the token."""

    link: LinkOut
    token: str


class LinkIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a new link is to be."""

    days: Days = service_links.DEFAULT_DAYS
    password: Annotated[str, msgspec.Meta(max_length=256, description="Empty: none is asked for.")] = ""


class OpenIn(msgspec.Struct, forbid_unknown_fields=True):
    """A link's token, and its password if it has one."""

    token: Annotated[str, msgspec.Meta(max_length=256)]
    password: Annotated[str, msgspec.Meta(max_length=256)] = ""


class OpenedOut(msgspec.Struct):
    """The collection that the link leads to, and the `key` to send as `Likeness-Share` with each request."""

    collection_id: int
    key: str


@get("/collections/{collection_id:int}/links", operation_id="listLinks", summary="List a collection's share links")
async def list_links(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], collection_id: FromPath[int]
) -> LinkList:
    """For its owners."""
    _, links = await service_links.list_links(db, viewer, collection_id)
    return LinkList([_link_out(link) for link in links])


@post("/collections/{collection_id:int}/links", operation_id="makeLink", summary="Make a share link")
async def make_link(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    data: JSONBody[LinkIn],
) -> NewLinkOut:
    """For its owners. Whoever holds the link sees the collection, and changes nothing."""
    made = await service_links.make_link(
        db, viewer, client_of(request), collection_id, days=data.days, password=data.password
    )
    return NewLinkOut(_link_out(made.link), made.token)


@delete(
    "/collections/{collection_id:int}/links/{link_id:int}", operation_id="revokeLink", summary="Revoke a share link"
)
async def revoke_link(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    link_id: FromPath[int],
) -> None:
    """It acts at once, for the bytes too."""
    await service_links.revoke_link(db, viewer, client_of(request), collection_id, link_id)


@post("/links/open", operation_id="openLink", summary="Open a share link", status_code=200, opt=READS)
async def open_link(
    request: Request[Any, Any, Any], db: NamedDependency[Database], data: JSONBody[OpenIn]
) -> OpenedOut:
    """Without a password the key is the token itself. 401 for a wrong password, 404 for a link that is not alive."""
    opened = await service_links.open_link(db, client_of(request), data.token, data.password)
    return OpenedOut(opened.collection_id, opened.key)


def _link_out(link: ShareLink) -> LinkOut:
    return LinkOut(
        link_id=link.id,
        prefix=link.prefix,
        has_password=link.has_password,
        created_at=link.created_at.isoformat(),
        expires_at=link.expires_at.isoformat(),
        used_at=link.used_at.isoformat() if link.used_at else None,
        expired=link.expired,
    )


router = Router(
    "/api/v1",
    route_handlers=[
        open_link,
        Router("/", route_handlers=[list_links, make_link, revoke_link], guards=[require_signed_in]),
    ],
    tags=["links"],
)
