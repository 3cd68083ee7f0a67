"""The verbs of imports: begin, go on, cancel, try again, look."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import jobs
from app.core.database import Connection, Database
from app.core.errors import Conflict, NotAllowed, NotFound, SignInNeeded
from app.core.queue import enqueue
from app.ingest import running, store
from app.ingest.pipeline import Intake
from app.ingest.records import Import, NewImport, Refusal
from app.ingest.sources import open_source
from ml.datasets.items import DataSet, DataSetError

RUN_TASK = "ingest:run"
REFUSALS_SHOWN = 200
LISTED = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """An import with the job that runs it, and the first of what it refused."""

    made: Import
    job: jobs.Job
    refusals: list[Refusal]

    @property
    def can_retry(self) -> bool:
        return self.job.state == "done" and self.made.refused > 0

    @property
    def can_go_on(self) -> bool:
        """It ended before its time, and not because its source cannot be read at all."""
        return self.job.state == "cancelled" or (self.job.state == "failed" and self.made.position > 0)


async def resolve_target(db: Database, viewer: Viewer, collection: str | int | None, new_name: str = "") -> Collection:
    """The collection that uploads go to: a new one by name, a chosen one that the viewer may edit, or the default."""
    async with db.transaction() as conn:
        if new_name.strip():
            return await collections.ensure(conn, viewer, new_name)
        if collection in (None, ""):
            return await collections.ensure(conn, viewer, collections.OWN_DEFAULT)
        return await collections.resolve(conn, viewer, collection, at_least="editor")


async def begin(conn: Connection, new: NewImport) -> int:
    """The id of an import: of the one of the same source that did not come to its end, or of a new one."""
    unfinished = await store.find_unfinished(conn, new)
    if unfinished is not None:
        return unfinished
    job_id = await jobs.create(conn, "import", _title(new.name, new.collection_name), new.total)
    return await store.insert(conn, new, job_id)


async def run(
    intake: Intake,
    import_id: int,
    data_set: DataSet | None = None,
    *,
    again: bool = False,
    position: int | None = None,
) -> None:
    """Run an import to its end, or with `again` what it refused (`position`: one entry of it).

    It is read from `data_set`, or from where it was opened first.

    Raises Conflict when another process runs it, and what ends it: DataSetError, QuotaReached, DiskFull.
    """
    async with _locked(intake.db, import_id):
        async with intake.db.transaction() as conn:
            made = await store.get(conn, import_id)
            job = await jobs.get(conn, made.job_id)
            if job.ended:
                made = replace(made, job_id=await jobs.create(conn, job.kind, job.title, job.total))
                await store.set_job(conn, import_id, made.job_id)
        async with jobs.running(intake.db, made.job_id) as report:
            await _check_rights(intake.db, made)
            with _told_by_name(made):
                data_set = data_set or await _open(intake, made)
                if again:
                    await running.retry(intake, import_id, data_set, report, position)
                else:
                    await running.run(intake, import_id, data_set, report)
            async with intake.db.transaction() as conn:
                report.outcome = _outcome(await store.get(conn, import_id))


async def get(db: Database, viewer: Viewer, import_id: int, *, shown: int | None = REFUSALS_SHOWN) -> Progress:
    """One's own import, or anybody's for an admin. Raises NotFound."""
    async with db.transaction() as conn:
        made = await _get_own(conn, viewer, import_id)
        return Progress(made, await jobs.get(conn, made.job_id), await store.list_refusals(conn, import_id, shown))


async def list_own(db: Database, viewer: Viewer, before_id: int | None = None) -> tuple[list[Progress], int | None]:
    """A page of one's own imports, the newest first, and the cursor of the next (None: the end)."""
    if viewer.account_id is None:
        raise SignInNeeded("imports belong to somebody")
    async with db.transaction() as conn:
        found = await store.list_before(conn, viewer.account_id, before_id, LISTED + 1)
        shown = found[:LISTED]
        page = [Progress(one, await jobs.get(conn, one.job_id), []) for one in shown]
    return page, shown[-1].id if len(found) > LISTED else None


async def cancel(db: Database, viewer: Viewer, import_id: int) -> None:
    """Ask an import to end: at once when it waits, after the batch under way when it runs. What is in stays in."""
    async with db.transaction() as conn:
        made = await _get_own(conn, viewer, import_id)
        await jobs.request_cancel(conn, made.job_id)


async def go_on(
    db: Database, viewer: Viewer, import_id: int, *, again: bool = False, position: int | None = None
) -> None:
    """Queue an import that ended before its time, or with `again` what it refused (`position`: one entry of it).

    Raises NotFound, Conflict.
    """
    async with db.transaction() as conn:
        made = await _get_own(conn, viewer, import_id)
        job = await jobs.get(conn, made.job_id)
        if not job.ended:
            raise Conflict("this import is under way")
        if job.state == "done" and not again:
            raise Conflict("this import has come to its end")
        if job.state != "done" and again:
            raise Conflict("this import has not come to its end: go on with it first")
        if again and not made.refused:
            raise Conflict("this import refused nothing")
        if position is not None and position not in await store.list_refused_positions(conn, import_id):
            raise NotFound("no such file was refused")
        total = job.total if not again else made.refused if position is None else 1
        job_id = await jobs.create(conn, "import", job.title, total)
        await store.set_job(conn, import_id, job_id)
        await queue(conn, import_id, again=again, position=position)


async def queue(conn: Connection, import_id: int, *, again: bool = False, position: int | None = None) -> None:
    """Let the worker run an import."""
    lock = f"import:{import_id}"
    await enqueue(conn, RUN_TASK, queueing_lock=lock, import_id=import_id, again=again, position=position)


@asynccontextmanager
async def _locked(db: Database, import_id: int) -> AsyncGenerator[None]:
    """The import is this process's inside the block. Raises Conflict."""
    async with db.session() as guard:
        if not await store.try_lock(guard, import_id):
            raise Conflict("this import is running already: wait for it, or cancel it")
        try:
            yield
        finally:
            # Not left to the session's end, of which the server learns a moment after the next start.
            with suppress(psycopg.OperationalError):
                await store.unlock(guard, import_id)


@contextmanager
def _told_by_name(made: Import) -> Generator[None]:
    """What is wrong with an archive that was uploaded names it as its owner does, and not its file in the spool."""
    try:
        yield
    except DataSetError as error:
        if (upload_id := made.options.get("upload")) is None:
            raise
        raise DataSetError(str(error).replace(upload_id, made.name)) from error


async def _check_rights(db: Database, made: Import) -> None:
    """Raises NotAllowed when its owner may not add to the collection any more."""
    if made.collection_id is None:
        return  # `running` says so
    owner = Viewer(made.owner_id, made.owner_name, is_admin=False)
    async with db.transaction() as conn:
        try:
            await collections.resolve(conn, owner, made.collection_id, at_least="editor")
        except (NotAllowed, NotFound) as error:
            raise NotAllowed(f"{made.owner_name} may not add to this collection any more") from error


async def _open(intake: Intake, made: Import) -> DataSet:
    upload_id = made.options.get("upload")
    path = intake.spool.path(upload_id) if upload_id else Path(made.options["path"])
    if not await asyncio.to_thread(path.exists):
        raise DataSetError(f"{made.name} is not there any more: import it anew")
    return await asyncio.to_thread(open_source, made.kind, path, made.options)


async def _get_own(conn: Connection, viewer: Viewer, import_id: int) -> Import:
    made = await store.get(conn, import_id)
    if made.owner_id != viewer.account_id and not viewer.is_admin:
        raise NotFound("no such import")
    return made


def _title(name: str, collection: str) -> str:
    return f"Importing {name} into {collection}"


def _outcome(made: Import) -> str:
    return f"{made.added:,} added, {made.existing:,} there already, {made.refused:,} refused"
