"""Pages of share links: a collection's list of them, and the address that each one is."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_signed_in
from app.accounts.identity import client_of
from app.accounts.passwords import WrongPassword
from app.accounts.records import Viewer
from app.collections import service_links
from app.collections.holding import forgetting_cookie, holding_cookie
from app.collections.records import Opened, ShareLink
from app.core.database import Database
from app.core.errors import Conflict, Invalid, NotFound, TooMany
from app.core.pages import Notice, redirect, render
from app.core.problems import waiting_headers
from app.core.settings import Settings
from app.core.words import capfirst, time_text

FORM_BYTES = 64 * 1024
LASTING = ((1, "1 day"), (7, "1 week"), (30, "30 days"), (90, "90 days"), (365, "1 year"))
SECRET = {"Cache-Control": "no-store"}  # of pages whose address or text is a secret

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as the page shows it."""

    id: int
    prefix: str
    has_password: bool
    created_text: str
    expires_text: str
    used_text: str
    expired: bool


@dataclass(frozen=True, slots=True)
class LinksPage:
    """What `collections/links.html` shows. `new_url` is a link that was made just now, shown this once."""

    collection_id: int
    collection_name: str
    links: list[LinkView]
    lasting: tuple[tuple[int, str], ...] = LASTING
    days: int = service_links.DEFAULT_DAYS
    new_url: str | None = None
    errors: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """What `collections/open.html` shows. `action` is the link itself, where the form leads."""

    action: str
    error: str | None = None
    retry_after_s: int | None = None


@get("/collections/{collection_id:int}/links", guards=[require_signed_in])
async def show_links(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
) -> Template:
    """A collection's links, and the form for a new one."""
    return await _page(request, db, viewer, collection_id)


@post("/collections/{collection_id:int}/links", guards=[require_signed_in])
async def make_link(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    collection_id: FromPath[int],
    data: Form,
) -> Template:
    """Answers with the page itself: the link is shown this once, and a redirect would have to carry it."""
    days = data.get("days", str(service_links.DEFAULT_DAYS))
    number = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
    try:
        made = await service_links.make_link(
            db, viewer, client_of(request), collection_id, days=number, password=data.get("password", "")
        )
    except (Invalid, Conflict) as error:
        name = "password" if data.get("password") and number else "days"
        return await _page(request, db, viewer, collection_id, days=number, errors={name: error.detail})
    return await _page(request, db, viewer, collection_id, new_url=_address(settings, request, made.token))


@post("/collections/{collection_id:int}/links/{link_id:int}/revoke", guards=[require_signed_in])
async def revoke_link(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    link_id: FromPath[int],
) -> Redirect:
    """Make a link worthless at once."""
    await service_links.revoke_link(db, viewer, client_of(request), collection_id, link_id)
    return redirect(f"/collections/{collection_id}/links", Notice("success", "The link is revoked."))


@get("/s/{token:str}")
async def follow(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    token: FromPath[str],
) -> Response[Any]:
    """Lead to the collection and let the browser remember the link; ask for the password first if it has one."""
    opened = await service_links.find_open(db, viewer, token)
    if opened is None:
        return _ask(request)
    return _lead(request, settings, opened)


@post("/s/{token:str}")
async def unlock(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    token: FromPath[str],
    data: Form,
) -> Response[Any]:
    """As `follow`, with the link's password."""
    try:
        opened = await service_links.open_link(db, client_of(request), token, data.get("password", ""))
    except (WrongPassword, TooMany) as error:
        return _ask(request, error)
    return _lead(request, settings, opened)


@post("/collections/{collection_id:int}/forget")
async def forget(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    collection_id: FromPath[int],
) -> Redirect:
    """This browser forgets the links by which it sees the collection; they stay good for whoever has their address."""
    opening = await service_links.list_opening(db, viewer, collection_id)
    if not opening:
        raise NotFound("this browser holds no link to such a collection")
    cookie = forgetting_cookie(request, opening, secure=settings.secure_cookies)
    return redirect("/collections", Notice("success", "This browser has forgotten the link."), cookies=[cookie])


def _lead(request: Request[Any, Any, Any], settings: Settings, opened: Opened) -> Redirect:
    cookie = holding_cookie(request, opened.key, secure=settings.secure_cookies)
    response = redirect(f"/collections/{opened.collection_id}", cookies=[cookie])
    response.headers.update(SECRET)
    return response


def _ask(request: Request[Any, Any, Any], error: WrongPassword | TooMany | None = None) -> Template:
    wait_s = error.retry_after_s if error is not None else None
    headers = {} if error is None else waiting_headers(error)
    page = PasswordPage(request.url.path, f"{capfirst(error.detail)}." if error is not None else None, wait_s)
    return render(
        request,
        "collections/open.html",
        page,
        title="A shared collection",
        status_code=200 if error is None else error.status,
        headers={**SECRET, **headers},
    )


async def _page(
    request: Request[Any, Any, Any],
    db: Database,
    viewer: Viewer,
    collection_id: int,
    *,
    days: int = service_links.DEFAULT_DAYS,
    new_url: str | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    collection, links = await service_links.list_links(db, viewer, collection_id)
    page = LinksPage(
        collection_id=collection.id,
        collection_name=collection.name,
        links=[_view(link) for link in links],
        days=days,
        new_url=new_url,
        errors=errors or {},
    )
    return render(
        request,
        "collections/links.html",
        page,
        title=f"Links to {collection.name}",
        status_code=422 if errors else 200,
        headers=SECRET if new_url else None,
    )


def _view(link: ShareLink) -> LinkView:
    return LinkView(
        link.id,
        link.prefix,
        link.has_password,
        time_text(link.created_at),
        time_text(link.expires_at),
        time_text(link.used_at) or "never",
        link.expired,
    )


def _address(settings: Settings, request: Request[Any, Any, Any], token: str) -> str:
    """The whole address of a link: the gallery's public one, else the one that the request came to."""
    base = settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/s/{token}"


router = Router(
    "/",
    route_handlers=[show_links, make_link, revoke_link, follow, unlock, forget],
    request_max_body_size=FORM_BYTES,
    include_in_schema=False,
)
