"""What the engine is tested on: vectors in clusters, and versions published over them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.search.index import Ids, Vectors, build, publish
from app.search.index.ivf import LayoutChoice

DIM = 32
DEEP = 96


@dataclass(frozen=True, slots=True)
class Gallery:
    """A published version with the vectors that went into it."""

    directory: Path
    ids: Ids
    vectors: Vectors


def clustered(n: int, *, seed: int = 0, dim: int = DIM) -> Vectors:
    """`n` L2-normalised vectors [n, dim] around 40 centres that stay the same for every seed."""
    centres = np.random.default_rng(7).normal(size=(40, dim))
    rng = np.random.default_rng(seed)
    rows = centres[rng.integers(len(centres), size=n)] + 0.5 * rng.normal(size=(n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def publish_gallery(
    directory: Path, ids: Ids, vectors: Vectors, *, exact_below: int, layout: LayoutChoice = "auto"
) -> Gallery:
    dim = vectors.shape[1]
    built = build(lambda: [(ids, vectors)], dim=dim, n=len(ids), exact_below=exact_below, layout=layout)
    publish(built, directory, seq=17, model_identity="baseline@1")
    return Gallery(directory, ids, vectors)
