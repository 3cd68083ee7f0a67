"""Filling: all vectors of a model into a new collection, which then takes the place of the one before."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from app.core import changes
from app.embedding.records import ModelRow
from app.search import store_mirror
from app.search.mirror_copy import PAGE, Copy, LogPruned
from app.search.qdrant_errors import MirrorMissing
from app.search.records_mirror import Filling, MirrorState

log = structlog.get_logger()

GRACE_S = 5.0
"""The collection before is dropped so long after the switch: ten polls of the web processes that search in it."""


async def fill(copy: Copy, model: ModelRow, state: MirrorState) -> MirrorState:
    """Fill a collection, catch up, let the alias name it, drop the others. Goes on with one that was cut off.

    No snapshot is held: pictures are read page by page, and what changes meanwhile is in the log behind the
    position that was noted first. The collection in force is kept current all the while.
    """
    alias = f"{copy.prefix}_{model.identity[:12]}"
    filling = await _resumed(copy, model, state) or await _begun(copy, model, alias, state)
    while True:
        state = await _kept_current(copy, replace(state, filling=filling))
        async with copy.db.transaction() as conn:
            points = await store_mirror.list_points_after(conn, model.id, filling.last_id, PAGE)
        if not points:
            break
        await copy.qdrant.put(filling.collection, points, model.dim)
        filling = replace(filling, last_id=points[-1].image_id)
        state = await copy.keep(replace(state, filling=filling, error="", seen_at=datetime.now(UTC)))
    position = await _caught_up(copy, model, filling)
    await copy.qdrant.point_alias(alias, filling.collection)
    now = datetime.now(UTC)
    state = await copy.keep(
        MirrorState(model.identity, alias, filling.collection, position, filled_at=now, seen_at=now)
    )
    async with copy.db.transaction() as conn:
        await changes.wake(conn)  # whoever searches in the mirror learns the new names
    log.info("the mirror is filled", collection=filling.collection, model=model.name)
    await asyncio.sleep(GRACE_S)
    await _drop_others(copy, filling.collection)
    return state


async def _resumed(copy: Copy, model: ModelRow, state: MirrorState) -> Filling | None:
    """The collection that was cut off, if it is this model's, still there, and the log reaches back to its start."""
    filling = state.filling
    if filling is None or filling.identity != model.identity:
        return None
    async with copy.db.transaction() as conn:
        if filling.position < await changes.pruned_to(conn):
            return None
    try:
        await copy.qdrant.check(filling.collection, model.dim)
    except MirrorMissing:
        return None
    return filling


async def _begun(copy: Copy, model: ModelRow, alias: str, state: MirrorState) -> Filling:
    names = await copy.qdrant.list_collections(f"{copy.prefix}_")
    numbers = [int(found[1]) for name in names if (found := re.fullmatch(rf"{re.escape(alias)}_v(\d+)", name))]
    async with copy.db.transaction() as conn:
        position = await changes.position(conn)
    filling = Filling(model.identity, f"{alias}_v{max(numbers, default=0) + 1}", position)
    await _drop_others(copy, state.collection)
    log.info("the mirror is being filled", collection=filling.collection, model=model.name)
    await copy.qdrant.create(filling.collection, model.dim)
    return filling


async def _kept_current(copy: Copy, state: MirrorState) -> MirrorState:
    """The collection in force follows the log while another one is filled, as far as the log reaches."""
    state = await copy.keep(state)
    model = await copy.model_of(state)
    if model is None or not state.collection:
        return state
    try:
        return await copy.follow(model, state)
    except LogPruned:
        return state


async def _caught_up(copy: Copy, model: ModelRow, filling: Filling) -> int:
    """The position that the filled collection reached. Raises LogPruned when it has to begin again."""
    position = filling.position
    while (reached := await copy.apply(filling.collection, model, position)) != position:
        position = reached
    return position


async def _drop_others(copy: Copy, kept: str) -> None:
    for name in await copy.qdrant.list_collections(f"{copy.prefix}_"):
        if name != kept:
            await copy.qdrant.drop(name)
