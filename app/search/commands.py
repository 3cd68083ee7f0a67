"""`likeness search` and `likeness index`."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec

from app.accounts import service as accounts
from app.accounts.records import NOBODY, Viewer
from app.core import jobs
from app.core.commands import fail, json_option, print_json, progress_bar, run, start
from app.core.database import Database
from app.core.errors import NotFound, Unavailable
from app.core.queue import worker_is_alive
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding.lane import QueryLane
from app.embedding.models import Embedders
from app.images import service as images
from app.search import builds, service, store
from app.search.api import search_out
from app.search.finders import FaissFinder
from app.search.live import Live
from app.search.records import IndexVersion, Results, SearchOptions
from app.search.service import Engine
from ml.decoder import Decoder


@click.command()
@click.argument("picture", type=click.Path(path_type=Path))
@click.option("-k", default=10, show_default=True, help="How many, from 1 to 1,000.")
@click.option("--collection", metavar="NAME", help="Only pictures of this collection (name or id).")
@click.option("--label", help="Only pictures that carry this label.")
@click.option("--user", metavar="NAME", help="Search as this person; without it, what everybody may see.")
@json_option
def search(
    picture: Path, k: int, collection: str | None, label: str | None, user: str | None, *, as_json: bool
) -> None:
    """Find the pictures most like PICTURE."""
    settings = start()
    try:
        data = picture.read_bytes()
    except OSError as error:
        fail(f"{picture} cannot be read: {error.strerror}")
    results = run(_search(settings, data, k, collection, label, user))
    if as_json:
        print_json(msgspec.to_builtins(search_out(results)))
        return
    for hit in results.hits:
        click.echo(f"{hit.score:7.4f}  {hit.image.id:>8}  {hit.image.label or '-':<20} {hit.image.filename}")
    if not results.hits:
        hint = "" if user else " Private pictures are searched with --user NAME."
        click.echo(f"Nothing found: no searchable picture is public or matches.{hint}", err=True)


@click.group()
def index() -> None:
    """Search indexes: build one, list them."""


@index.command()
@json_option
def build(*, as_json: bool) -> None:
    """Build the index of the active model afresh and put it in force; search goes on meanwhile."""
    settings = start()
    version = run(_build(settings))
    if as_json:
        print_json(_version_row(version))
    else:
        click.echo(_version_line(version))


@index.command(name="list")
@json_option
def list_indexes(*, as_json: bool) -> None:
    """The published versions, newest first; the active one is marked."""
    settings = start()
    versions = run(_list(settings))
    if as_json:
        print_json({"indexes": [_version_row(version) for version in versions]})
        return
    for version in versions:
        click.echo(_version_line(version))
    if not versions:
        click.echo("No index has been built yet: fresh pictures are searched exactly.", err=True)


@asynccontextmanager
async def opened_engine(settings: Settings, db: Database) -> AsyncGenerator[Engine]:
    """Search in this process, as of now."""
    live = Live(db, settings, Embedders(settings.models_dir))
    await live.refresh()
    with Decoder(1) as decoder, ThreadPoolExecutor(1) as threads:
        yield Engine(db, QueryLane(decoder), live, FaissFinder(live, threads), settings.max_upload_bytes)


async def _search(
    settings: Settings, data: bytes, k: int, collection: str | None, label: str | None, user: str | None
) -> Results:
    service.check_options(SearchOptions(k))
    async with cli_database(settings) as db:
        viewer = NOBODY
        if user is not None:
            account = await accounts.get_account(db, user)
            viewer = Viewer(account.id, account.name, account.is_admin)
        try:
            async with db.transaction() as conn:
                filters, _ = await images.resolve_filters(conn, viewer, collection, label)
        except NotFound as error:
            hint = None if user else "private ones are searched with --user NAME"
            raise NotFound(
                f"no collection {collection} that everybody may see" if hint else error.detail, hint=hint
            ) from error
        async with opened_engine(settings, db) as engine:
            return await service.search_by_picture(engine, viewer, data, SearchOptions(k, filters))


async def _build(settings: Settings) -> IndexVersion:
    async with cli_database(settings) as db:
        async with db.transaction() as conn:
            alive = await worker_is_alive(conn)
        model = await embedding.active_model(db)
        if model is None:
            raise Unavailable("no model is active yet: start the gallery or import pictures first")
        if alive:
            await _watch(db, await builds.request_build(db))
        else:
            await builds.build(db, settings, model.id, None)
        async with db.transaction() as conn:
            versions = await store.list_versions(conn, model.id)
    active = next((version for version in versions if version.is_active), None)
    if active is None:
        raise Unavailable("there is nothing to index yet: import pictures first")
    return active


async def _watch(db: Database, job_id: int) -> None:
    with progress_bar() as bar:
        task = bar.add_task("Building the index", total=100)
        while True:
            async with db.transaction() as conn:
                job = await jobs.get(conn, job_id)
            bar.update(task, completed=round(100 * job.fraction))
            if job.state == "failed":
                raise Unavailable(f"the build failed: {job.message}")
            if job.ended:
                return
            await asyncio.sleep(jobs.WRITE_INTERVAL_S)


async def _list(settings: Settings) -> list[IndexVersion]:
    async with cli_database(settings) as db, db.transaction() as conn:
        return await store.list_versions(conn)


def _version_row(version: IndexVersion) -> dict[str, object]:
    return {"version": version.id, "model": version.model, "active": version.is_active, **version.manifest}


def _version_line(version: IndexVersion) -> str:
    facts = version.manifest
    mark = "*" if version.is_active else " "
    return (
        f"{mark} v{version.id}  {version.model}  {facts['count']} pictures  nlist {facts['nlist']}  "
        f"nprobe {facts['nprobe']}  recall {facts['recall']:.3f}  {version.created_at:%Y-%m-%d %H:%M} UTC"
    )
