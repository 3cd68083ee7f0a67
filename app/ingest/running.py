"""How an import runs: on from where it was, a batch a commit, and past an entry that kills the process."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice

from app.core import jobs
from app.core.database import Connection, Database
from app.core.errors import AppError, Conflict, Unavailable
from app.images.service_adding import Place
from app.ingest import store
from app.ingest.pipeline import BATCH, OVER_QUOTA, Intake, OnCommit, add_items
from app.ingest.records import Import, Outcome, Refusal
from ml.datasets.items import DataSet, DataSetError, Flaw, Item

DEATHS = 2
"""Starts that came to nothing, after which entries are taken one by one, each noted before it is decoded."""
CAUTIOUS = 8 * BATCH
"""How many are taken one by one: more than are under way at once, of which any may be the one."""
KILLED = "the import died twice at this file: it is left out"


class QuotaReached(AppError):
    """The account may keep no more."""

    status = 507
    title = "The quota is reached"


async def run(intake: Intake, import_id: int, data_set: DataSet, report: jobs.JobReport) -> None:
    """Take in what is left of a data set. Raises QuotaReached, DiskFull, DataSetError and JobCancelled.

    What came in stays in, whatever ends it, and the same call later goes on from there. The caller holds the
    import's lock.
    """
    async with intake.db.transaction() as conn:
        started = await store.get(conn, import_id)
        await store.set_checks(conn, import_id, data_set.checks)
    items = islice(data_set.items, started.position, None)
    position = started.position
    async with _counting_deaths(intake.db, import_id):
        if started.deaths >= DEATHS:
            position = await _run_cautiously(intake, started, items, report, data_set.total)
        await _run_batches(intake, started, items, position, report, data_set.total)


async def retry(
    intake: Intake, import_id: int, data_set: DataSet, report: jobs.JobReport, position: int | None = None
) -> None:
    """Try again what was refused, or the one refused entry at `position`. Raises as `run` does."""
    async with intake.db.transaction() as conn:
        again = await store.get(conn, import_id)
        refused = await store.list_refused_positions(conn, import_id)
    positions = [one for one in refused if position is None or one == position]
    waiting = iter(positions)
    done = 0

    async def settle(conn: Connection, outcomes: Sequence[Outcome]) -> None:
        tried = list(zip(islice(waiting, len(outcomes)), outcomes, strict=True))
        refusals = [(position, _refusal(one)) for position, one in tried if one.image_id is None]
        await store.insert_refusals(conn, import_id, refusals)
        settled = [(position, one) for position, one in tried if one.image_id is not None]
        added = sum(one.is_new for _, one in settled)
        await store.settle_refusals(
            conn, import_id, [position for position, _ in settled], added=added, existing=len(settled) - added
        )

    async for outcomes in add_items(intake, _place(again), _only(data_set.items, positions), on_commit=settle):
        done += len(outcomes)
        await report.advance(done, total=len(positions))
        _check_quota(outcomes)


@asynccontextmanager
async def _counting_deaths(db: Database, import_id: int) -> AsyncGenerator[None]:
    """A process that dies inside leaves one more death behind; whatever else ends the block does not."""
    async with db.transaction() as conn:
        await store.begin(conn, import_id)
    try:
        yield
    finally:
        with suppress(Unavailable):  # then the same counts as a death, which does no harm
            async with db.transaction() as conn:
                await store.end_quietly(conn, import_id)


async def _run_batches(
    intake: Intake,
    started: Import,
    items: Iterator[Item | Flaw],
    position: int,
    report: jobs.JobReport,
    total: int | None,
) -> None:
    await report.advance(position, total=total)
    async for outcomes in add_items(intake, _place(started), items, on_commit=_counting(started.id)):
        position += len(_dealt_with(outcomes))
        await report.advance(position, total=total)
        _check_quota(outcomes)


async def _run_cautiously(
    intake: Intake, started: Import, items: Iterator[Item | Flaw], report: jobs.JobReport, total: int | None
) -> int:
    """The next entries one by one; the one that was being tried at the last death is left out."""
    position = started.position
    for item in islice(items, CAUTIOUS):
        async with intake.db.transaction() as conn:
            await store.set_trying(conn, started.id, position)
        entry = Flaw(item.source, KILLED) if started.trying == position else item
        async for outcomes in add_items(intake, _place(started), [entry], batch=1, on_commit=_counting(started.id)):
            position += len(_dealt_with(outcomes))
            await report.advance(position, total=total)
            _check_quota(outcomes)
    return position


def _counting(import_id: int) -> OnCommit:
    """What keeps an import's counts, in the transaction that stores the pictures they tell of."""

    async def count(conn: Connection, outcomes: Sequence[Outcome]) -> None:
        dealt_with = _dealt_with(outcomes)
        refused = [_refusal(one) for one in dealt_with if one.image_id is None]
        added = sum(one.is_new for one in dealt_with)
        existing = len(dealt_with) - added - len(refused)
        position = await store.advance(conn, import_id, added=added, existing=existing, refused=refused)
        first = position - len(dealt_with)
        places = [first + place for place, one in enumerate(dealt_with) if one.image_id is None]
        await store.insert_refusals(conn, import_id, list(zip(places, refused, strict=True)))

    return count


def _dealt_with(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Those before the first that is over the quota: there the import stops, and goes on when there is room."""
    stop = next((place for place, one in enumerate(outcomes) if one.over_quota), len(outcomes))
    return outcomes[:stop]


def _check_quota(outcomes: Sequence[Outcome]) -> None:
    if any(one.over_quota for one in outcomes):
        raise QuotaReached(f"{OVER_QUOTA}; the import goes on from here when it is started again")


def _place(one: Import) -> Place:
    if one.collection_id is None:
        raise Conflict("the collection of this import was deleted")
    return Place(one.owner_id, one.collection_id, one.id)


def _refusal(outcome: Outcome) -> Refusal:
    return Refusal(outcome.file, outcome.reason or "refused")


def _only(items: Iterable[Item | Flaw], positions: Sequence[int]) -> Iterator[Item | Flaw]:
    wanted = set(positions)
    found = 0
    for position, item in enumerate(items):
        if found == len(wanted):
            return
        if position in wanted:
            found += 1
            yield item
    if found < len(wanted):
        raise DataSetError("the source has changed since it was imported: import it anew")
