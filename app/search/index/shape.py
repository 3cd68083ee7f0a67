"""Shape: what an index is made of before a vector is in it."""

from dataclasses import dataclass

from app.search.index.layout import Layout
from app.search.index.rotation import Rotation
from app.search.index.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Shape:
    """Layout, rotation and centroids (float32 [nlist, dim], turned); another index of like vectors may use it again."""

    layout: Layout
    rotation: Rotation | None
    centroids: Vectors
