"""`likeness import cifar10`, `cifar100`, `coco`, `stl10`: data sets as their makers distribute them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.core.commands import fail, progress_bar, start
from app.ingest.commands_running import Command, Settle, Source, Target, run_import, target_options
from ml.datasets.download import OFFICIAL, fetch
from ml.datasets.items import DataSetError
from ml.datasets.unpacking import unpack

COCO_SETS = ("val2017", "train2017")

download_option = click.option(
    "--download",
    is_flag=True,
    help="Without PATH: fetch the official archive into the data folder first, unless it is there, and check its MD5.",
)


def source_options(splits: tuple[str, ...]) -> Callable[[Command], Command]:
    """PATH or --download, and which part of the data set."""

    def add(command: Command) -> Command:
        for option in (
            click.option(
                "--split",
                type=click.Choice([*splits, "all"]),
                default="all",
                show_default=True,
                help="Which part of it.",
            ),
            download_option,
            click.argument("path", type=click.Path(path_type=Path), required=False),
        ):
            command = option(command)
        return command

    return add


@click.command()
@source_options(("train", "test"))
@target_options("CIFAR-10")
@click.pass_obj
def cifar10(settle: Settle, path: Path | None, *, download: bool, split: str, **flags: Any) -> None:
    """CIFAR-10 at PATH: the official archive (python or binary), its folder, or one batch file."""
    found = _given(path) if not download else _downloaded(path, "cifar10")
    run_import(Source("cifar10", found, {"split": split}), Target(**flags), settle)


@click.command()
@source_options(("train", "test"))
@target_options("CIFAR-100")
@click.pass_obj
def cifar100(settle: Settle, path: Path | None, *, download: bool, split: str, **flags: Any) -> None:
    """CIFAR-100 at PATH, as cifar10; a picture has its fine and its coarse label."""
    found = _given(path) if not download else _downloaded(path, "cifar100")
    run_import(Source("cifar100", found, {"split": split}), Target(**flags), settle)


@click.command()
@source_options(("train", "test", "unlabeled"))
@target_options("STL-10")
@click.pass_obj
def stl10(settle: Settle, path: Path | None, *, download: bool, split: str, **flags: Any) -> None:
    """STL-10 at PATH: the official binary archive, or its folder."""
    found = _given(path) if not download else _downloaded(path, "stl10")
    run_import(Source("stl10", found, {"split": split}), Target(**flags), settle)


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--download",
    type=click.Choice(COCO_SETS),
    help="Without PATH: fetch these pictures and their annotations into the data folder first, and check their MD5.",
)
@click.option(
    "--annotations", type=click.Path(path_type=Path), help="The instances file, where it is not found by itself."
)
@click.option("--captions", type=click.Path(path_type=Path), help="The captions file, likewise.")
@click.option("--images", type=click.Path(path_type=Path), help="The folder of pictures, likewise.")
@click.option(
    "--per-category", type=click.IntRange(1), metavar="N", help="A balanced sample: up to N of each category."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of that sample: the same gives the same pictures."
)
@target_options("COCO")
@click.pass_obj
def coco(settle: Settle, path: Path | None, download: str | None, **flags: Any) -> None:
    """COCO at PATH: a folder of pictures beside annotations/, or an instances file.

    Categories become labels, captions captions, and boxes are kept.
    """
    reading = {name: flags.pop(name) for name in ("annotations", "captions", "images", "per_category", "seed")}
    options = {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in reading.items()
        if value is not None
    }
    if download is None:
        found = _given(path)
    else:
        _downloaded(path, "coco-annotations")
        found = _downloaded(path, f"coco-{download}").parent
        options.setdefault("annotations", str(found / "annotations" / f"instances_{download}.json"))
    run_import(Source("coco", found, options), Target(**flags), settle)


def _given(path: Path | None) -> Path:
    if path is None:
        raise click.UsageError("give a PATH, or --download")
    return path


def _downloaded(path: Path | None, name: str) -> Path:
    """The official archive in the data folder; of COCO, unpacked beside it."""
    if path is not None:
        raise click.UsageError("give a PATH or --download, not both")
    archive = OFFICIAL[name]
    folder = start().data_dir / "datasets" / name.partition("-")[0]
    try:
        with progress_bar(in_bytes=True) as bar:
            task = bar.add_task(f"Fetching {archive.file}", total=None)
            file = fetch(
                archive.url,
                folder / archive.file,
                archive.md5,
                lambda here, total: bar.update(task, completed=here, total=total),
            )
        if file.suffix == ".zip":
            unpack(file, folder)
    except DataSetError as error:
        fail(str(error))
    return file
