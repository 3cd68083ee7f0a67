"""The engine: vectors and ids, and nothing of users."""

from app.search.index.bitmaps import MAX_ID, Bitmap
from app.search.index.engine import Index, Stats
from app.search.index.files import IndexDamaged, Manifest, open_published, publish, remove_version
from app.search.index.ivf import BuiltIndex, build
from app.search.index.planner import Neighbours
from app.search.index.vectors import Chunk, Ids, Vectors

__all__ = [
    "MAX_ID",
    "Bitmap",
    "BuiltIndex",
    "Chunk",
    "Ids",
    "Index",
    "IndexDamaged",
    "Manifest",
    "Neighbours",
    "Stats",
    "Vectors",
    "build",
    "open_published",
    "publish",
    "remove_version",
]
