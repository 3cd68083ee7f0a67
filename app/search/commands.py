"""`likeness search`."""

from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from app.accounts import service as accounts
from app.accounts.records import NOBODY, Viewer
from app.core.blobs import BlobStore
from app.core.commands import fail, json_option, print_json, run, start
from app.core.database import Database
from app.core.errors import NotFound
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.embedding.lane import QueryLane
from app.embedding.models import Embedders
from app.images.records import Narrowing
from app.images.service_filters import resolve_filters
from app.search import service
from app.search.api_results import search_out
from app.search.background import CHANCE
from app.search.finders import opened_finder
from app.search.live import Live
from app.search.records import Results, SearchOptions
from app.search.service import Engine
from ml.decoder import Decoder


@click.command()
@click.argument("picture", type=click.Path(path_type=Path))
@click.option("-k", default=10, show_default=True, help="How many, from 1 to 1,000.")
@click.option("--collection", metavar="NAME", help="Only pictures of this collection (name or id).")
@click.option("--label", help="Only pictures that carry this label.")
@click.option("--text", metavar="WORDS", help="Only pictures with these words in caption, labels or file name.")
@click.option("--after", metavar="DAY", help="Only pictures added on this day (UTC) or later: 2026-03-31.")
@click.option("--before", metavar="DAY", help="Only pictures added on this day (UTC) or earlier.")
@click.option("--has-copies", is_flag=True, help="Only pictures of which a copy can be seen.")
@click.option("--min-likeness", type=float, metavar="NUMBER", help="No picture less alike than this, from 0 to 1.")
@click.option("--collapse", is_flag=True, help="Copies of one picture are one result.")
@click.option("--user", metavar="NAME", help="Search as this person; without it, what everybody may see.")
@json_option
def search(
    picture: Path,
    k: int,
    min_likeness: float | None,
    user: str | None,
    *,
    has_copies: bool,
    collapse: bool,
    as_json: bool,
    **narrowing: str | None,
) -> None:
    """Find the pictures most like PICTURE."""
    settings = start()
    try:
        data = picture.read_bytes()
    except OSError as error:
        fail(f"{picture} cannot be read: {error.strerror}")
    options = SearchOptions(k, min_likeness=min_likeness, collapse=collapse)
    results = run(_search(settings, data, options, Narrowing(**narrowing, has_copies=has_copies), user))
    if as_json:
        print_json(msgspec.to_builtins(search_out(results)))
        return
    for hit in results.hits:
        words = f"{hit.words or '-':<{len(CHANCE)}}"
        click.echo(f"{hit.score:7.4f}  {words}  {hit.image.id:>8}  {hit.image.label or '-':<20} {hit.image.filename}")
    if results.hits:
        unread = "" if results.background else "; too few pictures to tell what a score means"
        click.echo(f"Cosines by {results.model}, index {results.index}{unread}.", err=True)
    else:
        filtered = min_likeness is not None or has_copies or any(narrowing.values())
        hint = "" if user else " Private pictures are searched with --user NAME."
        reason = "no picture that can be seen matches the filters" if filtered else "no searchable picture is public"
        click.echo(f"Nothing found: {reason}.{hint}", err=True)


@asynccontextmanager
async def opened_engine(settings: Settings, db: Database) -> AsyncGenerator[Engine]:
    """Search in this process, as of now."""
    live = Live(db, settings, Embedders(settings.models_dir))
    await live.refresh()
    with Decoder(1) as decoder, ThreadPoolExecutor(1) as threads:
        async with opened_finder(settings, live, threads) as finder:
            yield Engine(db, BlobStore(settings.blobs_dir), QueryLane(decoder), live, finder, settings.max_upload_bytes)


async def _search(
    settings: Settings, data: bytes, options: SearchOptions, asked: Narrowing, user: str | None
) -> Results:
    service.check_options(options)
    async with cli_database(settings) as db:
        viewer = NOBODY
        if user is not None:
            account = await accounts.get_account(db, user)
            viewer = Viewer(account.id, account.name, account.is_admin)
        try:
            filters, _ = await resolve_filters(db, viewer, asked)
        except NotFound as error:
            hint = None if user else "private ones are searched with --user NAME"
            raise NotFound(
                f"no collection {asked.collection} that everybody may see" if hint else error.detail, hint=hint
            ) from error
        async with opened_engine(settings, db) as engine:
            return await service.search_by_picture(engine, viewer, data, replace(options, filters=filters))
