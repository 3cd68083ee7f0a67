"""Which pictures stand in which collection: one bitmap per collection, kept current from the log."""

from collections.abc import Iterable, Sequence

from app.core.changes import Entry
from app.search.index.bitmaps import Bitmap


class Memberships:
    """Bitmaps of picture ids by collection, as of `position` in the log."""

    def __init__(self, rows: Iterable[tuple[int, list[int]]], position: int) -> None:
        self.position = position
        self._bitmaps = {collection_id: Bitmap.from_ids(image_ids) for collection_id, image_ids in rows}

    def apply(self, entries: Sequence[Entry]) -> None:
        """Follow the log."""
        for entry in entries:
            if entry.seq <= self.position:
                continue
            if entry.collection_id is not None:
                bitmap = self._bitmaps.setdefault(entry.collection_id, Bitmap())
                if entry.kind == "joined":
                    bitmap.add([entry.image_id])
                elif entry.kind == "left":
                    bitmap.discard([entry.image_id])
            self.position = entry.seq

    def allowed(self, collection_ids: Iterable[int]) -> Bitmap:
        """The pictures that stand in any of these collections."""
        union = Bitmap()
        for collection_id in collection_ids:
            bitmap = self._bitmaps.get(collection_id)
            if bitmap is not None:
                union = union.union(bitmap)
        return union
