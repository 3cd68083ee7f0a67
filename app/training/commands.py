"""`likeness train`."""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from app.core.commands import describe, fail, json_option, print_json, run, start
from app.core.errors import AppError
from app.core.settings import Settings
from app.training.names import check_name
from app.training.options import config_options, machine_options
from ml.datasets.items import DataSetError
from ml.models.model import ModelError
from ml.training.checkpoint import list_steps
from ml.training.config import BadConfig, Machine, TrainingConfig, TrainingError

GB = 10**9


@click.command()
@click.argument("source", metavar="DATA", required=False)
@click.option("--data", metavar="DATA", help="The same as DATA.")
@click.option("--collection", metavar="NAME", help="A collection of the gallery, by name or id, in place of DATA.")
@click.option("--model", metavar="NAME", help="The network to begin with: likeness models list; or its folder.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FOLDER", help="Where the new model goes.")
@click.option("--name", metavar="NAME", help="Or what it is called among the gallery's models.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the output.")
@click.option("--limit", type=click.IntRange(2), metavar="N", help="Only so many pictures, drawn by the seed.")
@config_options
@machine_options
@json_option
def train(
    *,
    source: str | None,
    data: str | None,
    collection: str | None,
    model: str | None,
    output: Path | None,
    name: str | None,
    resume: bool,
    limit: int | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Train a model on your own pictures: LoRA by self-distillation (DINO). Labels are not needed.

    DATA is a folder of pictures (its sub-folders are labels), CIFAR, STL-10 or COCO as distributed, or
    collection:NAME. Ctrl-C or SIGTERM writes a checkpoint and ends; the same command with --resume goes on.
    """
    asked = [one for one in (source, data, f"collection:{collection}" if collection else None) if one]
    if len(asked) != 1:
        raise click.UsageError("name the pictures once: DATA, or --collection NAME")
    if model is None:
        raise click.UsageError("--model says what to begin with: likeness models list")
    if (output is None) == (name is None):
        raise click.UsageError("--output FOLDER or --name NAME says where the model goes")
    config, machine = _config(flags), _machine(flags)
    settings = start()
    folder = output or settings.models_dir / _checked(name or "")
    if resume and not list_steps(folder):
        fail(f"there is no run to go on with in {folder}: leave --resume out, or name another folder")
    # torch's threads would spin while they wait, on the very cores that the decoder's children need
    # (docs/benchmarks.md). Read when torch is loaded, which is below.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        _train(settings, asked[0], model, folder, config, machine, limit, resume=resume, as_json=as_json)
    except (TrainingError, ModelError, DataSetError, OSError) as error:
        fail(str(error))


def _train(
    settings: Settings,
    source: str,
    model: str,
    output: Path,
    config: TrainingConfig,
    machine: Machine,
    limit: int | None,
    *,
    resume: bool,
    as_json: bool,
) -> None:
    from app.training import data
    from app.training.telling import Telling
    from ml.training.run import Task
    from ml.training.run import train as train_model

    if source.startswith(data.COLLECTION):
        name = source.removeprefix(data.COLLECTION)
        chosen = run(data.read_collection(settings, name, limit, config.seed))
    else:
        chosen = data.read_data(Path(source), limit, config.seed)
    console = Console(stderr=True)
    if chosen.left_out:
        console.print(f"{chosen.left_out:,} pictures of the test part are left to evaluation", highlight=False)
    task = Task(
        model, settings.models_dir, chosen.name, chosen.pictures, chosen.refused, output, config, machine, resume
    )
    telling = Telling(console)
    with _stopping() as stopped:
        try:
            state = train_model(task, telling.tell, lambda: bool(stopped))
        finally:
            telling.close()
    if as_json:
        print_json(_summary(state, output, telling))
    elif state == "done":
        click.echo(f"Trained: {output}\nTo find by it: likeness models use {_usable(output, settings)}")
    else:
        step = telling.last.step if telling.last is not None else 0
        click.echo(f"Stopped after step {step:,}: the same command with --resume goes on")


def _summary(state: str, output: Path, telling: Any) -> dict[str, Any]:
    began, last = telling.began, telling.last
    return {
        "state": state,
        "output": str(output),
        "model": began.model,
        "trainable": began.trainable,
        "frozen": began.frozen,
        "pictures": began.pictures,
        "refused": [asdict(one) for one in began.refused],
        "device": began.device,
        "batch_size": began.batch_size,
        "part": began.part,
        "steps": began.steps,
        "step": last.step if last is not None else began.step,
        "loss": last.loss if last is not None else None,
        "floor": last.spread.floor if last is not None else None,
        "probes": [{"epoch": epoch, **asdict(probe)} for epoch, probe in telling.probes],
        "warnings": sorted(telling.warnings.told),
    }


def _config(flags: dict[str, Any]) -> TrainingConfig:
    try:
        return TrainingConfig(**{field.name: flags[field.name] for field in fields(TrainingConfig)})
    except BadConfig as error:
        raise click.UsageError(str(error)) from error


def _machine(flags: dict[str, Any]) -> Machine:
    memory = flags["memory"]
    return Machine(
        device=flags["device"],
        precision=flags["precision"],
        memory_bytes=int(memory * GB) if memory is not None else None,
        gradient_checkpointing=flags["gradient_checkpointing"],
        workers=flags["workers"] or os.cpu_count() or 1,
        checkpoint_every_s=60 * flags["checkpoint_minutes"],
    )


def _checked(name: str) -> str:
    try:
        return check_name(name)
    except AppError as error:
        raise click.UsageError(describe(error)) from error


def _usable(output: Path, settings: Settings) -> str:
    return output.name if output.parent == settings.models_dir else str(output.absolute())


@contextmanager
def _stopping() -> Generator[list[int]]:
    """A list that is empty until SIGINT or SIGTERM comes; a second Ctrl-C ends at once."""
    received: list[int] = []

    def note(number: int, _: object) -> None:
        if received and number == signal.SIGINT:
            click.echo("likeness: stopped; the last checkpoint is kept", err=True)
            sys.exit(130)
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
