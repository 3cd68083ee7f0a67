"""How many pictures there are to see, and by which labels they can be narrowed."""

from dataclasses import dataclass, replace

from app.accounts.records import Viewer
from app.core.database import Database
from app.images import store_counts
from app.images.records import Filters, LabelCount

LABELS_SHOWN = 40
MAX_COUNTED = 1000
"""Pictures counted for a page whose filters look at pictures themselves (words, days, shape, size, format)."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What a list can be narrowed by, and how many pictures it has.

    Not `complete`: there are more than `total` pictures, and the labels are those of the newest ones.
    """

    total: int
    labels: list[LabelCount]
    complete: bool = True


async def facets(db: Database, viewer: Viewer, filters: Filters) -> Facets:
    """How many pictures match, and the labels among those that match but for their label."""
    async with db.transaction() as conn:
        if not filters.by_picture:
            total = await store_counts.count_visible(conn, viewer, filters)
            return Facets(total, await store_counts.list_labels(conn, viewer, filters.collection_id, LABELS_SHOWN))
        counted = (MAX_COUNTED + 1, LABELS_SHOWN)
        total, labels = await store_counts.count_newest_matching(conn, viewer, filters, *counted)
        others = total
        if filters.label is not None:
            unlabelled = replace(filters, label=None)
            others, labels = await store_counts.count_newest_matching(conn, viewer, unlabelled, *counted)
    return Facets(min(total, MAX_COUNTED), labels, max(total, others) <= MAX_COUNTED)


async def count_all(db: Database, viewer: Viewer, filters: Filters) -> int:
    """How many pictures the viewer may see, of one collection or label if named."""
    async with db.transaction() as conn:
        return await store_counts.count_visible(conn, viewer, filters)


async def list_labels(
    db: Database, viewer: Viewer, filters: Filters, *, prefix: str = "", limit: int = LABELS_SHOWN
) -> list[LabelCount]:
    """The most frequent labels among the visible pictures that match, of those that begin with `prefix`."""
    async with db.transaction() as conn:
        if filters == Filters(filters.collection_id):
            return await store_counts.list_labels(conn, viewer, filters.collection_id, limit, prefix)
        return await store_counts.list_matching_labels(conn, viewer, filters, limit, prefix)


async def fold_counts(db: Database) -> None:
    """Put together what was appended to the tally, so that few rows are to be added up."""
    async with db.transaction() as conn:
        await store_counts.fold_tally(conn)
