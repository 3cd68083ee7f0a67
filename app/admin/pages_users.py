"""The admin's page of users: invite, withdraw, disable, quotas."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_admin
from app.accounts.identity import client_of
from app.accounts.records import Quota, Viewer
from app.accounts.service_usage import gallery_quota
from app.admin import service_users
from app.admin.records import User
from app.core.database import Database
from app.core.errors import Conflict, Invalid
from app.core.pages import Notice, redirect, render
from app.core.settings import Settings
from app.core.words import MIB, size_text, time_text

USERS = "/admin/users"
MAX_LIMIT = 10**12  # of files or MiB: what fits a bigint in bytes

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class UserView:
    """An account as the page shows it. `unclaimed`: nobody has taken it yet; `invited`: a link that does is good still.

    `max_files` and `max_mib` are its own limits, empty for the gallery's.
    """

    id: int
    name: str
    is_admin: bool
    disabled: bool
    unclaimed: bool
    invited: bool
    seen_text: str
    files: int
    size_text: str
    max_files: str
    max_mib: str
    own: bool


@dataclass(frozen=True, slots=True)
class UsersPage:
    """What `admin/users.html` shows. `claim_url` is a link that was made just now, shown this once, for `invited`."""

    users: list[UserView]
    quota_text: str
    claim_url: str | None = None
    invited: str = ""
    errors: dict[str, str] = field(default_factory=dict[str, str])


@get("/")
async def users(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
) -> Template:
    """Everybody with an account."""
    return await _page(request, db, settings, viewer)


@post("/")
async def invite(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    data: Form,
) -> Template:
    """Answers with the page itself: the link is shown this once, and a redirect would have to carry it."""
    name = data.get("name", "")
    try:
        _, link = await service_users.invite(db, settings, viewer, client_of(request), name)
    except (Invalid, Conflict) as error:
        return await _page(request, db, settings, viewer, invited=name, error=error.detail)
    return await _page(request, db, settings, viewer, claim_url=link, invited=name)


@post("/{account_id:int}/invite")
async def renew(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
) -> Template:
    """A fresh link in place of one that was lost or has expired."""
    link = await service_users.renew_invitation(db, settings, account_id)
    return await _page(request, db, settings, viewer, claim_url=link)


@post("/{account_id:int}/withdraw")
async def withdraw(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
) -> Redirect:
    """The link of an invitation dies."""
    name = await service_users.withdraw_invitation(db, viewer, client_of(request), account_id)
    return redirect(USERS, Notice("success", f"The invitation of {name} is withdrawn."))


@post("/{account_id:int}/disable")
async def disable(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
) -> Redirect:
    """Sessions and tokens end at once."""
    name = await service_users.set_disabled(db, viewer, client_of(request), account_id, disabled=True)
    return redirect(USERS, Notice("success", f"{name} is disabled."))


@post("/{account_id:int}/enable")
async def enable(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
) -> Redirect:
    """Let somebody sign in again."""
    name = await service_users.set_disabled(db, viewer, client_of(request), account_id, disabled=False)
    return redirect(USERS, Notice("success", f"{name} is enabled."))


@post("/{account_id:int}/quota")
async def set_quota(db: NamedDependency[Database], account_id: FromPath[int], data: Form) -> Redirect:
    """Limits of one account; an empty field means the gallery's."""
    mib = _limit(data.get("max_mib", ""), "MiB")
    own = Quota(_limit(data.get("max_files", ""), "pictures"), None if mib is None else mib * MIB)
    name = await service_users.set_quota(db, account_id, own)
    return redirect(USERS, Notice("success", f"The limits of {name} are saved."))


def _limit(text: str, what: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 13 or int(text) > MAX_LIMIT:
        raise Invalid(f"a limit of {what} is a whole number, or empty for the gallery's")
    return int(text)


async def _page(
    request: Request[Any, Any, Any],
    db: Database,
    settings: Settings,
    viewer: Viewer,
    *,
    claim_url: str | None = None,
    invited: str = "",
    error: str | None = None,
) -> Template:
    found = await service_users.list_users(db)
    page = UsersPage(
        [_view(one, viewer) for one in found],
        _quota_text(gallery_quota(settings)),
        claim_url,
        invited,
        {"name": error} if error else {},
    )
    return render(
        request,
        "admin/users.html",
        page,
        title="Users",
        status_code=422 if error else 200,
        headers={"Cache-Control": "no-store"} if claim_url else None,
    )


def _view(user: User, viewer: Viewer) -> UserView:
    return UserView(
        id=user.id,
        name=user.name,
        is_admin=user.is_admin,
        disabled=user.disabled,
        unclaimed=user.unclaimed,
        invited=user.invited,
        seen_text=time_text(user.seen_at) or "never",
        files=user.files,
        size_text=size_text(user.bytes),
        max_files="" if user.max_files is None else str(user.max_files),
        max_mib="" if user.max_bytes is None else str(user.max_bytes // MIB),
        own=user.id == viewer.account_id,
    )


def _quota_text(quota: Quota) -> str:
    files = "any number of pictures" if quota.max_files is None else f"{quota.max_files:,} pictures"
    size = "any size" if quota.max_bytes is None else size_text(quota.max_bytes)
    return f"{files}, {size}"


router = Router(
    USERS,
    route_handlers=[users, invite, renew, withdraw, disable, enable, set_quota],
    guards=[require_admin],
    include_in_schema=False,
)
