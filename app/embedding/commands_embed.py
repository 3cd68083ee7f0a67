"""`likeness embed`."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import click

from app.core import jobs
from app.core.commands import fail, json_option, print_json, progress_bar, run, start
from app.core.database import Database
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.embedding import models, service, store, store_failures
from app.embedding.records import Failure
from ml.models.model import ModelError

Settle = Callable[[Settings, Database, Callable[[jobs.Job], None]], Awaitable[int]]
FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Embedded:
    """What one run of the command came to; `failures` are all of the model's, older ones too."""

    model: str
    embedded: int
    waiting: int
    pictures_per_s: float
    failures: list[Failure]


@click.command()
@click.option("--model", "name", metavar="NAME", help="Another model than the gallery's: it is filled beside it.")
@json_option
@click.pass_obj
def embed(settle: Settle, *, name: str | None, as_json: bool) -> None:
    """Embed every picture that waits, and wait for it.

    A worker that runs does the work; without one it is done here. Searches go on meanwhile. With --model the
    pictures are embedded by that model too, so that `likeness models use` can switch to it at once.
    """
    settings = start()
    found = run(_embed(settings, name, settle))
    if as_json:
        failures = [{"file": one.filename, "image_id": one.image_id, "reason": one.reason} for one in found.failures]
        print_json({**asdict(found), "failures": failures})
    else:
        click.echo(f"{found.embedded} embedded by {found.model} ({found.pictures_per_s:.1f} pictures/s)")
        for one in found.failures[:FAILURES_SHOWN]:
            click.echo(f"  {one.filename}: {one.reason}", err=True)
    if found.waiting:
        fail(f"{found.waiting} pictures still wait: the worker's log and the admin page say why")


async def _embed(settings: Settings, name: str | None, settle: Settle) -> Embedded:
    async with cli_database(settings) as db:
        if name is not None:
            name = models.absolute(name)
        wanted = name or (await models.resolve_choice(db, settings)).name
        try:
            # Loaded here first: what is wrong with it is told here, and not in the worker's log.
            await models.ensure_weights(db, settings, wanted)
            embedder = await models.Embedders(settings.models_dir).get(wanted)
        except ModelError as error:
            fail(str(error))
        model = await models.register(db, wanted, embedder)
        embedder.model.unload()
        async with db.transaction() as conn:
            before = await store.count_progress(conn, model.id)
        await service.queue_embedding(db, name)
        started = time.monotonic()
        with progress_bar() as bar:
            task = bar.add_task("Embedding", total=None)
            await settle(
                settings, db, lambda job: bar.update(task, description=job.title, completed=job.done, total=job.total)
            )
        took_s = time.monotonic() - started
        async with db.transaction() as conn:
            after = await store.count_progress(conn, model.id)
            failures = await store_failures.list_failures(conn, after.failed, model.id) if after.failed else []
    embedded = after.embedded - before.embedded
    return Embedded(model.name, embedded, after.waiting, round(embedded / max(took_s, 1e-3), 1), failures)
