"""Which pictures carry which label: bitmaps of the labels that are searched by, kept current from the log."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from app.core.changes import Entry
from app.core.database import Connection, Database
from app.search import store
from app.search.index.bitmaps import Bitmap

MAX_LABELS = 1000
"""Labels kept; the one not asked for the longest goes first. At most 125 MB at a million pictures."""

TOUCHING = ("embedded", "labelled")
"""Kinds of entries that may change a bitmap: a new picture has its labels before its embedding, and no other entry."""


class Labels:
    """Bitmaps of picture ids by label, as of `position` in the log; a label is loaded when it is first asked for.

    Pictures in the trash are in: who may find what is decided elsewhere.
    """

    def __init__(self, position: int) -> None:
        self.position = position
        self._bitmaps: OrderedDict[str, Bitmap] = OrderedDict()
        # A bitmap that is loading while the log goes on would miss what the log tells meanwhile.
        self._changing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._bitmaps)

    async def get(self, db: Database, label: str) -> Bitmap:
        """The pictures that carry `label`; not to be changed."""
        if label not in self._bitmaps:
            await self._load(db, label)
        self._bitmaps.move_to_end(label)
        return self._bitmaps[label]

    async def apply(self, conn: Connection, entries: Sequence[Entry]) -> None:
        """Follow the log: the labels that the touched pictures have now, for the labels that are kept.

        Entries may be older than what is read: each later change has an entry of its own.
        """
        async with self._changing:
            touched = {entry.image_id for entry in entries if entry.seq > self.position and entry.kind in TOUCHING}
            if touched and self._bitmaps:
                carried = await store.list_carried(conn, sorted(touched), list(self._bitmaps))
                for label, bitmap in self._bitmaps.items():
                    carriers = carried.get(label, [])
                    bitmap.discard(touched.difference(carriers))
                    bitmap.add(carriers)
            if entries:
                self.position = max(self.position, entries[-1].seq)

    async def _load(self, db: Database, label: str) -> None:
        async with self._changing:
            if label in self._bitmaps:
                return
            async with db.transaction() as conn:
                # Newer than `position`: what the log tells of the time between is applied once more, to no effect.
                ids = await store.list_labelled(conn, label)
            self._bitmaps[label] = Bitmap.from_ids(ids)
            if len(self._bitmaps) > MAX_LABELS:
                self._bitmaps.popitem(last=False)
