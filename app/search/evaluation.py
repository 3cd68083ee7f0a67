"""Quick evaluation: does likeness follow the labels? True labels, the query left out."""

import asyncio
from dataclasses import dataclass

import numpy as np

from app.core.database import Database
from app.core.errors import Conflict, Unavailable
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.search import store_evaluation as store
from ml.evaluation.metrics import precision_at_k

K = 5
MIN_PICTURES = 10


@dataclass(frozen=True, slots=True)
class Score:
    """P@5 and R@5 over the labelled pictures of a collection, or of one of its groups.

    A group is a second label (the folder above a class folder): its pictures are judged among themselves.
    """

    collection: str
    group: str | None
    pictures: int
    labels: int
    queries: int
    p_at_5: float
    r_at_5: float
    r_at_5_ceiling: float
    chance: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores by one model."""

    model: str
    scores: list[Score]


async def evaluate_quick(db: Database, collection_id: int | None, group: str | None) -> Evaluation:
    """Score each collection (or one) and its groups by the active model's stored embeddings.

    Raises Unavailable without a model, Conflict when no two pictures share a label.
    """
    model = await embedding.active_model(db)
    if model is None:
        raise Unavailable("no model is active yet: start the gallery or import pictures first")
    async with db.transaction() as conn:
        sets = await store.list_sets(conn, collection_id, group)
    scores: list[Score] = []
    for one in sets:
        async with db.transaction() as conn:
            labelled = await store.list_labelled(conn, one.collection_id, one.group)
            ids, vectors = await embedding_store.list_embeddings(
                conn, model.id, model.dim, [image_id for image_id, _ in labelled]
            )
        by_id = dict(labelled)
        labels = [by_id[image_id] for image_id in ids.tolist()]
        if len(labels) >= MIN_PICTURES and len(labels) > len(set(labels)) > 1:
            scores.append(await asyncio.to_thread(_score, one, vectors, labels))
    if not scores:
        raise Conflict(
            "there is nothing to evaluate: it takes embedded pictures that share labels",
            hint="import with --labels-from, and wait until all are embedded",
        )
    return Evaluation(model.name, scores)


def _score(one: store.LabelledSet, vectors: np.ndarray, labels: list[str]) -> Score:
    found = precision_at_k(vectors, labels, K)
    _, sizes = np.unique(labels, return_counts=True)
    # What a random order would reach: the share of the query's own label among the others.
    chance = float((sizes * (sizes - 1)).sum() / (len(labels) * (len(labels) - 1)))
    return Score(
        collection=one.collection,
        group=one.group,
        pictures=len(labels),
        labels=len(sizes),
        queries=found.queries,
        p_at_5=round(found.p_at_k, 4),
        r_at_5=round(found.r_at_k, 4),
        r_at_5_ceiling=round(found.r_at_k_ceiling, 4),
        chance=round(chance, 4),
    )
