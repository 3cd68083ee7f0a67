"""A grouping is made, by the worker."""

import asyncio
from collections import defaultdict

from app.core import jobs
from app.core.database import Database
from app.core.errors import Conflict
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.explore import store
from app.explore.records import NewGroup
from app.explore.service import MAX_PICTURES


async def run(db: Database, grouping_id: int, job_id: int) -> None:
    """Group the pictures as they stand now. One that was replaced ends as cancelled.

    Raises Conflict where fewer pictures are left than groups were asked for.
    """
    from app.explore import grouping  # scikit-learn takes 0.8 s and 93 MB: only where pictures are grouped

    async with jobs.running(db, job_id) as report:
        model = await embedding.active_model(db)
        async with db.transaction() as conn:
            made = await store.lock_grouping(conn, grouping_id)
            if made is None:
                raise jobs.JobCancelled
            if made.pictures:  # a worker died between the end of this and the queue's knowing
                return
            if model is None:
                raise Conflict("no model answers searches: pictures cannot be compared")
            listed = await store.list_embedded(conn, made.collection_id, model.id, MAX_PICTURES)
            ids, embeddings = await embedding_store.list_embeddings(conn, model.id, model.dim, listed)
        if len(ids) < made.groups:
            raise Conflict(f"{len(ids)} pictures are left, which cannot be {made.groups} groups")
        await report.advance(0, total=len(ids))
        groups, silhouette = await asyncio.to_thread(grouping.group, ids, embeddings, made.groups, made.seed)
        async with db.transaction() as conn:
            if await store.lock_grouping(conn, grouping_id) is None:
                raise jobs.JobCancelled
            labels: defaultdict[int, list[str]] = defaultdict(list)
            for image_id, label in await store.list_labels(conn, listed):
                labels[image_id].append(label)
            new = [NewGroup(grouping.name_of(one, labels), one) for one in groups]
            await store.finish_grouping(conn, grouping_id, model.name, silhouette, new)
        report.outcome = f"{len(new)} groups of {len(ids)} pictures"
