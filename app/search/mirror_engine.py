"""Where the mirror answers searches: what index builds do otherwise, the switch of models and pruning the log."""

from app.core import changes, state
from app.core.database import Connection, Database
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding.models import find_choice
from app.search import store_mirror

LOG_KEPT = 1_000_000
"""The newest entries stay, 85 MB: an index that was built before can be gone back to until so many have come."""


async def switch_model(db: Database, settings: Settings, model_id: int) -> None:
    """Make this model the active one; the mirror then fills a collection with its vectors.

    Searches go on in the collection before until that one is complete. Passed over when yet another model is wanted
    by now.
    """
    wanted = await find_choice(db, settings)
    async with db.transaction() as conn:
        await state.lock(conn)
        model = await embedding_store.get_model(conn, model_id)
        if wanted is None or wanted.name == model.name:
            await state.replace(conn, embedding.ACTIVE_MODEL, str(model.id))
            await changes.wake(conn)


async def prune_log(conn: Connection) -> None:
    """Forget the entries that the mirror has followed, but for the newest."""
    mirror = await store_mirror.read_state(conn)
    followed = mirror.position if mirror.filling is None else min(mirror.position, mirror.filling.position)
    seq = min(followed, await changes.position(conn) - LOG_KEPT)
    if seq > await changes.pruned_to(conn):
        await changes.prune(conn, seq)
