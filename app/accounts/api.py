"""Who you are, as JSON."""

from dataclasses import dataclass

from litestar import Router, get
from litestar.di import NamedDependency

from app.accounts import service_usage
from app.accounts.guards import require_signed_in
from app.accounts.records import Scope, Viewer
from app.accounts.service import require_account
from app.core.database import Database
from app.core.settings import Settings


@dataclass(frozen=True, slots=True)
class UsageOut:
    """What the account keeps, its trash included, and the most that it may; null: no limit."""

    files: int
    bytes: int
    max_files: int | None
    max_bytes: int | None


@dataclass(frozen=True, slots=True)
class Me:
    """The account that a token speaks for. `scopes` are the token's."""

    user_id: int
    name: str
    is_admin: bool
    scopes: list[Scope]
    usage: UsageOut


@get("/me", guards=[require_signed_in], operation_id="me", summary="The account that the token speaks for")
async def me(db: NamedDependency[Database], settings: NamedDependency[Settings], viewer: NamedDependency[Viewer]) -> Me:
    """Whom the token speaks for, what they keep and may keep; 401 without a token."""
    account_id = require_account(viewer)
    usage = await service_usage.get_usage(db, account_id, service_usage.gallery_quota(settings))
    told = UsageOut(usage.files, usage.bytes, usage.max_files, usage.max_bytes)
    return Me(account_id, viewer.name or "", viewer.is_admin, list(viewer.scopes or []), told)


router = Router("/api/v1", route_handlers=[me], tags=["accounts"])
