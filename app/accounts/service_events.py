"""The log of security events: who came in, who was kept out, and what was done to accounts, tokens and sharing."""

from dataclasses import dataclass

from app.accounts import store_events
from app.accounts.records import EVENT_KINDS, EventKind, SecurityEvent
from app.core.database import Connection, Database
from app.core.errors import Invalid

DAYS_KEPT = 90
PAGE_SIZE = 100
MAX_PAGE_SIZE = 500
LOCAL = "local"  # the address of somebody at the machine's own command line
PAUSE_S = 300
"""Between two events of who is throttled at one address: a flood of passwords is no flood of rows."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of the log, newest first, with the cursor of the next (None: the end)."""

    events: list[SecurityEvent]
    next_cursor: int | None


async def record(conn: Connection, kind: EventKind, account_id: int | None, address: str, about: str = "") -> None:
    """Keep an event, in the transaction of what it tells. `about` holds no secret and nothing that was typed wrong."""
    await store_events.insert_event(conn, kind, account_id, address, about)


async def record_refusal(db: Database, kind: EventKind, account_id: int | None, address: str, about: str = "") -> None:
    """Keep an event of something that was not done, in a transaction of its own."""
    async with db.transaction() as conn:
        await store_events.insert_event(conn, kind, account_id, address, about)


async def record_throttled(db: Database, kind: EventKind, address: str, about: str = "") -> None:
    """Keep that an address is throttled, once in five minutes."""
    async with db.transaction() as conn:
        await store_events.insert_rarely(conn, kind, address, about, PAUSE_S)


async def list_events(
    db: Database, kind: str = "", name: str = "", *, cursor: int | None = None, limit: int = PAGE_SIZE
) -> EventPage:
    """The log, newest first; of one kind and one person, where asked. Raises Invalid for a kind that is none."""
    if not 1 <= limit <= MAX_PAGE_SIZE:
        raise Invalid(f"limit goes from 1 to {MAX_PAGE_SIZE}")
    wanted: EventKind | None = next((one for one in EVENT_KINDS if one == kind), None)
    if kind and wanted is None:
        raise Invalid(f"there are no events of the kind {kind!r}")
    async with db.transaction() as conn:
        events = await store_events.list_events(conn, wanted, name.strip() or None, cursor, limit + 1)
    return EventPage(events[:limit], events[limit - 1].id if len(events) > limit else None)


async def forget_old(db: Database) -> None:
    """Forget events of more than 90 days ago."""
    async with db.transaction() as conn:
        await store_events.delete_old(conn, DAYS_KEPT)
