"""Index: what a process searches, a published main index with the live changes since."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from app.search.index import planner
from app.search.index.bitmaps import Bitmap, IdsLike, as_ids
from app.search.index.delta import Delta
from app.search.index.files import Manifest, open_published
from app.search.index.main import MainIndex
from app.search.index.planner import Neighbours, View
from app.search.index.vectors import Vectors, check_query, check_vectors


@dataclass(frozen=True, slots=True)
class Stats:
    """What an index holds. `count` = `main_count` - `tombstones` + `delta_count`."""

    count: int
    main_count: int
    delta_count: int
    tombstones: int
    nlist: int
    nprobe: int
    kind: Literal["exact", "ivf"]
    size_bytes: int
    is_locked: bool


class Index:
    """A mapped main index, the fresh vectors beside it, and the ids taken out of it.

    Searches take no lock and run in any number of threads; each sees one moment, never half of a change.
    """

    def __init__(self, dim: int, main: MainIndex | None = None, manifest: Manifest | None = None) -> None:
        """Use `open` or `empty`."""
        self.dim = dim
        self.manifest = manifest
        """The manifest of the main index; None when there is none."""
        self._rotation = None if main is None else main.rotation
        self._delta = Delta(dim, None if main is None or main.is_exact else main.cells)
        self._writing = threading.Lock()
        alive = Bitmap() if main is None else main.present
        self._view = View(main, alive, alive.count(), self._delta.view())

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The version published in `directory`. Raises IndexDamaged when it cannot be trusted."""
        main, manifest = open_published(directory)
        return cls(manifest.dim, main, manifest)

    @classmethod
    def empty(cls, dim: int) -> Self:
        """An index of nothing yet, for vectors of length `dim`."""
        return cls(dim)

    @property
    def count(self) -> int:
        """How many vectors can be found."""
        return self._view.count

    @property
    def stats(self) -> Stats:
        view = self._view
        main_count = view.main.count if view.main else 0
        file_bytes = self.manifest.size_bytes if self.manifest else 0
        return Stats(
            count=view.count,
            main_count=main_count,
            delta_count=view.delta.count,
            tombstones=main_count - view.alive_count,
            nlist=view.main.nlist if view.main else 1,
            nprobe=self.manifest.nprobe if self.manifest else 1,
            kind="exact" if view.main is None or view.main.is_exact else "ivf",
            size_bytes=file_bytes + view.delta.vectors.nbytes,
            is_locked=view.main is None or view.main.is_locked,
        )

    def search(
        self,
        query: NDArray[np.floating[Any]],
        k: int,
        allowed: Bitmap | None = None,
        *,
        exact: bool = False,
    ) -> Neighbours:
        """The `k` nearest to `query` [dim] among `allowed` (all, when None), best first.

        Fewer than k only when no more are allowed; ties in the order of their ids. With `exact` every allowed
        vector is compared (0.5 s for a million), to measure the others by. Raises ValueError for a k
        below 1 and a query that has another length, is not L2-normalised, or holds NaN.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}.")
        checked = check_query(query, self.dim)
        if self._rotation is not None:
            checked = self._rotation.query(checked)
        view = self._view
        return planner.search(view, checked, min(k, max(view.count, 1)), allowed, exact=exact)

    def add(self, ids: IdsLike, vectors: NDArray[np.floating[Any]]) -> None:
        """Adds `vectors` [n, dim], L2-normalised; an id that is there already gets the new vector.

        Found by every search that begins after it returns. Raises ValueError, and changes nothing, for ids or
        vectors that are not in order.
        """
        checked_ids, checked = check_vectors(ids, vectors, self.dim)
        if self._rotation is not None:
            checked = self._rotation.forward(checked)
        with self._writing:
            self._delta.add(checked_ids, checked)
            self._publish_without(checked_ids)

    def remove(self, ids: IdsLike) -> None:
        """Takes `ids` out; no search that begins after it returns finds them. Unknown ids are passed over."""
        checked_ids = as_ids(ids)
        with self._writing:
            self._delta.remove(checked_ids)
            self._publish_without(checked_ids)

    def vectors(self, ids: IdsLike) -> Vectors:
        """The stored vectors of `ids`: float32 [n, dim]. Raises KeyError with the first id not there."""
        with self._writing:
            found = [self._vector(image_id) for image_id in as_ids(ids).tolist()]
        vectors = np.stack(found) if found else np.empty((0, self.dim), np.float32)
        return vectors if self._rotation is None else self._rotation.back(vectors)

    def __contains__(self, image_id: int) -> bool:
        with self._writing:
            return self._delta.vector(image_id) is not None or image_id in self._view.alive

    def _vector(self, image_id: int) -> Vectors:
        fresh = self._delta.vector(image_id)
        if fresh is not None:
            return fresh
        if self._view.main is None or image_id not in self._view.alive:
            raise KeyError(image_id)
        return self._view.main.vectors(np.array([image_id]))[0]

    def _publish_without(self, ids: NDArray[np.int64]) -> None:
        """Lets searches see the delta as it is now, and `ids` of the main index no more, in one step."""
        view = self._view
        alive, alive_count = view.alive, view.alive_count
        if alive.mask(ids).any():
            alive = alive.copy()  # searches under way keep the old one
            alive.discard(ids)
            alive_count = alive.count()
        self._view = View(view.main, alive, alive_count, self._delta.view())
