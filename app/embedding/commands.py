"""`likeness models`: list them, look at one, fetch its weights, change to it, remove it."""

import asyncio
import sys
from collections.abc import Coroutine, Generator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import click

from app.core.commands import fail, json_option, print_json, progress_bar, run, start
from app.core.database import Database
from app.core.queue import count_open
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.embedding import service_models, store
from app.embedding.cards import facts_of, in_force, line_of, row_of, what_goes, words_of
from app.embedding.commands_embed import Settle
from app.embedding.models import AUTO, absolute
from app.embedding.records import Choice, ModelRow
from app.embedding.records import Progress as Filled
from app.embedding.service import active_model
from app.embedding.service_models import Described, Listed, Removal
from ml.models.model import ModelError
from ml.models.weights import Progress

T = TypeVar("T")

POLL_S = 0.3


@click.group()
def models() -> None:
    """The models that can embed pictures."""


@models.command(name="list")
@json_option
def list_models(*, as_json: bool) -> None:
    """Every model, and which one is in force.

    * marks the one in force, + the one that follows it.
    """
    settings = start()
    listed, wanted = _run(_list(settings))
    if as_json:
        print_json({"models": [row_of(one) for one in listed], "reason": wanted.reason if wanted else ""})
        return
    width = max(len(one.name) for one in listed)
    for one in listed:
        click.echo(line_of(one, width))
    click.echo(f"\n{in_force(listed, wanted)}")
    if settings.model == AUTO:
        click.echo("Another one: likeness models use NAME.")
    else:
        click.echo("LIKENESS_MODEL names it: set it to another one, or unset it, and start again to change it.")


@models.command()
@click.argument("name")
@json_option
def show(name: str, *, as_json: bool) -> None:
    """All about the model NAME.

    Its card, its files, what it runs on here, and how far this gallery is with it.
    """
    found = _run(_show(start(), name))
    if as_json:
        print_json(facts_of(found))
    else:
        click.echo("\n".join(words_of(found)))


@models.command()
@click.argument("name")
@json_option
def fetch(name: str, *, as_json: bool) -> None:
    """Fetch the weights of NAME.

    A download that broke off is gone on with, and the files are checked. Needs no database.
    """
    settings = start()
    try:
        with _fetching(name) as progress:
            found = service_models.fetch_model(name, settings.models_dir, progress)
    except ModelError as error:
        fail(_sentence(error))
    except KeyboardInterrupt:
        click.echo("likeness: stopped; fetch it again, which goes on where it broke off", err=True)
        sys.exit(130)
    if as_json:
        print_json({"name": absolute(name), "folder": found.folder, "size_bytes": found.spec.size_bytes})
    elif found.folder is None:
        click.echo(f"{name} needs no weights: it is always at hand.")
    else:
        click.echo(f"{name} is at hand, in {found.folder}")


@models.command()
@click.argument("name")
@click.option("--wait/--no-wait", default=True, help="Wait until the gallery has switched (default).")
@json_option
@click.pass_obj
def use(settle: Settle, name: str, *, wait: bool, as_json: bool) -> None:
    """Change to the model NAME.

    `auto` takes what suits this machine. The weights are fetched if need be, and the model is tried. Every picture
    is then embedded by it beside the model in force, and the gallery switches when that is complete. Nothing
    changes when anything fails.
    """
    settings = start()
    row, filled, is_active = _run(_use(settings, name, settle if wait else None))
    if as_json:
        print_json(
            {"name": row.name, "dim": row.dim, "active": is_active, "embedded": filled.embedded,
             "waiting": filled.waiting, "failed": filled.failed}
        )  # fmt: skip
    elif is_active:
        failed = f"; {filled.failed} failed (likeness embed says why)" if filled.failed else ""
        click.echo(f"{row.name} is in force: it finds {filled.embedded} pictures{failed}.")
    elif not wait:
        click.echo(
            f"{row.name} is wanted. It embeds {filled.waiting} pictures beside the model in force, as soon as a worker "
            f"runs, and the gallery then switches.\nTo follow it: likeness models show {row.name}"
        )
    if wait and not is_active:
        fail(
            f"the gallery has not switched to {row.name}: the worker's log and the admin page say why; "
            "a gallery that runs with LIKENESS_MODEL set keeps to that"
        )


@models.command()
@click.argument("name")
@click.option("--embeddings", is_flag=True, help="Erase its vectors and indexes too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(name: str, *, embeddings: bool, yes: bool, as_json: bool) -> None:
    """Delete the files of the model NAME.

    One that is in force or wanted stays. Its vectors are kept, so that changing back to it needs no embedding; with
    --embeddings they go too.
    """
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask: use --yes")
    gone = _run(_remove(start(), name, embeddings=embeddings, yes=yes))
    if as_json:
        print_json(
            {"name": gone.name, "folder": gone.folder, "freed_bytes": gone.size_bytes, "vectors": gone.vectors,
             "files_stay": gone.files_stay or None}
        )  # fmt: skip
        return
    click.echo(f"Removed {what_goes(gone)}.")
    if gone.files_stay:
        click.echo(f"likeness: {gone.files_stay}", err=True)


async def _list(settings: Settings) -> tuple[list[Listed], Choice | None]:
    async with cli_database(settings) as db:
        return await service_models.list_models(db, settings)


async def _show(settings: Settings, name: str) -> Described:
    async with cli_database(settings) as db:
        return await service_models.describe_model(db, settings, name)


async def _use(settings: Settings, name: str, settle: Settle | None) -> tuple[ModelRow, Filled, bool]:
    async with cli_database(settings) as db:
        with _fetching(name) as progress:
            row = await service_models.use_model(db, settings, name, progress)
        if settle is not None:
            await _wait(settings, db, row, settle)
        async with db.transaction() as conn:
            filled = await store.count_progress(conn, row.id)
        return row, filled, await _is_active(db, row)


async def _wait(settings: Settings, db: Database, row: ModelRow, settle: Settle) -> None:
    with progress_bar() as bar:
        task = bar.add_task(f"Embedding with {row.name}", total=None)
        await settle(
            settings, db, lambda job: bar.update(task, description=job.title, completed=job.done, total=job.total)
        )
        bar.update(task, completed=1, total=1, description="Switching")
        # The new model's index is built in another queue, and then the gallery switches.
        while True:
            if await _is_active(db, row) or not await _is_busy(db):
                return
            await asyncio.sleep(POLL_S)


async def _is_active(db: Database, row: ModelRow) -> bool:
    active = await active_model(db)
    return active is not None and active.id == row.id


async def _is_busy(db: Database) -> bool:
    async with db.transaction() as conn:
        return bool(await count_open(conn, "embedding") + await count_open(conn, "search"))


async def _remove(settings: Settings, name: str, *, embeddings: bool, yes: bool) -> Removal:
    async with cli_database(settings) as db:
        if not yes:
            plan = await service_models.plan_removal(db, settings, name, embeddings=embeddings)
            click.confirm(f"Remove {what_goes(plan)}?", abort=True, err=True)
        return await service_models.remove_model(db, settings, name, embeddings=embeddings)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """As `run`, and a model that cannot be used is a sentence too."""
    try:
        return run(work)
    except ModelError as error:
        fail(_sentence(error))


def _sentence(error: ModelError) -> str:
    """The hub's library writes several lines."""
    return " ".join(str(error).split())


@contextmanager
def _fetching(name: str) -> Generator[Progress]:
    """A bar in bytes that appears with the first of them."""
    with ExitStack() as stack:
        bar = progress_bar(in_bytes=True)
        task = bar.add_task(f"Fetching {name}", total=None)

        def show(done: int, total: int) -> None:
            if not bar.live.is_started:
                stack.enter_context(bar)
            bar.update(task, completed=done, total=total)

        yield show
