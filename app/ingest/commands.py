"""`likeness import`: folders, archives, data sets and the sample gallery."""

from pathlib import Path
from typing import Any

import click

from app.core import state
from app.core.commands import fail, run, start
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.ingest.commands_datasets import cifar10, cifar100, coco, stl10
from app.ingest.commands_running import Settle, Source, Target, run_import, target_options

SAMPLE_COUNT = 640


@click.group(name="import")
def import_() -> None:
    """Bring pictures in. Safe to run again: what is there already is left as it is, what was cut short goes on."""


for command in (cifar10, cifar100, coco, stl10):
    import_.add_command(command)


@import_.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--labels-from",
    metavar="folder|FILE",
    help="Labels from the folders' names (the nearest first), or from a CSV or JSONL file that names files and labels.",
)
@target_options()
@click.pass_obj
def folder(settle: Settle, path: Path, labels_from: str | None, **flags: Any) -> None:
    """All pictures under PATH, its subfolders included."""
    if not path.is_dir():
        fail(f"{path} is no folder")
    options = {} if labels_from is None else {"labels_from": _labels_from(labels_from)}
    run_import(Source("folder", path, options), Target(**flags), settle)


@import_.command(name="zip")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--labels-from", type=click.Choice(["folder"]), help="Labels from the folders' names.")
@target_options()
@click.pass_obj
def archive(settle: Settle, path: Path, labels_from: str | None, **flags: Any) -> None:
    """All pictures in the archive PATH: a ZIP, or a tar, compressed or not.

    A table at its root (labels.csv, metadata.csv, metadata.jsonl) gives labels and captions.
    """
    options = {} if labels_from is None else {"labels_from": labels_from}
    run_import(Source("archive", path, options), Target(**flags), settle)


@import_.command()
@click.option("--count", default=SAMPLE_COUNT, show_default=True, type=click.IntRange(1, 5000))
@click.option("--once", is_flag=True, help="Do nothing when the sample was brought in before.")
@target_options()
@click.pass_obj
def sample(settle: Settle, count: int, *, once: bool, **flags: Any) -> None:
    """The sample gallery: pictures that the program draws itself."""
    settings = start()
    if once and run(_was_done(settings)):
        return
    run_import(Source("sample", Path("the sample gallery"), {"count": count}), Target(**flags), settle)
    run(_note_done(settings))


def _labels_from(given: str) -> str:
    if given == "folder":
        return given
    if not Path(given).is_file():
        raise click.UsageError(f"--labels-from is `folder` or a CSV or JSONL file; there is no file {given}")
    return str(Path(given).absolute())


async def _was_done(settings: Settings) -> bool:
    async with cli_database(settings) as db, db.transaction() as conn:
        return await state.find(conn, "sample") is not None


async def _note_done(settings: Settings) -> None:
    async with cli_database(settings) as db, db.transaction() as conn:
        await state.remember(conn, "sample", "done")
