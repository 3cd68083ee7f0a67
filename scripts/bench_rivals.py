"""The other indexes of the field, behind one door: built, sized, and searched at each of their settings."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from app.search.index import tuning
from scripts.bench_vectors import Floats, K, cached

_faiss: Any = faiss
Search = Callable[[Floats], NDArray[np.int64]]
"""The ids found for a query [dim]."""

HNSW_LINKS, HNSW_EF_CONSTRUCTION = 16, 200


@dataclass(frozen=True, slots=True)
class Rival:
    """A built index. `at(setting)` is its search; `build_s` is None when it was read from the cache."""

    name: str
    settings: Sequence[int]
    at: Callable[[int], Search]
    build_s: float | None
    size_bytes: int


def exact(vectors: Floats) -> Rival:
    """FAISS Flat."""
    index = _faiss.IndexFlatIP(vectors.shape[1])
    started = time.perf_counter()
    index.add(vectors)
    build_s = time.perf_counter() - started
    return Rival(
        "FAISS Flat (exact)", [0], lambda _: lambda query: index.search(query[None], K)[1][0], build_s, vectors.nbytes
    )


def plain_ivf(vectors: Floats) -> Rival:
    """FAISS IVF-Flat with a fixed nprobe, of as many cells as ours, trained alike."""
    dim, nlist = vectors.shape[1], max(2, tuning.nlist_for(len(vectors)))
    started = time.perf_counter()
    index = _faiss.IndexIVFFlat(_faiss.IndexFlatIP(dim), dim, nlist, _faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical, index.cp.use_super_kmeans = True, True
    index.cp.max_points_per_centroid = tuning.TRAINING_ROWS_PER_CELL
    drawn = np.random.default_rng(1).choice(
        len(vectors), min(len(vectors), nlist * tuning.TRAINING_ROWS_PER_CELL), False
    )
    index.train(vectors[drawn])
    index.add(vectors)
    build_s = time.perf_counter() - started

    def at(nprobe: int) -> Search:
        params = _faiss.SearchParametersIVF(nprobe=nprobe)
        return lambda query: index.search(query[None], K, params=params)[1][0]

    settings = [nprobe for nprobe in (8, 16, 32, 64, 128, 256, 512) if nprobe <= nlist]
    return Rival("FAISS IVF-Flat", settings, at, build_s, vectors.nbytes + 8 * len(vectors))


def hnswlib(vectors: Floats, cache: Path, **source: Any) -> Rival:
    """hnswlib, M 16, efConstruction 200; kept in `cache`, as it takes ten minutes at a million."""
    library: Any = import_module("hnswlib")  # may not be installed

    build_s = None
    index: Any = library.Index("ip", vectors.shape[1])
    file = cached(cache, "hnswlib", **source, links=HNSW_LINKS, ef=HNSW_EF_CONSTRUCTION)
    if file.exists():
        index.load_index(str(file))
    else:
        index.init_index(len(vectors), M=HNSW_LINKS, ef_construction=HNSW_EF_CONSTRUCTION, random_seed=1)
        started = time.perf_counter()
        index.add_items(vectors, np.arange(len(vectors)))
        build_s = time.perf_counter() - started
        index.save_index(str(file))
    index.set_num_threads(1)

    def at(ef: int) -> Search:
        def search(query: Floats) -> NDArray[np.int64]:
            index.set_ef(ef)
            return index.knn_query(query[None], K)[0][0].astype(np.int64)

        return search

    return Rival("hnswlib", [24, 32, 48, 64, 96, 128, 192, 256], at, build_s, file.stat().st_size)


def qdrant(vectors: Floats, cache: Path, **source: Any) -> Rival:
    """Qdrant's own engine in this process (qdrant-edge), with its defaults: m 16, ef_construct 100."""
    edge: Any = import_module("qdrant_edge")  # may not be installed

    folder = cached(cache, "qdrant", **source)
    build_s = None
    params = edge.EdgeVectorParams(vectors.shape[1], edge.Distance.Dot)
    if folder.exists():
        shard = edge.EdgeShard.load(str(folder))
    else:
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        started = time.perf_counter()
        shard = edge.EdgeShard.create(str(partial), edge.EdgeConfig(params))
        for start in range(0, len(vectors), 1_000):
            points = [edge.Point(start + row, one.tolist()) for row, one in enumerate(vectors[start : start + 1_000])]
            shard.update(edge.UpdateOperation.upsert_points(points))
        shard.optimize()
        build_s = time.perf_counter() - started
        shard.close()
        partial.rename(folder)
        shard = edge.EdgeShard.load(str(folder))

    def at(ef: int) -> Search:
        params = edge.SearchParams(hnsw_ef=ef)

        def search(query: Floats) -> NDArray[np.int64]:
            asked = edge.SearchRequest(edge.Query.Nearest(query.tolist()), K, params=params)
            return np.array([point.id for point in shard.search(asked)], np.int64)

        return search

    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Rival("Qdrant in-process", [32, 64, 128, 256], at, build_s, size)
