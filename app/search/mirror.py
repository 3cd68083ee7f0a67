"""The mirror: a follower of the log that keeps a copy of the vectors in Qdrant. Search never waits for it.

Each round holds a lock, so those of several processes take turns. The log is not held back for it: when the log no
longer reaches back to its position, or another model is in force, a collection is filled anew.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import structlog

from app.core import changes
from app.core import state as settings_table
from app.core.database import Database
from app.core.errors import AppError, Conflict, Unavailable
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding.records import ModelRow
from app.search import store_mirror
from app.search.mirror_copy import Copy, LogPruned
from app.search.mirror_filling import fill
from app.search.qdrant import connected
from app.search.qdrant_errors import MirrorError, MirrorMissing
from app.search.reconcile import compare
from app.search.records_mirror import MirrorState, Reconciled

log = structlog.get_logger()

POLL_S = 0.5
RETRY_S = 5.0
LOCK_WAIT_S = 15.0
CHECK = timedelta(seconds=30)
COUNT = timedelta(minutes=10)
COUNTED_PER_S = 20_000
"""Pictures counted in a second, on average: counting scans all, 0.08 s for 100,000 here, so 1.6 % of a core at most."""
RECONCILE = timedelta(days=1)


async def run(db: Database, settings: Settings) -> None:
    """Follow until cancelled; a server that goes away, Postgres or Qdrant, is waited for."""
    told = ""
    while True:
        try:
            async with connected(settings) as qdrant, db.session() as conn:
                await changes.listen(conn)
                while True:
                    async with store_mirror.locked(conn) as got:
                        if got:
                            await _round(Copy(db, qdrant, await _prefix(db)))
                    if told:
                        log.info("the mirror follows again")
                        told = ""
                    async for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                        pass
        except (AppError, psycopg.Error) as error:
            if str(error) != told:
                told = str(error)
                log.warning("the mirror cannot follow the log", reason=told)
            await asyncio.sleep(RETRY_S)


async def sync(db: Database, settings: Settings, *, afresh: bool = False) -> MirrorState:
    """Bring the mirror up to date now, `afresh` in a new collection, and count it.

    Raises MirrorError, Unavailable without a model, Conflict while another process is at work.
    """
    async with _held(db, settings) as copy:
        model = await embedding.active_model(db)
        if model is None:
            raise Unavailable("no model is active yet: start the gallery or import pictures first")
        state = await copy.read()
        if afresh:
            state = await fill(copy, model, replace(state, filling=None))
        else:
            await _check(copy, model, state)
        return await _count(copy, model, await _up_to_date(copy, model, await copy.read()))


async def reconcile(db: Database, settings: Settings, *, dry_run: bool = False) -> Reconciled:
    """Compare the mirror with Postgres and repair it, or with `dry_run` only look. Raises MirrorError, Conflict."""
    async with _held(db, settings) as copy:
        state = await copy.read()
        model = await copy.model_of(state)
        if model is None or not state.collection:
            raise Conflict("the mirror has not been filled yet", hint="`likeness mirror sync` fills it")
        await copy.qdrant.check(state.collection, model.dim)
        return await _reconcile(copy, model, await copy.follow(model, state), repair=not dry_run)


@asynccontextmanager
async def _held(db: Database, settings: Settings) -> AsyncGenerator[Copy]:
    """The copy, for one verb. Raises Conflict while another process keeps it, which only filling does for long."""
    async with connected(settings) as qdrant, db.session() as conn:
        for _ in range(round(LOCK_WAIT_S / POLL_S)):
            async with store_mirror.locked(conn) as got:
                if got:
                    yield Copy(db, qdrant, await _prefix(db))
                    return
            await asyncio.sleep(POLL_S)
    raise Conflict("another process is at work on the mirror", hint="`likeness mirror status` shows how far it is")


async def _prefix(db: Database) -> str:
    async with db.transaction() as conn:
        volume = await settings_table.find(conn, "volume")
    return f"likeness_{(volume or 'unnamed')[:8]}"


async def _round(copy: Copy) -> None:
    """Whatever is to be done now. Raises MirrorError; the state tells it, too."""
    model = await embedding.active_model(copy.db)
    if model is None:
        return
    state = await copy.read()
    try:
        if state.error or _due(state.seen_at, CHECK):
            await _check(copy, model, state)
            state = await copy.read()
        before, state = state.position, await _up_to_date(copy, model, state)
        counted = state.position == before and count_is_due(state)
        if counted:
            state = await _count(copy, model, state)
        compared_at = state.reconciled.at if state.reconciled is not None else state.filled_at
        if (counted and state.points != state.expected) or _due(compared_at, RECONCILE):
            await _reconcile(copy, model, state, repair=True)
    except MirrorError as error:
        # Counted again when it is back: what was lost meanwhile shows in the numbers.
        await copy.keep(replace(await copy.read(), error=str(error), counted_at=None))
        raise


async def _check(copy: Copy, model: ModelRow, state: MirrorState) -> None:
    """Note that the server answers, and what is gone: an alias is made again, a collection will be filled again."""
    gone = False
    if state.collection and state.identity == model.identity:
        try:
            await _check_names(copy, model, state)
        except MirrorMissing:
            log.warning("the mirror's collection is gone: it is filled again", collection=state.collection)
            gone = True
    else:
        await copy.qdrant.list_collections(copy.prefix)
    collection = "" if gone else state.collection
    await copy.keep(replace(state, collection=collection, error="", seen_at=datetime.now(UTC)))


async def _check_names(copy: Copy, model: ModelRow, state: MirrorState) -> None:
    try:
        await copy.qdrant.check(state.alias, model.dim)
    except MirrorMissing:
        await copy.qdrant.check(state.collection, model.dim)
        await copy.qdrant.point_alias(state.alias, state.collection)


async def _up_to_date(copy: Copy, model: ModelRow, state: MirrorState) -> MirrorState:
    """Follow the log; where that is not possible, fill a collection anew."""
    if state.identity == model.identity and state.collection and state.filling is None:
        try:
            return await copy.follow(model, state)
        except LogPruned as pruned:
            log.info(str(pruned))
    return await fill(copy, model, state)


async def _count(copy: Copy, model: ModelRow, state: MirrorState) -> MirrorState:
    """Count both sides, at a moment at which nothing changes; at others nothing is noted."""
    async with copy.db.snapshot() as conn:
        position = await changes.position(conn)
        expected = await store_mirror.count_points(conn, model.id)
    points = await copy.qdrant.count(state.collection)
    async with copy.db.transaction() as conn:
        still = await changes.position(conn) == position == state.position
    if not still:
        return state
    return await copy.keep(
        replace(state, points=points, expected=expected, counted_at=datetime.now(UTC), counted_position=position)
    )


async def _reconcile(copy: Copy, model: ModelRow, state: MirrorState, *, repair: bool) -> Reconciled:
    found = await compare(copy, model, state, repair=repair)
    if not found.clean:
        log.warning(
            "the mirror differed from the database",
            missing=found.missing,
            surplus=found.surplus,
            changed=found.changed,
            repaired=found.repaired,
        )
    if repair:
        await _count(copy, model, await copy.keep(replace(state, reconciled=found)))
    return found


def count_is_due(state: MirrorState) -> bool:
    """Soon after a change, but never so often that counting costs much."""
    soon = timedelta(seconds=5 + state.expected / COUNTED_PER_S)
    return _due(state.counted_at, soon if state.position != state.counted_position else max(soon, COUNT))


def _due(last: datetime | None, every: timedelta) -> bool:
    return last is None or datetime.now(UTC) - last >= every
