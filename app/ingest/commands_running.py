"""What every importer shares: its flags, and how it runs, with a bar, a reason per refused file, and a last line."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from app.accounts import service as accounts
from app.accounts.records import Account, Viewer
from app.accounts.service_claims import ensure_first_admin
from app.collections import service as collections
from app.collections.records import Collection
from app.core import jobs
from app.core.commands import describe, fail, print_json, progress_bar, run, start
from app.core.database import Database
from app.core.errors import AppError, NotAllowed, NotFound
from app.core.runtime import cli_database, open_blobs
from app.core.settings import Settings
from app.ingest import service
from app.ingest.pipeline import Intake
from app.ingest.records import Import, Kind, NewImport
from app.ingest.service import Progress
from app.ingest.sources import fingerprint, open_source
from ml.datasets.items import DataSet, DataSetError
from ml.decoder import Decoder

Command = TypeVar("Command", bound=Callable[..., Any])
Settle = Callable[[Settings, Database, Callable[[jobs.Job], None]], Awaitable[int]]

NICENESS = 10  # whoever searches meanwhile comes first
REFUSED_SHOWN = 20
LOOK_S = 0.3


@dataclass(frozen=True, slots=True)
class Target:
    """The flags that every importer has."""

    collection: str
    visibility: Literal["private", "public"] | None
    owner: str | None
    as_json: bool
    wait: bool


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported, and how its reader is asked."""

    kind: Kind
    path: Path
    options: dict[str, Any]

    def open(self) -> DataSet:
        """Raises DataSetError."""
        return open_source(self.kind, self.path, self.options)


def target_options(collection: str | None = None) -> Callable[[Command], Command]:
    """The flags that every importer has, in one place; `collection` is the one that it goes to without the flag."""
    where: dict[str, Any] = {"required": True} if collection is None else {"default": collection, "show_default": True}

    def add(command: Command) -> Command:
        for option in (
            click.option("--wait/--no-wait", default=True, help="Wait until every picture is searchable (default)."),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON line at the end."),
            click.option("--owner", metavar="NAME", help="Whose pictures they are; the first admin's without it."),
            click.option(
                "--visibility",
                type=click.Choice(["private", "public"]),
                help="Who may see the collection when it is made here; private without it.",
            ),
            click.option("--collection", metavar="NAME", help="Where they go; made if it is missing.", **where),
        ):
            command = option(command)
        return command

    return add


def run_import(source: Source, target: Target, settle: Settle) -> None:
    """Import `source` and say what came of it. Ends the command: 1 when nothing went in, or it broke off."""
    settings = start()
    try:
        ended = run(_import(settings, source, target, settle))
    except DataSetError as error:
        fail(str(error))
    made = ended.progress.made
    # What an earlier run of the same import brought is there already for this one.
    added, existing = made.added - ended.before.added, made.existing + ended.before.added
    if target.as_json:
        refused = [{"file": one.file, "reason": one.reason} for one in ended.progress.refusals]
        print_json({"added": added, "existing": existing, "refused": refused})
    else:
        click.echo(f"{added} added, {existing} there already, {made.refused} refused")
        for one in ended.progress.refusals[:REFUSED_SHOWN]:
            click.echo(f"  {one.file}: {one.reason}", err=True)
        if made.refused > REFUSED_SHOWN:
            click.echo(f"  … and {made.refused - REFUSED_SHOWN} more; --json lists them all", err=True)
    if ended.error is not None:
        fail(describe(ended.error))
    if ended.progress.job.state == "cancelled":
        fail("the import was cancelled; what came in stays in, and the same command goes on from there")
    if not added and not existing:
        fail("none of the files could be taken in")


@dataclass(frozen=True, slots=True)
class _Ended:
    """An import as it was before, as it ended, and what broke it off."""

    before: Import
    progress: Progress
    error: AppError | DataSetError | None


async def _import(settings: Settings, source: Source, target: Target, settle: Settle) -> _Ended:
    data_set = await asyncio.to_thread(source.open)
    if data_set.total == 0:
        raise DataSetError(f"{source.path} holds no pictures")
    for check in data_set.checks:
        click.echo(check, err=True)
    async with cli_database(settings) as db:
        blobs = await open_blobs(db, settings)
        owner = await _owner(db, target.owner)
        into = await _collection(db, owner, target)
        new = NewImport(
            owner_id=_id(owner),
            collection_id=into.id,
            collection_name=into.name,
            kind=source.kind,
            name=source.path.name or data_set.title,
            options={**source.options, "path": str(source.path.absolute())},
            fingerprint=await asyncio.to_thread(fingerprint, source.kind, source.path, source.options),
            total=data_set.total,
        )
        async with db.transaction() as conn:
            import_id = await service.begin(conn, new)
        before = await service.get(db, owner, import_id)
        if before.made.position:
            click.echo(f"likeness: going on behind the first {before.made.position} of {new.name}", err=True)
        error: AppError | DataSetError | None = None
        with Decoder(settings.decoders, niceness=NICENESS) as decoder:
            async with _shown(db, owner, import_id, data_set.title):
                try:
                    await service.run(Intake.of(settings, db, blobs, decoder), import_id, data_set)
                except (AppError, DataSetError) as broken:
                    error = broken
        if target.wait and error is None:
            await _wait(settings, db, settle)
        return _Ended(before.made, await service.get(db, owner, import_id, shown=None), error)


async def _collection(db: Database, owner: Viewer, target: Target) -> Collection:
    async with db.transaction() as conn:
        made = await collections.ensure(conn, owner, target.collection, is_public=target.visibility == "public")
    if target.visibility is not None and made.is_public != (target.visibility == "public"):
        click.echo(f"likeness: {made.name} exists and is {made.visibility}; it stays so", err=True)
    return made


@asynccontextmanager
async def _shown(db: Database, owner: Viewer, import_id: int, title: str) -> AsyncGenerator[None]:
    """A bar that follows the import inside the block."""
    with progress_bar() as bar:
        task = bar.add_task(title, total=None)

        async def look() -> None:
            job = (await service.get(db, owner, import_id, shown=0)).job
            bar.update(task, completed=job.done, total=job.total)

        async def follow() -> None:
            while True:
                await look()
                await asyncio.sleep(LOOK_S)

        following = asyncio.create_task(follow())
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            await look()


async def _wait(settings: Settings, db: Database, settle: Settle) -> None:
    with progress_bar() as bar:
        task = bar.add_task("Embedding", total=None)

        def show(job: jobs.Job) -> None:
            bar.update(task, description=job.title, completed=job.done, total=job.total)

        left = await settle(settings, db, show)
        bar.update(task, visible=False)
    if left:
        click.echo(
            f"likeness: {left} pictures are in but not searchable: embedding failed. The worker's log and the admin "
            "page say why; it is tried again when the worker starts.",
            err=True,
        )


async def _owner(db: Database, name: str | None) -> Viewer:
    if name is not None:
        account = await accounts.get_account(db, name)
    else:
        account = await _first_admin(db)
    if account.disabled_at is not None:
        raise NotAllowed(f"{account.name} is disabled")
    return Viewer(account.id, account.name, account.is_admin)


async def _first_admin(db: Database) -> Account:
    try:
        return await accounts.first_admin(db)
    except NotFound:
        # Before the first start: the account is made now, and claimed by the link that the start prints.
        await ensure_first_admin(db)
        return await accounts.first_admin(db)


def _id(viewer: Viewer) -> int:
    if viewer.account_id is None:
        raise TypeError("an import belongs to somebody")
    return viewer.account_id
