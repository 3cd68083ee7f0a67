"""Embeddings that can be worked by hand: points on a circle, by their angles."""

import numpy as np
from numpy.typing import NDArray


def on_circle(*degrees: float) -> NDArray[np.float32]:
    """One embedding `[2]` for each angle; the nearer two angles, the higher their cosine."""
    angles = np.radians(np.array(degrees))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def some_embeddings(count: int, dim: int = 8, seed: int = 0) -> NDArray[np.float32]:
    """Of length 1, in no order."""
    embeddings = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
