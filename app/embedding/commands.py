"""`likeness models`."""

import click

from app.core.commands import fail, json_option, print_json, run, start
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.embedding.models import resolve_choice
from app.embedding.records import Choice
from app.embedding.service import active_model
from ml.models import registry
from ml.models.model import ModelError


@click.group()
def models() -> None:
    """The models that can embed pictures."""


@models.command(name="list")
@json_option
def list_models(*, as_json: bool) -> None:
    """Every model, whether its weights are at hand, and which one is in force."""
    settings = start()
    choice, active = run(_in_force(settings))
    try:
        names = dict.fromkeys([*registry.REGISTRY, *(name for name in (active, choice.name) if name)])
        resolved = {name: registry.resolve(name, cache_dir=settings.models_dir) for name in names}
    except ModelError as error:
        fail(str(error))
    rows = [
        {
            "name": name,
            "title": one.spec.title,
            "dim": one.spec.dim,
            "size_bytes": one.spec.size_bytes,
            "licence": one.spec.licence,
            "at_hand": one.spec.hub_id is None or one.folder is not None,
            "active": name == active,
            "wanted": name == choice.name,
        }
        for name, one in resolved.items()
    ]
    if as_json:
        print_json({"models": rows, "reason": choice.reason})
        return
    for row in rows:
        mark = "*" if row["active"] else "+" if row["wanted"] else " "
        where = "at hand" if row["at_hand"] else f"{int(row['size_bytes']) / 1e6:.0f} MB to fetch"
        click.echo(f"{mark} {row['name']:<14} {row['dim']:>5} dimensions   {where:<18} {row['title']}")
    if active == choice.name:
        click.echo(f"\n* in force: {choice.name} ({choice.reason}).")
    else:
        click.echo(f"\n* in force until + {choice.name} has embedded every picture ({choice.reason}).")
    click.echo("Set LIKENESS_MODEL to a name, or to a folder in the hub's format, and start again to change it.")


async def _in_force(settings: Settings) -> tuple[Choice, str | None]:
    async with cli_database(settings) as db:
        model = await active_model(db)
        return await resolve_choice(db, settings), model.name if model else None
