"""`likeness mirror`."""

from dataclasses import asdict

import click
import msgspec

from app.core.commands import json_option, print_json, run, start
from app.core.errors import Unavailable
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.search import mirror as verbs
from app.search.mirror_status import NO_MIRROR, read_status
from app.search.records_mirror import MirrorStatus, Reconciled


@click.group()
def mirror() -> None:
    """The copy of the vectors in Qdrant, which the worker keeps current."""


@mirror.command()
@json_option
def status(*, as_json: bool) -> None:
    """How far the mirror is, as the worker left it. Exit status 1 while it does not follow."""
    found = run(_status(start()))
    _print_status(found, as_json=as_json)
    if not found.reachable:
        raise SystemExit(1)


@mirror.command()
@click.option("--afresh", is_flag=True, help="Fill a new collection and let it take the place of this one.")
@json_option
def sync(*, afresh: bool, as_json: bool) -> None:
    """Bring the mirror up to date now, whether or not a worker runs."""
    _print_status(run(_sync(start(), afresh=afresh)), as_json=as_json)


@mirror.command()
@click.option("--dry-run", is_flag=True, help="Only compare.")
@json_option
def reconcile(*, dry_run: bool, as_json: bool) -> None:
    """Compare the mirror with the database, and repair it. With --dry-run, exit status 1 when they differ."""
    found = run(_reconcile(start(), dry_run=dry_run))
    if as_json:
        print_json({**asdict(found), "clean": found.clean})
    else:
        click.echo(_reconciled_line(found))
    if dry_run and not found.clean:
        raise SystemExit(1)


async def _status(settings: Settings) -> MirrorStatus:
    async with cli_database(settings) as db:
        found = await read_status(db, settings)
    if found is None:
        raise Unavailable(NO_MIRROR)
    return found


async def _sync(settings: Settings, *, afresh: bool) -> MirrorStatus:
    async with cli_database(settings) as db:
        await verbs.sync(db, settings, afresh=afresh)
    return await _status(settings)


async def _reconcile(settings: Settings, *, dry_run: bool) -> Reconciled:
    async with cli_database(settings) as db:
        return await verbs.reconcile(db, settings, dry_run=dry_run)


def _print_status(found: MirrorStatus, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    click.echo(f"server      {found.url}{' (answers searches)' if found.answers_searches else ''}")
    if found.error:
        click.echo(f"problem     {found.error}")
    click.echo(f"last seen   {f'{found.seen_at:%Y-%m-%d %H:%M:%S} UTC' if found.seen_at else 'never'}")
    if found.collection:
        click.echo(f"collection  {found.collection}, by {found.model}")
        click.echo(f"position    {found.position}, {found.lag} entries of the log behind")
    else:
        click.echo("collection  none is complete yet")
    if found.filling:
        click.echo(f"filling     {found.filling}, {found.filled_share:.0%}")
    if found.counted_at:
        click.echo(f"points      {found.points} of {found.expected}, counted {found.counted_at:%Y-%m-%d %H:%M:%S} UTC")
    if found.reconciled:
        click.echo(f"compared    {found.reconciled.at:%Y-%m-%d %H:%M:%S} UTC: {_reconciled_line(found.reconciled)}")


def _reconciled_line(found: Reconciled) -> str:
    if found.clean:
        return f"{found.points} points, no difference"
    done = "repaired" if found.repaired else "left as they are"
    return f"{found.missing} missing, {found.surplus} surplus, {found.changed} changed of {found.points} points; {done}"
