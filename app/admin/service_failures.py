"""The verbs on pictures that failed: those that could not be embedded, and those that imports refused."""

from dataclasses import dataclass

from app.accounts.records import Viewer
from app.core.database import Database
from app.core.errors import NotFound
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding.records import Failure
from app.ingest import service as ingest
from app.ingest import store_quarantine
from app.ingest.records import Quarantined

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Failures:
    """The newest pictures that failed; `refused_count` is how many imports refused in all."""

    embedding: list[Failure]
    refused: list[Quarantined]
    refused_count: int


async def list_failures(db: Database) -> Failures:
    """What could not be embedded, and what imports refused."""
    async with db.transaction() as conn:
        return Failures(
            await embedding_store.list_failures(conn, SHOWN),
            await store_quarantine.list_quarantined(conn, SHOWN),
            await store_quarantine.count_quarantined(conn),
        )


async def retry_embedding(db: Database, image_id: int) -> None:
    """Try to embed one picture again, by every model that failed at it. Raises NotFound."""
    if not await embedding.retry_failed(db, image_id):
        raise NotFound("no such picture failed")


async def retry_refused(db: Database, viewer: Viewer) -> int:
    """Queue every import that refused something and has come to its end. Returns how many."""
    async with db.transaction() as conn:
        import_ids = await store_quarantine.list_retryable(conn)
    for import_id in import_ids:
        await ingest.go_on(db, viewer, import_id, again=True)
    return len(import_ids)
