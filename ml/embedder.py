"""Pictures to L2-normalised float32 `[n, d]`: the only place that normalises."""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ml import images
from ml.models.model import Model, OutOfMemory

Array = NDArray[np.float32]
Input = NDArray[np.generic]

DISLIKED_SHARE = 0.25
"""With two liked pictures of a label and up to three wrong ones of the first ten disliked, P@5 of the others by
`baseline` was, at shares of 0, 0.15, 0.25, 0.5 and 1: Caltech-101 .61 .65 .65 .58 .25, clothing .57 .59 .59 .54 .29."""
LEAST_LENGTH = 1e-3


class NoDirection(ValueError):
    """Some embeddings are zero or not finite. `positions` are theirs; `embeddings` `[n, d]` holds the others."""

    def __init__(self, positions: list[int], embeddings: Array) -> None:
        super().__init__(f"the embedding at position {positions[0]} is zero or not finite")
        self.positions = positions
        self.embeddings = embeddings


class Embedder:
    """One model, fed in batches. Safe to share between threads: one batch runs at a time.

    Inputs of one shape go together, in batches of the model's own size or of `batch_size`; larger inputs in
    proportionally smaller ones. A batch that does not fit into memory is halved, and the size is remembered.
    """

    def __init__(self, model: Model, batch_size: int | None = None) -> None:
        self.model = model
        # Pixels that are computed at once; None until the model has been asked.
        self._budget = None if batch_size is None else batch_size * model.spec.input_size**2
        self._lock = threading.Lock()
        self._used = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last batch; 0 while one runs."""
        return 0.0 if self._lock.locked() else time.monotonic() - self._used

    def embed(self, prepared: Sequence[Input]) -> Array:
        """Model inputs (of mixed shapes) to embeddings `[n, d]`, L2-normalised, in order.

        A picture that came as windows is the mean of its windows' embeddings. Raises NoDirection when some input
        gives none (zero or not finite), OutOfMemory when a single one does not fit.
        """
        windows, counts = _as_windows(prepared)
        raw = np.empty((len(windows), self.model.dim), np.float32)
        for positions, rows in self._batches(windows, self.model.forward):
            raw[positions] = rows
        embeddings = _normalised(raw)
        if len(windows) != len(prepared):
            starts = np.cumsum([0, *counts[:-1]])
            # A window without direction, of a white margin, says nothing; the others still do.
            embeddings = _normalised(np.add.reduceat(np.nan_to_num(embeddings), starts, axis=0))
        bad = np.flatnonzero(np.isnan(embeddings).any(axis=1))
        if bad.size:
            raise NoDirection(bad.tolist(), embeddings)
        return embeddings

    def patch_tokens(self, prepared: Sequence[Input]) -> list[Array]:
        """Model inputs to the embeddings of their patches, row by row, each `[patches, width]`, L2-normalised.

        The patches of an input of h x w pixels stand h / patch to a column and w / patch to a row. A patch
        without direction is NaN. Raises ValueError for a picture in windows, NoPatches for a model without.
        """
        if any(array.ndim != 3 for array in prepared):
            raise ValueError("patches are those of one view: use the transform reference or fit")
        tokens: list[Array] = [np.empty(0, np.float32)] * len(prepared)
        for positions, rows in self._batches(prepared, self.model.patch_tokens):
            for position, row in zip(positions, rows, strict=True):
                tokens[position] = _normalised(row)
        return tokens

    def embed_bytes(self, data: bytes) -> Array:
        """One encoded picture, decoded in this process, to its embedding `[d]`. Raises PictureRefused."""
        preprocess = self.model.preprocess
        return self.embed([preprocess(images.load(data, resized_to=preprocess.size))])[0]

    def unload_if_idle(self, idle_s: float) -> bool:
        """Give the model's memory back after `idle_s` seconds without a batch. False when it is in use."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            # Asked with the lock held: a batch may have ended a moment ago.
            if time.monotonic() - self._used < idle_s:
                return False
            self.model.unload()
        finally:
            self._lock.release()
        return True

    def _batches(
        self, inputs: Sequence[Input], compute: Callable[[Sequence[Input]], Array]
    ) -> Iterator[tuple[list[int], Array]]:
        """(positions, what was computed for them), every input in one batch with others of its shape."""
        by_shape: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for position, array in enumerate(inputs):
            by_shape[array.shape].append(position)
        for shape, positions in by_shape.items():
            start = 0
            while start < len(positions):
                batch = positions[start : start + self._fitting(shape)]
                try:
                    with self._lock:
                        rows = compute([inputs[position] for position in batch])
                        self._used = time.monotonic()
                except OutOfMemory:
                    if len(batch) == 1:
                        raise
                    self._budget = len(batch) * self._cost(shape) // 2
                    continue
                yield batch, rows
                start += len(batch)

    def _fitting(self, shape: tuple[int, ...]) -> int:
        """How many inputs of this shape go into one batch."""
        if self._budget is None:
            self._budget = self.model.batch_size * self.model.spec.input_size**2
        return max(1, self._budget // self._cost(shape))

    def _cost(self, shape: tuple[int, ...]) -> int:
        """An input's pixels; a descriptor counts as a picture of the usual size."""
        return math.prod(shape[:2]) if len(shape) == 3 else self.model.spec.input_size**2


def combine(liked: Sequence[Array], disliked: Sequence[Array]) -> Array:
    """One query `[d]`, L2-normalised, from vectors `[d]` that it should be like and some that it should not.

    Rocchio's way (The SMART Retrieval System, 1971): the mean of the ones less a share of the mean of the others.
    Raises NoDirection when nothing is left, or a vector is not finite.
    """
    mean = np.mean(liked, axis=0)
    if len(disliked):
        mean = mean - DISLIKED_SHARE * np.mean(disliked, axis=0)
    combined = _normalised(mean[None].astype(np.float32))
    # Rounding leaves a little of vectors that cancel out: a direction that means nothing.
    if np.isnan(combined).any() or np.linalg.norm(mean) < LEAST_LENGTH * np.linalg.norm(liked, axis=-1).max():
        raise NoDirection([0], combined)
    return combined[0]


def _as_windows(prepared: Sequence[Input]) -> tuple[Sequence[Input], list[int]]:
    """Every window an input of its own, with the windows of each picture counted; as given where there are none."""
    if not any(array.ndim == 4 for array in prepared):
        return prepared, [1] * len(prepared)
    counts = [len(array) if array.ndim == 4 else 1 for array in prepared]
    windows = [window for array in prepared for window in (array if array.ndim == 4 else [array])]
    return windows, counts


def _normalised(embeddings: Array) -> Array:
    """Rows of length 1; NaN where a row has no direction."""
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    norms[~(np.isfinite(norms) & (norms > 0))] = np.nan
    return embeddings / norms
