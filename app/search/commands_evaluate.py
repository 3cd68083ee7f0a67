"""`likeness evaluate --quick`."""

from dataclasses import asdict

import click

from app.collections import service as collections
from app.core.commands import print_json, run, start
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.search.evaluation import Evaluation, evaluate_quick


def evaluate_quickly(collection: str | None, group: str | None, *, as_json: bool) -> None:
    """Measure how well likeness follows the gallery's labels, by stored embeddings, the query itself left out."""
    settings = start()
    evaluation = run(_evaluate(settings, collection, group))
    if as_json:
        print_json(asdict(evaluation))
        return
    click.echo(f"By {evaluation.model}; the query itself is left out.\n")
    click.echo(f"{'P@5':>6} {'R@5':>6} {'(most)':>7} {'chance':>7} {'pictures':>9} {'labels':>7}  collection")
    for score in evaluation.scores:
        name = score.collection if score.group is None else f"{score.collection} / {score.group}"
        click.echo(
            f"{score.p_at_5:6.3f} {score.r_at_5:6.3f} {score.r_at_5_ceiling:7.3f} {score.chance:7.3f} "
            f"{score.pictures:9d} {score.labels:7d}  {name}"
        )

    click.echo("\nP@5: the share of the 5 nearest that carry the query's label; chance is what a random order reaches.")
    click.echo("R@5: the share of a label's pictures among the 5 nearest; (most) is the highest that 5 results allow.")


async def _evaluate(settings: Settings, collection: str | None, group: str | None) -> Evaluation:
    async with cli_database(settings) as db:
        collection_id = None
        if collection is not None:
            async with db.transaction() as conn:
                collection_id = await collections.resolve_any(conn, collection)
        return await evaluate_quick(db, collection_id, group)
