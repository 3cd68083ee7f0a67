"""What one search may answer with: the permission rule and the filters, before any engine is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.accounts.records import Viewer
from app.collections import store as collection_store
from app.core.database import Connection
from app.images import store as image_store
from app.images.records import Filters
from app.search.index.bitmaps import Bitmap
from app.search.scope import Scope


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a viewer may find at all, and with the filters in force."""

    whole: Scope
    narrowed: Scope


async def resolve_scopes(conn: Connection, viewer: Viewer, filters: Filters, without: Sequence[int] = ()) -> Scopes:
    """What the viewer may find, and what the filters leave of it."""
    visible = await collection_store.list_visible_ids(conn, viewer)
    only = None
    if filters.by_picture:
        # A label is looked up elsewhere: where it is frequent its pictures need not be listed for each search.
        matching = await image_store.list_matching(conn, viewer, replace(filters, label=None))
        only = Bitmap.from_ids(matching)
    chosen = [one for one in visible if filters.collection_id in (None, one)]
    return Scopes(Scope(visible, without=without), Scope(chosen, filters.label, only, without))
