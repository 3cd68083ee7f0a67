"""CIFAR-10 and CIFAR-100 as distributed: the python and the binary version, packed, unpacked, or one file of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ml.datasets import checksums
from ml.datasets.cifar_batch import read_batch
from ml.datasets.cifar_layout import LAYOUTS, Layout, Variant
from ml.datasets.cifar_survey import Found, Survey, highest_labels
from ml.datasets.distribution import (
    Files,
    FolderFiles,
    Readable,
    TarFiles,
    clean_name,
    find_files,
    nothing_found,
    read_exactly,
)
from ml.datasets.items import DataSet, DataSetError, Flaw, Item

MAX_UNPACKED = 512 * 1024**2  # the official archives unpack to 187 MB at most
BINARY = ".bin"


def read_cifar(path: Path, variant: Variant, split: Literal["train", "test", "all"] = "all") -> DataSet:
    """The pictures of a `.tar.gz`, of its unpacked folder or that folder's parent, or of a single batch file.

    Items are pixels [32, 32, 3] with the labels (class) or (fine, coarse), in the order of the official batches,
    whatever version they come from. A single file whose name tells no split has the one asked for. Where both
    versions lie side by side the binary one is read. Everything is looked through once before the first item, one
    file in memory at a time; a batch that cannot be read is a Flaw. Raises DataSetError, also when no batch can.
    """
    layout = LAYOUTS[variant]
    batches = {batch: its for batch, its in layout.batches.items() if split in ("all", its)}
    wanted = {batch + ending: (batch, its) for batch, its in batches.items() for ending in ("", BINARY)}
    files = find_files(path, layout.folders, wanted, MAX_UNPACKED)
    if files is None:
        files, batch = FolderFiles(path.parent), path.name.removesuffix(BINARY)
        batches = {batch: layout.batches.get(batch, "" if split == "all" else split)}
        wanted = {path.name: (batch, batches[batch])}
    survey = Survey(layout, wanted)
    files.visit({*wanted, *(names.file for names in layout.names)}, survey.look)
    survey.finish()
    read = survey.found
    found = [read.get(batch + BINARY) or read[batch] for batch in batches if batch in read or batch + BINARY in read]
    if not any(one.count for one in found):
        flaw = next((one.flaw for one in found if one.flaw), files.flaw or (found and f"{path} holds no picture"))
        raise DataSetError(flaw) if flaw else nothing_found(path, wanted)
    return DataSet(
        title=layout.title,
        items=_items(files, found, layout, tuple(survey.classes.values()), variant),
        total=sum(1 if one.flaw else one.count for one in found),
        checks=_checks(files, layout, list(batches), found, survey.checks),
    )


def _items(
    files: Files, found: list[Found], layout: Layout, classes: tuple[tuple[str, ...], ...], variant: Variant
) -> Iterator[Item | Flaw]:
    with files.reading() as go_to:
        for one in found:
            if one.flaw:
                yield Flaw(f"{variant}/{clean_name(one.batch)}", one.flaw)
            else:
                yield from _pictures(one, go_to(one.file), layout, classes, variant)
    if files.flaw:
        raise DataSetError(files.flaw)


def _pictures(
    found: Found, file: Readable, layout: Layout, classes: tuple[tuple[str, ...], ...], variant: Variant
) -> Iterator[Item]:
    batch = read_batch(found.file, read_exactly(file, found.size), tuple(layout.classes))
    if (len(batch), highest_labels(batch)) != (found.count, found.highest):
        raise DataSetError(f"{found.file} was changed while it was read: import it again")
    name = clean_name(found.batch)
    for index, labels in enumerate(batch.labels.tolist()):
        yield Item(
            name=(clean_name(batch.names[index]) if batch.names else "") or f"{name}-{index:05}.png",
            source=f"{variant}/{name}/{index:05}",
            content=batch.pixels(index),
            labels=tuple(names[label] for names, label in zip(classes, labels, strict=True)),
            split=found.split,
        )


def _checks(files: Files, layout: Layout, batches: list[str], found: list[Found], others: list[str]) -> tuple[str, ...]:
    """What is told of the archive, of each batch that was read, and of those that are not there."""
    archive = [checksums.compare_archive(files.path)] if isinstance(files, TarFiles) else []
    read = [checksums.compare(one.file, one.md5, layout.md5) for one in found if one.md5]
    there = {one.batch for one in found}
    missing = [f"{batch}: not there" for batch in batches if batch not in there]
    return (*archive, *read, *missing, *others)
