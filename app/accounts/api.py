"""Who you are, as JSON."""

from dataclasses import dataclass

from litestar import Router, get
from litestar.di import NamedDependency

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer


@dataclass(frozen=True, slots=True)
class Me:
    """The account that a token speaks for."""

    name: str
    is_admin: bool


@get("/me", guards=[require_signed_in], operation_id="me", summary="The account that the token speaks for")
async def me(viewer: NamedDependency[Viewer]) -> Me:
    """Whom the token speaks for; 401 without one."""
    return Me(viewer.name or "", viewer.is_admin)


router = Router("/api/v1", route_handlers=[me], tags=["accounts"])
