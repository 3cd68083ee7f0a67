"""The copy in Qdrant, in the hands of the one process that holds the lock: how it is written, and follows the log.

What is written of a picture is what Postgres holds now, whatever the log's entry said: entries may come twice, late
or in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.core import changes
from app.core.database import Database
from app.core.errors import Unavailable
from app.embedding.records import ModelRow
from app.search import store_mirror
from app.search.qdrant import Qdrant
from app.search.records_mirror import MirrorState

PAGE = 1024
"""Pictures read and written together: 0.8 MB of vectors at 384 dimensions, 7 MB while they are JSON."""


class LogPruned(Unavailable):
    """The log no longer reaches back to where the copy stands: only filling it anew helps."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One gallery's copy. Its names begin with `prefix`: several galleries may share a server."""

    db: Database
    qdrant: Qdrant
    prefix: str

    async def read(self) -> MirrorState:
        """What was kept last."""
        async with self.db.transaction() as conn:
            return await store_mirror.read_state(conn)

    async def keep(self, state: MirrorState) -> MirrorState:
        """Remember; returns what it was given."""
        async with self.db.transaction() as conn:
            await store_mirror.write_state(conn, state)
        return state

    async def model_of(self, state: MirrorState) -> ModelRow | None:
        """The model whose vectors the copy holds, if the gallery still knows it."""
        async with self.db.transaction() as conn:
            return await store_mirror.find_model(conn, state.identity)

    async def write(self, collection: str, model: ModelRow, image_ids: Sequence[int]) -> None:
        """Bring these pictures' points to what Postgres holds now: written, or deleted."""
        for start in range(0, len(image_ids), PAGE):
            ids = image_ids[start : start + PAGE]
            async with self.db.transaction() as conn:
                points = await store_mirror.list_points(conn, model.id, ids)
            await self.qdrant.put(collection, points, model.dim)
            await self.qdrant.delete(collection, sorted(set(ids) - {point.image_id for point in points}))

    async def apply(self, collection: str, model: ModelRow, position: int) -> int:
        """Write what the next entries of the log touched. Returns the position after them, the same if there were
        none. Raises LogPruned."""
        async with self.db.snapshot() as conn:
            if position < await changes.pruned_to(conn):
                raise LogPruned("the change log no longer reaches back to the mirror: it is being filled again")
            entries = await changes.list_after(conn, position)
        touched = {one.image_id for one in entries if one.model_id in (None, model.id)}
        await self.write(collection, model, sorted(touched))
        return entries[-1].seq if entries else position

    async def follow(self, model: ModelRow, state: MirrorState) -> MirrorState:
        """Apply the log to its end. Raises LogPruned."""
        while (position := await self.apply(state.collection, model, state.position)) != state.position:
            state = await self.keep(replace(state, position=position, error="", seen_at=datetime.now(UTC)))
        return state
