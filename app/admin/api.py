"""Is it alive, is it ready: for supervisors and load balancers."""

from typing import Any

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency

from app.admin import service
from app.core.database import Database
from app.core.settings import Settings
from app.search.live import Live


class CheckOut(msgspec.Struct):
    """One part's health. Everybody may ask: what is not needed, or well, is told without details, which count
    pictures and bytes of everybody's."""

    name: str
    ok: bool
    detail: str


class Readiness(msgspec.Struct):
    """Ready when every part that answers depend on is well; a missing worker or full disk only shows."""

    ready: bool
    checks: list[CheckOut]


NEEDED = frozenset({"database", "schema", "index"})


@get("/livez", media_type="text/plain", include_in_schema=False)
async def livez() -> str:
    """The process answers; nothing else is asked."""
    return "alive\n"


@get("/readyz", include_in_schema=False)
async def readyz(
    db: NamedDependency[Database], settings: NamedDependency[Settings], live: NamedDependency[Live]
) -> Response[Any]:
    """200 when searches can be answered, else 503 with what is missing."""
    checks = await service.check_health(db, settings, live)
    ready = all(check.ok for check in checks if check.name in NEEDED)
    told = [CheckOut(one.name, one.ok, one.detail if one.name in NEEDED and not one.ok else "") for one in checks]
    body = Readiness(ready, told)
    return Response(body, status_code=200 if ready else 503, headers={"Cache-Control": "no-store"})


router = Router("/", route_handlers=[livez, readyz])
