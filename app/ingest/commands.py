"""`likeness import`: folders and the sample gallery, with a bar, a reason per refused file, and a last JSON line."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from app.accounts import service as accounts
from app.accounts.records import Account, Viewer
from app.accounts.service_claims import ensure_first_admin
from app.collections import service as collections
from app.core import jobs, state
from app.core.commands import fail, print_json, progress_bar, run, start
from app.core.database import Database
from app.core.errors import NotAllowed, NotFound
from app.core.runtime import cli_database, open_blobs
from app.core.settings import Settings
from app.ingest.records import Tally
from app.ingest.service import Intake, add_items
from ml.datasets.folder import find_unmatched, read_folder
from ml.datasets.items import Item
from ml.datasets.sample import draw_sample
from ml.decoder import Decoder

Command = TypeVar("Command", bound=Callable[..., Any])
Settle = Callable[[Settings, Database, Callable[[jobs.Job], None]], Awaitable[int]]

SAMPLE_COUNT = 640
NICENESS = 10  # whoever searches meanwhile comes first
REFUSED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Target:
    """The flags that every importer has."""

    collection: str
    visibility: Literal["private", "public"] | None
    owner: str | None
    as_json: bool
    wait: bool


def target_options(command: Command) -> Command:
    """The flags that every importer has, in one place."""
    for option in (
        click.option("--wait/--no-wait", default=True, help="Wait until every picture is searchable (default)."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON line at the end."),
        click.option("--owner", metavar="NAME", help="Whose pictures they are; the first admin's without it."),
        click.option(
            "--visibility",
            type=click.Choice(["private", "public"]),
            help="Who may see the collection when it is made here; private without it.",
        ),
        click.option("--collection", required=True, metavar="NAME", help="Where they go; made if it is missing."),
    ):
        command = option(command)
    return command


@click.group(name="import")
def import_() -> None:
    """Bring pictures in. Safe to run again: what is there already is left as it is."""


@import_.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--labels-from",
    metavar="folder|CSV",
    help="Labels from the folders' names (the nearest first), or from a CSV file with the columns file and label.",
)
@target_options
@click.pass_obj
def folder(settle: Settle, path: Path, labels_from: str | None, **flags: Any) -> None:
    """All pictures under PATH, its subfolders included."""
    settings = start()
    if not path.is_dir():
        fail(f"{path} is no folder")
    source = _label_source(labels_from)
    try:
        if isinstance(source, Path):
            for name in find_unmatched(path, source):
                click.echo(f"likeness: {source} names {name}, which is not in {path}", err=True)
        items = list(read_folder(path, source))
    except (ValueError, OSError) as error:
        fail(str(error))
    if not items:
        fail(f"there are no files in {path}")
    _import(settings, f"Importing {path.name}", items, len(items), Target(**flags), settle)


@import_.command()
@click.option("--count", default=SAMPLE_COUNT, show_default=True, type=click.IntRange(1, 5000))
@click.option("--once", is_flag=True, help="Do nothing when the sample was brought in before.")
@target_options
@click.pass_obj
def sample(settle: Settle, count: int, *, once: bool, **flags: Any) -> None:
    """The sample gallery: pictures that the program draws itself."""
    settings = start()
    if once and run(_was_done(settings)):
        return
    _import(settings, "Drawing the sample gallery", draw_sample(count), count, Target(**flags), settle)
    run(_note_done(settings))


def _label_source(labels_from: str | None) -> Literal["folder"] | Path | None:
    if labels_from is None or labels_from == "folder":
        return labels_from
    source = Path(labels_from)
    if not source.is_file():
        raise click.UsageError(f"--labels-from is `folder` or a CSV file; there is no file {labels_from}")
    return source


def _import(settings: Settings, title: str, items: Iterable[Item], total: int, target: Target, settle: Settle) -> None:
    tally = run(_import_items(settings, title, items, total, target, settle))
    if target.as_json:
        refused = [{"file": one.file, "reason": one.reason} for one in tally.refused]
        print_json({"added": len(tally.added), "existing": len(tally.existing), "refused": refused})
        _fail_if_nothing_went_in(tally)
        return
    click.echo(f"{len(tally.added)} added, {len(tally.existing)} there already, {len(tally.refused)} refused")
    for one in tally.refused[:REFUSED_SHOWN]:
        click.echo(f"  {one.file}: {one.reason}", err=True)
    if len(tally.refused) > REFUSED_SHOWN:
        click.echo(f"  … and {len(tally.refused) - REFUSED_SHOWN} more; --json lists them all", err=True)
    _fail_if_nothing_went_in(tally)


def _fail_if_nothing_went_in(tally: Tally) -> None:
    if tally.refused and not tally.added and not tally.existing:
        fail("none of the files could be taken in")


async def _import_items(
    settings: Settings, title: str, items: Iterable[Item], total: int, target: Target, settle: Settle
) -> Tally:
    tally = Tally()
    async with cli_database(settings) as db:
        blobs = await open_blobs(db, settings)
        owner = await _owner(db, target.owner)
        async with db.transaction() as conn:
            made = await collections.ensure(conn, owner, target.collection, is_public=target.visibility == "public")
            job_id = await jobs.create(conn, "import", f"{title} into {made.name}", total)
        if target.visibility is not None and made.is_public != (target.visibility == "public"):
            click.echo(f"likeness: {made.name} exists and is {made.visibility}; it stays so", err=True)
        with Decoder(settings.decoders, niceness=NICENESS) as decoder, progress_bar() as bar:
            task = bar.add_task(title, total=total)
            intake = Intake(db, blobs, decoder, settings.decoders, settings.max_upload_bytes)
            async with jobs.running(db, job_id) as report:
                async for outcome in add_items(intake, _id(owner), made.id, items):
                    tally.count(outcome)
                    bar.update(task, completed=tally.done)
                    await report.advance(tally.done, total=total)
        if target.wait:
            await _wait(settings, db, settle)
    return tally


async def _wait(settings: Settings, db: Database, settle: Settle) -> None:
    with progress_bar() as bar:
        task = bar.add_task("Embedding", total=None)

        def show(job: jobs.Job) -> None:
            bar.update(task, description=job.title, completed=job.done, total=job.total)

        left = await settle(settings, db, show)
        bar.update(task, completed=1, total=1, description="Embedded")
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


async def _was_done(settings: Settings) -> bool:
    async with cli_database(settings) as db, db.transaction() as conn:
        return await state.find(conn, "sample") is not None


async def _note_done(settings: Settings) -> None:
    async with cli_database(settings) as db, db.transaction() as conn:
        await state.remember(conn, "sample", "done")
