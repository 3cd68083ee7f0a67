"""The way out of the trash."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts.records import Viewer
from app.collections import service as collections
from app.core.changes import Change
from app.core.database import Connection
from app.images import store_adding, store_batch


@dataclass(frozen=True, slots=True)
class Restored:
    """The pictures that came out, those that could not (the same bytes stand where they would go), and the log."""

    done: tuple[int, ...]
    stuck: tuple[int, ...]
    log: tuple[Change, ...]


async def restore(conn: Connection, viewer: Viewer, image_ids: Sequence[int]) -> Restored:
    """Take those of these pictures that lie in the viewer's trash out of it, in the caller's transaction.

    One whose collections were all deleted goes to "My pictures". The caller has locked the pictures, and tells the log.
    """
    trashed = await store_batch.list_own_trashed(conn, viewer.account_id or 0, image_ids)
    log: list[Change] = []
    homeless = [image_id for image_id, stands in trashed if not stands]
    joined: set[int] = set()
    if homeless:
        home = await collections.ensure(conn, viewer, collections.OWN_DEFAULT)
        joined.update(await store_adding.insert_standings(conn, home.id, homeless))
        log += [Change("joined", image_id, home.id) for image_id in sorted(joined)]
    housed = [image_id for image_id, stands in trashed if stands or image_id in joined]
    done = await store_adding.restore(conn, housed)
    log += [Change("restored", image_id) for image_id in done]
    return Restored(tuple(done), tuple(one for one in homeless if one not in joined), tuple(log))
