"""A measurement: the index in force, asked with stored pictures, against exact search over the stored vectors."""

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core import changes
from app.core.database import Database
from app.core.settings import Settings
from app.embedding import store as embedding_store
from app.embedding.records import ModelRow
from app.embedding.store_export import export
from app.search import store_recall
from app.search.index.engine import Index
from app.search.index.swig import faiss
from app.search.records import IndexVersion, Measurement, Recall, RecallSample, Subject
from app.search.searcher import follow, version_dir

K = 10
ALL_QUERIES = 200
NEWEST_QUERIES = 200
COLLECTION_QUERIES = 100
COLLECTION_FROM = 1_000
MAX_COLLECTIONS = 20
"""A sample of the whole hides a part of another domain, so each large collection has queries of its own: with 20 of
them there are 2,400, whose exact answers among 1M vectors of 384 numbers are 0.9 TFLOP."""

EXACT_TIMED = 5
TIE = 1e-5  # FAISS sums in another order than the index: a score so near to the k-th is as good


@dataclass(frozen=True, slots=True)
class _Group:
    """Stored pictures that are searched with: of the whole gallery, its newest, or one collection."""

    subject: Subject
    collection_id: int | None
    collection: str | None
    image_ids: list[int]


@dataclass(frozen=True, slots=True)
class _Truth:
    """The database at `seq`: its picture ids int64 [n], and the score of each query's k-th neighbour float32 [q]."""

    seq: int
    living: NDArray[np.int64]
    thresholds: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Answers:
    """How many of each query's k neighbours were found, int64 [q], and how long the searches took."""

    hits: NDArray[np.int64]
    took_ms: NDArray[np.float64]
    exact_ms: float


async def measure(db: Database, settings: Settings, model: ModelRow, active: IndexVersion) -> Measurement:
    """This version of the model's index, followed up to now, against exact search over the stored vectors.

    Raises IndexDamaged when it cannot be opened.
    """
    index = await asyncio.to_thread(Index.open, version_dir(settings.indexes_dir, active.id))
    groups = await _choose(db, model)
    chosen = sorted({image_id for group in groups for image_id in group.image_ids})
    async with db.transaction() as conn:
        ids, queries = await embedding_store.list_embeddings(conn, model.id, model.dim, chosen)
    truth = await asyncio.to_thread(_exact, db.conninfo, model, ids, queries)
    moving = await _catch_up(db, index, model, active.seq, truth.seq)
    answers = await asyncio.to_thread(_ask, index, ids, queries, truth)
    indexed = await asyncio.to_thread(_all_ids, index)
    samples = [_sample(group, ids, answers, active, len(truth.living)) for group in groups]
    return Measurement(
        indexed=len(indexed),
        living=len(truth.living),
        missing=_without(np.setdiff1d(truth.living, indexed), moving),
        surplus=_without(np.setdiff1d(indexed, truth.living), moving),
        recalls=[_recall(group, sample) for group, sample in zip(groups, samples, strict=True)],
        samples=samples,
        p50_ms=float(np.percentile(answers.took_ms, 50)) if len(ids) else 0.0,
        p99_ms=float(np.percentile(answers.took_ms, 99)) if len(ids) else 0.0,
        exact_ms=answers.exact_ms,
    )


async def _choose(db: Database, model: ModelRow) -> list[_Group]:
    async with db.transaction() as conn:
        groups = [
            _Group("all", None, None, await store_recall.draw_embedded(conn, model.id, ALL_QUERIES)),
            _Group("newest", None, None, await store_recall.list_newest_embedded(conn, model.id, NEWEST_QUERIES)),
        ]
        for collection_id, name in await store_recall.list_large_collections(conn, COLLECTION_FROM, MAX_COLLECTIONS):
            drawn = await store_recall.draw_embedded(conn, model.id, COLLECTION_QUERIES, collection_id)
            groups.append(_Group("collection", collection_id, name, drawn))
    return [group for group in groups if group.image_ids]


def _exact(conninfo: str, model: ModelRow, ids: NDArray[np.int64], queries: NDArray[np.float32]) -> _Truth:
    """Runs in a thread: one pass over all stored vectors."""
    best = faiss.ResultHeap(len(ids), K + 1, keep_max=True)
    seen: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    with export(conninfo, model.id, model.dim) as snapshot:
        for chunk_ids, vectors in snapshot.chunks():
            seen.append(chunk_ids)
            if len(ids):
                k = min(K + 1, len(chunk_ids))
                scores, rows = faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
                best.add_result(scores, chunk_ids[rows])
        seq = snapshot.seq
    best.finalize()
    living = np.concatenate(seen)
    others = np.sort(np.where(ids[:, None] == best.I, -np.inf, best.D), axis=1)[:, ::-1]
    wanted = _wanted(living)
    return _Truth(seq, living, others[:, wanted - 1] if wanted else np.empty(0, np.float32))


def _ask(index: Index, ids: NDArray[np.int64], queries: NDArray[np.float32], truth: _Truth) -> _Answers:
    """Runs in a thread: each query as a search, itself left out of what it finds."""
    wanted = _wanted(truth.living)
    hits = np.zeros(len(ids), np.int64)
    took_ms = np.zeros(len(ids))
    for place, (image_id, query) in enumerate(zip(ids, queries, strict=True)):
        started = time.perf_counter()
        found = index.search(query, K + 1)
        took_ms[place] = (time.perf_counter() - started) * 1000
        if wanted:
            good = (found.scores >= truth.thresholds[place] - TIE) & (found.ids != image_id)
            hits[place] = min(wanted, int(good.sum()))
    started = time.perf_counter()
    for query in queries[:EXACT_TIMED]:
        index.search(query, K + 1, exact=True)
    exact_ms = (time.perf_counter() - started) * 1000 / max(1, min(len(queries), EXACT_TIMED))
    return _Answers(hits, took_ms, exact_ms)


def _sample(
    group: _Group, ids: NDArray[np.int64], answers: _Answers, version: IndexVersion, living: int
) -> RecallSample:
    own = np.isin(ids, group.image_ids)  # a picture that was trashed since it was chosen is not among them
    wanted = min(K, max(living - 1, 0))
    return RecallSample(
        model_id=version.model_id,
        version_id=version.id,
        subject=group.subject,
        collection_id=group.collection_id,
        queries=max(1, int(own.sum())),
        k=K,
        eligible=living,
        total=living,
        recall=float(answers.hits[own].mean() / wanted) if own.any() and wanted else 1.0,
        took_ms=float(answers.took_ms[own].mean()) if own.any() else 0.0,
        exact_ms=answers.exact_ms,
    )


def _recall(group: _Group, sample: RecallSample) -> Recall:
    return Recall(
        sample.version_id,
        sample.subject,
        group.collection,
        sample.queries,
        sample.recall,
        sample.took_ms,
        sample.exact_ms,
    )


async def _catch_up(db: Database, index: Index, model: ModelRow, start: int, seq: int) -> set[int]:
    """Let the index follow the log to its end. Returns the pictures that changed behind `seq`, which may differ."""
    position, moving = start, set[int]()
    while True:
        async with db.transaction() as conn:
            entries = await changes.list_after(conn, position)
            await follow(conn, index, model, entries)
        if not entries:
            return moving
        position = entries[-1].seq
        moving |= {entry.image_id for entry in entries if entry.seq > seq}


def _all_ids(index: Index) -> NDArray[np.int64]:
    """Every id there is: the exact answer to any question for as many as there are."""
    if not index.count:
        return np.empty(0, np.int64)
    anything = np.zeros(index.dim, np.float32)
    anything[0] = 1
    return index.search(anything, index.count, exact=True).ids


def _wanted(living: NDArray[np.int64]) -> int:
    """How many neighbours a stored picture can have, K at most."""
    return min(K, max(len(living) - 1, 0))


def _without(ids: NDArray[np.int64], moving: set[int]) -> list[int]:
    return [image_id for image_id in ids.tolist() if image_id not in moving]
