"""Accounts as JSON, for admins: list, invite, withdraw, switch off and on, limits."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from app.accounts.guards import require_admin
from app.accounts.identity import client_of
from app.accounts.records import Quota, Viewer
from app.admin import service_users
from app.admin.records import User
from app.core.database import Database
from app.core.settings import Settings

Limit = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class UserOut(msgspec.Struct):
    """One account. `invited`: nobody has taken it yet; `invitation`: the link that takes it is good still.

    `files` and `bytes` are what it keeps, its trash included. `max_files` and `max_bytes` are limits of its own; null:
    the gallery's hold.
    """

    user_id: int
    name: str
    is_admin: bool
    disabled: bool
    invited: bool
    invitation: bool
    seen_at: datetime | None
    files: int
    bytes: int
    max_files: int | None
    max_bytes: int | None


class UserList(msgspec.Struct):
    """Everybody, by name."""

    users: list[UserOut]


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to invite; they can change the name when they accept."""

    name: str


class Invited(msgspec.Struct):
    """An account and the link by which its person takes it: once, within 7 days. It is told this once."""

    user: UserOut
    claim_url: str


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed of an account; what is left out stays. A limit of null: the gallery's."""

    disabled: bool | UnsetType = UNSET
    max_files: Limit | UnsetType | None = UNSET
    max_bytes: Limit | UnsetType | None = UNSET


@get("/", operation_id="listUsers", summary="List accounts")
async def list_users(db: NamedDependency[Database]) -> UserList:
    """Every account with what it keeps: counts, never pictures."""
    return UserList([_out(one) for one in await service_users.list_users(db)])


@post("/", operation_id="inviteUser", summary="Invite somebody")
async def invite(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Invitation],
) -> Invited:
    """A new account without a password, and the link that takes it. 409 for a name in use."""
    account_id, link = await service_users.invite(db, settings, viewer, client_of(request), data.name)
    return Invited(_out(await service_users.get_user(db, account_id)), link)


@post("/{account_id:int}/invite", operation_id="renewInvitation", summary="Make a fresh invitation", status_code=200)
async def renew(
    db: NamedDependency[Database], settings: NamedDependency[Settings], account_id: FromPath[int]
) -> Invited:
    """A fresh link in place of one that was lost or has expired. 409 for an account that has been taken."""
    link = await service_users.renew_invitation(db, settings, account_id)
    return Invited(_out(await service_users.get_user(db, account_id)), link)


@delete("/{account_id:int}/invite", operation_id="withdrawInvitation", summary="Withdraw an invitation")
async def withdraw(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
) -> None:
    """The link dies; the account stays, for a fresh one. 409 for an account that has been taken or has no link."""
    await service_users.withdraw_invitation(db, viewer, client_of(request), account_id)


@patch("/{account_id:int}", operation_id="changeUser", summary="Change an account")
async def change(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    data: JSONBody[UserChange],
) -> UserOut:
    """Switch an account off or on, and set its limits. Off: its sessions and tokens end. 409 for the last admin."""
    user = await service_users.get_user(db, account_id)
    if data.disabled is not UNSET:
        await service_users.set_disabled(db, viewer, client_of(request), account_id, disabled=data.disabled)
    if data.max_files is not UNSET or data.max_bytes is not UNSET:
        own = Quota(
            user.max_files if data.max_files is UNSET else data.max_files,
            user.max_bytes if data.max_bytes is UNSET else data.max_bytes,
        )
        await service_users.set_quota(db, account_id, own)
    return _out(await service_users.get_user(db, account_id))


def _out(user: User) -> UserOut:
    return UserOut(
        user_id=user.id,
        name=user.name,
        is_admin=user.is_admin,
        disabled=user.disabled,
        invited=user.unclaimed,
        invitation=user.invited,
        seen_at=user.seen_at,
        files=user.files,
        bytes=user.bytes,
        max_files=user.max_files,
        max_bytes=user.max_bytes,
    )


router = Router(
    "/api/v1/admin/users",
    route_handlers=[list_users, invite, renew, withdraw, change],
    guards=[require_admin],
    tags=["admin"],
)
