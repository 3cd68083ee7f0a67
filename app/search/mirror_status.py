"""How the mirror is, as its follower left it in the database: Qdrant is not asked, nor its client loaded."""

from app.core import changes
from app.core.database import Database
from app.core.settings import Settings
from app.embedding import store as embedding_store
from app.search import store_mirror
from app.search.records_mirror import MirrorStatus

NO_MIRROR = "there is no mirror: LIKENESS_QDRANT_URL names no Qdrant server"


async def read_status(db: Database, settings: Settings) -> MirrorStatus | None:
    """None when no Qdrant server is set."""
    if settings.qdrant_url is None:
        return None
    async with db.transaction() as conn:
        state = await store_mirror.read_state(conn)
        model = await store_mirror.find_model(conn, state.identity)
        position = await changes.position(conn)
        last_id = await embedding_store.last_image_id(conn)
    filling = state.filling
    return MirrorStatus(
        url=settings.qdrant_url,
        answers_searches=settings.search_engine == "qdrant",
        reachable=state.seen_at is not None and not state.error,
        model=model.name if model is not None else "",
        collection=state.collection,
        filling=filling.collection if filling is not None else "",
        filled_share=filling.last_id / last_id if filling is not None and last_id else 0.0,
        position=state.position,
        lag=max(0, position - state.position),
        points=state.points,
        expected=state.expected,
        counted_at=state.counted_at,
        seen_at=state.seen_at,
        error=state.error,
        reconciled=state.reconciled,
    )
