"""The admin's page of security events."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts import service_events
from app.accounts.guards import require_admin
from app.accounts.records import EVENT_KINDS, SecurityEvent
from app.core.database import Database
from app.core.pages import render
from app.core.words import time_text
from app.images.tiles import with_query

REFUSALS = ("refused", "throttled", "disabled")


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as the page shows it. `bad`: somebody was kept out."""

    at_text: str
    kind_text: str
    bad: bool
    name: str
    address: str
    about: str


@dataclass(frozen=True, slots=True)
class EventsPage:
    """What `admin/events.html` shows. `kinds` are (value, words)."""

    events: list[EventView]
    kinds: list[tuple[str, str]]
    kind: str
    name: str
    older_url: str | None
    days_kept: int = service_events.DAYS_KEPT


@get("/admin/events", guards=[require_admin])
async def events(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    kind: FromQuery[str] = "",
    name: FromQuery[str] = "",
    cursor: FromQuery[int | None] = None,
) -> Template:
    """Who came in, who was kept out, what was done to accounts, tokens and sharing; newest first."""
    page = await service_events.list_events(db, kind, name, cursor=cursor)
    older = with_query("/admin/events", kind=kind or None, name=name or None, cursor=page.next_cursor)
    context = EventsPage(
        events=[_view(one) for one in page.events],
        kinds=[(one, _words(one)) for one in EVENT_KINDS],
        kind=kind,
        name=name,
        older_url=older if page.next_cursor else None,
    )
    return render(request, "admin/events.html", context, title="Security log")


def _view(one: SecurityEvent) -> EventView:
    bad = one.kind.endswith(REFUSALS)
    return EventView(time_text(one.at), _words(one.kind), bad, one.name or "", one.address, one.about)


def _words(kind: str) -> str:
    return kind.replace("_", " ").replace("sign in", "sign-in").capitalize()


router = Router("/", route_handlers=[events], include_in_schema=False)
