"""Pictures to L2-normalised float32 `[n, d]`: the only place that normalises."""

import threading
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml import images
from ml.models.model import Model


class Embedder:
    """One model, fed in batches. Safe to share between threads: one batch runs at a time."""

    def __init__(self, model: Model, batch_size: int = 8) -> None:
        self.model = model
        self.batch_size = batch_size
        self._lock = threading.Lock()

    def embed(self, prepared: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Model inputs (of mixed shapes) to embeddings `[n, d]`, L2-normalised, in order.

        Raises ValueError naming the position of the first input that gives no direction (zero or not finite).
        """
        embeddings = np.empty((len(prepared), self.model.dim), np.float32)
        by_shape: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for position, array in enumerate(prepared):
            by_shape[array.shape].append(position)
        for positions in by_shape.values():
            for start in range(0, len(positions), self.batch_size):
                batch = positions[start : start + self.batch_size]
                with self._lock:
                    embeddings[batch] = self.model.forward([prepared[position] for position in batch])
        return _normalised(embeddings)

    def embed_bytes(self, data: bytes) -> NDArray[np.float32]:
        """One encoded picture, decoded in this process, to its embedding `[d]`. Raises PictureRefused."""
        preprocess = self.model.preprocess
        return self.embed([preprocess(images.load(data, target=preprocess.target))])[0]


def _normalised(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if bad.size:
        raise ValueError(f"the embedding at position {bad[0]} is zero or not finite")
    return embeddings / norms
