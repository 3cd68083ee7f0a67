"""Security events as JSON."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import Parameter

from app.accounts import service_events
from app.accounts.guards import require_admin
from app.accounts.records import EventKind
from app.core.database import Database


class EventOut(msgspec.Struct):
    """One event. `user_id` and `name`: whom it concerns; null where nobody is known."""

    event_id: int
    at: datetime
    kind: EventKind
    user_id: int | None
    name: str | None
    address: str
    about: str


class EventList(msgspec.Struct):
    """One page of the log, newest first. `next_cursor` asks for the next one; null: this is the last."""

    events: list[EventOut]
    next_cursor: int | None


@get("/api/v1/admin/events", operation_id="listEvents", summary="List security events", guards=[require_admin])
async def list_events(
    db: NamedDependency[Database],
    kind: Annotated[EventKind | None, Parameter(description="Events of this kind only.")] = None,
    name: Annotated[str, Parameter(description="Events of the account of this name only.")] = "",
    limit: Annotated[int, Parameter(description="From 1 to 500.", ge=1, le=service_events.MAX_PAGE_SIZE)] = 100,
    cursor: Annotated[int | None, Parameter(description="`next_cursor` of the page before.")] = None,
) -> EventList:
    """Sign-ins, refusals, and what was done to accounts, tokens and sharing; kept for 90 days. For admins."""
    page = await service_events.list_events(db, kind or "", name, cursor=cursor, limit=limit)
    events = [
        EventOut(one.id, one.at, one.kind, one.account_id, one.name, one.address, one.about) for one in page.events
    ]
    return EventList(events, page.next_cursor)


router = Router("/", route_handlers=[list_events], tags=["admin"])
