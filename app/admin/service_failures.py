"""The verbs on pictures that failed: those that could not be embedded, and those that imports refused."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.accounts.records import Viewer
from app.core.database import Database
from app.core.errors import Invalid, NotFound
from app.embedding import service as embedding
from app.embedding import store_failures
from app.embedding.records import Failure
from app.images.store import MAX_ID
from app.ingest import service as ingest
from app.ingest import store_quarantine
from app.ingest.records import Quarantined

SHOWN = 50
MAX_PAGE_SIZE = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class FailurePage:
    """One page of what could not be embedded, newest first, with the cursor of the next (None: the end)."""

    failures: list[Failure]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """One page of what imports refused, of the newest import first; `count` is how many there are in all."""

    refused: list[Quarantined]
    count: int
    next_cursor: str | None


async def list_failures(db: Database, *, cursor: str | None = None, limit: int = SHOWN) -> FailurePage:
    """What could not be embedded. Raises Invalid for a cursor of something else."""
    mark = _read(cursor, 3)
    try:
        after = None if mark is None else (EPOCH + timedelta(microseconds=mark[0]), mark[1], mark[2])
    except OverflowError as error:
        raise _bad_cursor() from error
    async with db.transaction() as conn:
        found = await store_failures.list_failures(conn, limit + 1, after=after)
    if len(found) <= limit:
        return FailurePage(found, None)
    last = found[limit - 1]
    at = (last.attempted_at - EPOCH) // MICROSECOND
    return FailurePage(found[:limit], f"{at}_{last.image_id}_{last.model_id}")


async def list_refused(db: Database, *, cursor: str | None = None, limit: int = SHOWN) -> QuarantinePage:
    """What imports refused. Raises Invalid for a cursor of something else."""
    mark = _read(cursor, 2)
    async with db.transaction() as conn:
        after = None if mark is None else (mark[0], mark[1])
        found = await store_quarantine.list_quarantined(conn, limit + 1, after=after)
        count = await store_quarantine.count_quarantined(conn)
    last = found[limit - 1] if len(found) > limit else None
    return QuarantinePage(found[:limit], count, f"{last.import_id}_{last.position}" if last is not None else None)


async def retry_embedding(db: Database, image_id: int) -> None:
    """Try to embed one picture again, by every model that failed at it. Raises NotFound."""
    if not 0 <= image_id <= MAX_ID or not await embedding.retry_failed(db, image_id):
        raise NotFound("no such picture failed")


async def retry_refused(db: Database, viewer: Viewer) -> int:
    """Queue every import that refused something and has come to its end. Returns how many."""
    async with db.transaction() as conn:
        import_ids = await store_quarantine.list_retryable(conn)
    for import_id in import_ids:
        await ingest.go_on(db, viewer, import_id, again=True)
    return len(import_ids)


def _read(cursor: str | None, numbers: int) -> list[int] | None:
    if not cursor:
        return None
    parts = cursor.split("_")
    if len(parts) != numbers or any(not (one.isascii() and one.isdigit() and len(one) < 20) for one in parts):
        raise _bad_cursor()
    found = [int(one) for one in parts]
    if max(found) > MAX_ID:
        raise _bad_cursor()
    return found


def _bad_cursor() -> Invalid:
    return Invalid("cursor is the next_cursor of the page before")
