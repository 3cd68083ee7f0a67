"""`likeness index check`."""

import sys

import click

from app.core.commands import json_option, print_json, run, start
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.search import checks
from app.search.records import IndexCheck, IndexVersion, Measurement


@click.command()
@json_option
def check(*, as_json: bool) -> None:
    """Verify every version's files, and measure the one in force against the database; 1 when something is wrong.

    Recall is measured with stored pictures: some drawn at random, the newest ones, and some of each large collection.
    """
    found = run(_check(start()))
    if as_json:
        print_json(_row(found))
    else:
        _print(found)
    sys.exit(1 if found.problems else 0)


async def _check(settings: Settings) -> IndexCheck:
    async with cli_database(settings) as db:
        return await checks.check(db, settings)


def _row(found: IndexCheck) -> dict[str, object]:
    return {
        "ok": not found.problems,
        "problems": found.problems,
        "versions": [
            {"version": one.version, "model": one.model, "active": one.active, "problems": one.problems}
            for one in found.versions
        ],
        "active": None if found.active is None else found.active.facts,
        "measured": None if found.measured is None else _measured_row(found.measured),
    }


def _measured_row(measured: Measurement) -> dict[str, object]:
    return {
        "indexed": measured.indexed,
        "living": measured.living,
        "missing": len(measured.missing),
        "missing_ids": measured.missing[: checks.IDS_SHOWN],
        "surplus": len(measured.surplus),
        "surplus_ids": measured.surplus[: checks.IDS_SHOWN],
        "recall": [
            {"of": one.subject, "collection": one.collection, "queries": one.queries, "recall": round(one.recall, 4)}
            for one in measured.recalls
        ],
        "p50_ms": round(measured.p50_ms, 3),
        "p99_ms": round(measured.p99_ms, 3),
        "exact_ms": round(measured.exact_ms, 3),
    }


def _print(found: IndexCheck) -> None:
    for one in found.versions:
        mark = "*" if one.active else " "
        click.echo(f"{mark} v{one.version}  {one.model}  {'; '.join(one.problems) or 'whole'}")
    if found.active is not None:
        _print_setting(found.active)
    if found.measured is not None:
        _print_measured(found.measured)
    for problem in found.problems:
        click.echo(f"wrong: {problem}", err=True)
    if not found.versions:
        click.echo("No index has been built yet: fresh pictures are searched exactly.", err=True)


def _print_setting(active: IndexVersion) -> None:
    facts = active.manifest
    click.echo(f"in force: {active.label}, {facts['layout']}, nlist {facts['nlist']}, nprobe {facts['nprobe']}")
    for nprobe, recall, p50_ms in facts["curve"]:
        click.echo(f"  at the build, nprobe {nprobe}: recall {recall:.3f}, {p50_ms:.2f} ms")


def _print_measured(measured: Measurement) -> None:
    click.echo(f"pictures: {measured.indexed:,} in the index, {measured.living:,} in the database")
    for one in measured.recalls:
        click.echo(f"recall of {one.words}: {one.recall:.3f} ({one.queries} queries)")
    latency = f"p50 {measured.p50_ms:.2f} ms, p99 {measured.p99_ms:.2f} ms, exact {measured.exact_ms:.2f} ms"
    click.echo(f"latency: {latency}")
