"""`likeness evaluate`: models on pictures with labels or copies, and a report; or, quickly, the gallery itself."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress, TaskID

from app.core.commands import fail, json_option, print_json, progress_bar, start
from app.search.commands_evaluate import evaluate_quickly

if TYPE_CHECKING:
    from ml.evaluation.run import Evaluation

PROTOCOLS = ("retrieval", "original", "knn", "clusters", "copies")


class Names(click.ParamType[Any]):
    """Words with commas between them, each once; of some known ones, or of any."""

    name = "names"

    def __init__(self, known: Sequence[str] = ()) -> None:
        self.known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Fails, with exit status 2, for a word that is none of the known."""
        if not isinstance(value, str):
            return tuple(value)
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        if not names:
            self.fail("name at least one", param, ctx)
        if self.known and (odd := [name for name in names if name not in self.known]):
            self.fail(f"{odd[0]!r} is none of {', '.join(self.known)}", param, ctx)
        return names


@click.command()
@click.option("--quick", is_flag=True, help="P@5 and R@5 of the gallery's labels by its stored embeddings.")
@click.option("--collection", metavar="NAME", help="With --quick: only this collection (name or id).")
@click.option("--label", "group", help="With --quick: only pictures that carry this label besides their first.")
@click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Pictures: a folder with one for each label, one with a groups.json of copies, CIFAR, STL-10 or COCO. "
    "May be given several times.",
)
@click.option("--models", type=Names(), metavar="NAMES", help="Names or folders of models, with commas between.")
@click.option(
    "--protocols",
    type=Names(PROTOCOLS),
    default=PROTOCOLS,
    metavar="NAMES",
    help=f"Of {', '.join(PROTOCOLS)}, with commas between; without it all that fit the pictures.",
)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="The folder for the report.")
@click.option("--limit", type=click.IntRange(3), metavar="N", help="At most N labelled pictures of each set, drawn.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of all that is drawn.")
@json_option
def evaluate(*, quick: bool, collection: str | None, group: str | None, as_json: bool, **asked: Any) -> None:
    """Measure how well likeness follows labels, and whether copies are found.

    Without --quick: models on your own pictures or a data set, no gallery needed; the report is a folder with
    report.html and results.json (docs/evaluation.md).
    """
    if quick:
        if asked["data"] or asked["models"] or asked["output"]:
            raise click.UsageError("--quick is of the gallery itself: give it without --data, --models and --output")
        evaluate_quickly(collection, group, as_json=as_json)
        return
    if collection is not None or group is not None:
        raise click.UsageError("--collection and --label are of --quick")
    missing = [f"--{name}" for name in ("data", "models", "output") if not asked[name]]
    if missing:
        raise click.UsageError(f"give --quick, or {', '.join(missing)}")
    _report(**asked, as_json=as_json)


def _report(
    *,
    data: tuple[Path, ...],
    models: tuple[str, ...],
    protocols: tuple[str, ...],
    output: Path,
    limit: int | None,
    seed: int,
    as_json: bool,
) -> None:
    settings = start()
    from ml.datasets.items import DataSetError  # torch and scikit-learn take seconds to import
    from ml.evaluation import record, report
    from ml.evaluation.run import Asked, evaluate
    from ml.evaluation.sets import EvaluationError
    from ml.models.model import ModelError

    workers = settings.workers or os.cpu_count() or 1
    asked = Asked(data, models, settings.models_dir, protocols, limit, seed, workers)
    try:
        report.check(output)
        with progress_bar() as bar:
            evaluation = evaluate(asked, _Bar(bar).tell)
        report.write(evaluation, output)
    except (DataSetError, EvaluationError, ModelError, OSError, ValueError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        click.echo("likeness: stopped; nothing was written", err=True)
        raise SystemExit(130) from None
    if as_json:
        print_json(record.to_json(evaluation))
        return
    _tell(evaluation)
    click.echo(f"\n{output / report.REPORT}")


class _Bar:
    """One line for each thing that is done."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def tell(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done)


def _tell(evaluation: "Evaluation") -> None:
    """The figures as lines; the report has them all."""
    for one in evaluation.sets:
        click.echo(f"\n{one.pictures.name}: {one.pictures.about}")
        if one.pictures.left_out:
            click.echo(f"  {len(one.pictures.left_out)} could not be used: the report names them")
        for outcome in one.outcomes:
            click.echo(f"  {outcome.model}")
            for protocol, scores in outcome.scores.items():
                figures = "  ".join(f"{name} {measure.value:.3f}" for name, measure in scores.measures.items())
                click.echo(f"    {protocol + ' (flattering)' if protocol == 'original' else protocol}: {figures}")
