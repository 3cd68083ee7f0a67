"""`likeness index`: build, list, check, activate, roll back, delete."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import click

from app.core import jobs
from app.core.commands import json_option, print_json, progress_bar, run, start
from app.core.database import Database
from app.core.errors import Unavailable
from app.core.queue import worker_is_alive
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.embedding import service as embedding
from app.search import builds, checks, lifecycle, store
from app.search.commands_check import check
from app.search.records import IndexVersion
from app.search.upkeep import Kind

ASKED = "asked for on the command line"
MAX_VERSION = 2**63 - 1


class VersionNumber(click.ParamType[int]):
    """`3`, or `v3` as lists print it."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        digits = str(value).removeprefix("v")
        if not digits.isascii() or not digits.isdigit():
            self.fail(f"{value!r} is not the number of a version, such as 3 or v3.", param, ctx)
        if len(digits) > len(str(MAX_VERSION)) or not 1 <= int(digits) <= MAX_VERSION:
            self.fail(f"{value} is no version's number: they begin at 1.", param, ctx)
        return int(digits)


@click.group()
def index() -> None:
    """Search indexes: build one, list and check them, change the one in force."""


@index.command()
@click.option("--compact", is_flag=True, help="Take the cells of the version in force: only gather what came and went.")
@json_option
def build(*, compact: bool, as_json: bool) -> None:
    """Build the index of the active model afresh and put it in force; search goes on meanwhile."""
    _tell(_build(start(), "compact" if compact else "retrain"), as_json=as_json)


@index.command(name="list")
@json_option
def list_indexes(*, as_json: bool) -> None:
    """The published versions, newest first; the active one is marked, and what is wrong with a version's files."""
    versions = run(_list(start()))
    if as_json:
        print_json({"indexes": [{**version.facts, "problems": problems} for version, problems in versions]})
        return
    for version, problems in versions:
        click.echo("\n      ".join((_version_line(version), *problems)))
    if not versions:
        click.echo("No index has been built yet: fresh pictures are searched exactly.", err=True)


@index.command()
@click.argument("version", type=VersionNumber())
@click.option("--below-target", is_flag=True, help="Even one that finds less than its target.")
@json_option
def activate(version: int, *, below_target: bool, as_json: bool) -> None:
    """Put VERSION (its number, as `list` tells it) in force."""
    settings = start()

    async def work() -> IndexVersion:
        async with cli_database(settings) as db:
            return await lifecycle.activate(db, settings, version, below_target=below_target)

    _tell(work(), as_json=as_json)


@index.command()
@json_option
def rollback(*, as_json: bool) -> None:
    """Put the version before the active one in force."""
    settings = start()

    async def work() -> IndexVersion:
        async with cli_database(settings) as db:
            return await lifecycle.rollback(db, settings)

    _tell(work(), as_json=as_json)


@index.command()
@click.argument("version", type=VersionNumber())
@json_option
def delete(version: int, *, as_json: bool) -> None:
    """Delete VERSION, its row and its files; never an active one."""
    settings = start()

    async def work() -> IndexVersion:
        async with cli_database(settings) as db:
            return await lifecycle.delete(db, settings, version)

    deleted = run(work())
    if as_json:
        print_json({"deleted": deleted.id})
    else:
        click.echo(f"{deleted.label} is deleted")


index.add_command(check)


def _tell(work: Coroutine[Any, Any, IndexVersion], *, as_json: bool) -> None:
    version = run(work)
    if as_json:
        print_json(version.facts)
    else:
        click.echo(_version_line(version))


async def _build(settings: Settings, kind: Kind) -> IndexVersion:
    async with cli_database(settings) as db:
        async with db.transaction() as conn:
            alive = await worker_is_alive(conn)
        model = await embedding.active_model(db)
        if model is None:
            raise Unavailable("no model is active yet: start the gallery or import pictures first")
        if alive:
            await _watch(db, await builds.request_build(db, ASKED, kind))
        else:
            await builds.build(db, settings, model.id, None, reason=ASKED, kind=kind)
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


async def _list(settings: Settings) -> list[tuple[IndexVersion, list[str]]]:
    """The versions, and what is wrong with each."""
    async with cli_database(settings) as db:
        checked = {one.version: one.problems for one in await checks.check_versions(db, settings)}
        async with db.transaction() as conn:
            versions = await store.list_versions(conn)
    return [(one, checked.get(one.id, [])) for one in versions]


def _version_line(version: IndexVersion) -> str:
    facts = version.manifest
    mark = "*" if version.is_active else " "
    below = f" (below its target of {facts['target_recall']:.2f})" if version.below_target else ""
    return (
        f"{mark} {version.label}  {version.model}  {facts['count']} pictures  nlist {facts['nlist']}  "
        f"nprobe {facts['nprobe']}  recall {facts['recall']:.3f}{below}  {version.created_at:%Y-%m-%d %H:%M} UTC"
    )
