"""STL-10 in its binary version, packed or unpacked: train, test, and the 100,000 pictures without labels."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.datasets import checksums
from ml.datasets.distribution import (
    PIECE_BYTES,
    Files,
    Readable,
    TarFiles,
    find_files,
    nothing_found,
    read_exactly,
    read_names,
)
from ml.datasets.items import DataSet, DataSetError, Flaw, Item, Pixels

SIDE = 96
PICTURE_BYTES = 3 * SIDE * SIDE
MAX_UNPACKED = 4 * 1024**3  # the official archive unpacks to 3.1 GB
MAX_SMALL_BYTES = 1024**2  # labels have a byte for each picture: 8,000 at most in the official files
FOLDERS = ("stl10_binary",)
CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
CLASS_NAMES = "class_names.txt"
PICTURES = {"train": "train_X.bin", "test": "test_X.bin", "unlabeled": "unlabeled_X.bin"}
LABELS = {"train": "train_y.bin", "test": "test_y.bin"}


@dataclass(frozen=True, slots=True)
class _Part:
    """The pictures of one split, with a label each (counted from 1; None where the split has none), or its flaw."""

    split: str
    file: str
    count: int = 0
    labels: NDArray[np.uint8] | None = None
    flaw: str = ""


def read_stl10(path: Path, split: Literal["train", "test", "unlabeled", "all"] = "all") -> DataSet:
    """The pictures of `stl10_binary.tar.gz`, of its unpacked folder, or of that folder's parent.

    Items are pixels [96, 96, 3] with one label each, without any in the split "unlabeled". All files are looked
    through once before the first item, piece by piece; a split that cannot be read is a Flaw. Raises DataSetError,
    also when no split can.
    """
    splits = [one for one in PICTURES if split in ("all", one)]
    files = find_files(path, FOLDERS, [PICTURES[one] for one in splits], MAX_UNPACKED)
    if files is None:
        raise DataSetError(f"{path} is neither a folder nor a tar: name stl10_binary.tar.gz, or what it unpacks to")
    survey = _Survey()
    small = [LABELS[one] for one in splits if one in LABELS]
    files.visit({CLASS_NAMES, *small, *(PICTURES[one] for one in splits)}, survey.look)
    classes = read_names(survey.small.get(CLASS_NAMES, b"")) or CLASSES
    parts = [_find_part(one, survey, len(classes)) for one in splits if PICTURES[one] in survey.sizes]
    if not any(part.count for part in parts):
        flaw = next((part.flaw for part in parts if part.flaw), files.flaw or (parts and f"{path} holds no picture"))
        raise DataSetError(flaw) if flaw else nothing_found(path, [PICTURES[one] for one in splits])
    missing = tuple(f"{PICTURES[one]}: not there" for one in splits if PICTURES[one] not in survey.sizes)
    archive = (checksums.compare_archive(path),) if isinstance(files, TarFiles) else ()
    return DataSet(
        title="STL-10",
        items=_items(files, parts, classes),
        total=sum(1 if part.flaw else part.count for part in parts),
        checks=(*archive, *survey.checks, *missing),
    )


@dataclass(slots=True)
class _Survey:
    """Looks through files piece by piece: the size of each, whether it is official, and what the small ones hold."""

    sizes: dict[str, int] = field(default_factory=dict)
    small: dict[str, bytearray] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)

    def look(self, file: str, size: int, opened: Readable) -> None:
        """Raises EOFError when the file is cut short."""
        digest = checksums.md5()
        if file not in PICTURES.values() and size <= MAX_SMALL_BYTES:
            self.small[file] = read_exactly(opened, size)
            digest.update(self.small[file])
        else:
            for left in range(size, 0, -PIECE_BYTES):
                digest.update(read_exactly(opened, min(left, PIECE_BYTES)))
        self.sizes[file] = size
        if file in checksums.STL10:
            self.checks.append(checksums.compare(file, digest.hexdigest(), checksums.STL10))


def _find_part(split: str, survey: _Survey, classes: int) -> _Part:
    file = PICTURES[split]
    count, rest = divmod(survey.sizes[file], PICTURE_BYTES)
    if rest:
        return _Part(
            split,
            file,
            flaw=f"{file} has {survey.sizes[file]:,} bytes, which is no multiple of {PICTURE_BYTES:,} (a picture of "
            f"3 x {SIDE} x {SIDE}): it is damaged; fetch the original again",
        )
    if split not in LABELS:
        return _Part(split, file, count)
    if LABELS[split] not in survey.small:
        return _Part(split, file, flaw=f"{file} has no labels: {LABELS[split]} must lie beside it")
    labels = np.frombuffer(survey.small[LABELS[split]], np.uint8)
    if len(labels) != count:
        return _Part(split, file, flaw=f"{LABELS[split]} holds {len(labels):,} labels for {count:,} pictures")
    if count and not 1 <= int(labels.min()) <= int(labels.max()) <= classes:
        return _Part(
            split,
            file,
            flaw=f"{LABELS[split]} holds labels from {labels.min()} to {labels.max()}; 1 to {classes} are those of the "
            "classes: fetch the original again",
        )
    return _Part(split, file, count, labels)


def _items(files: Files, parts: list[_Part], classes: tuple[str, ...]) -> Iterator[Item | Flaw]:
    with files.reading() as go_to:
        for part in parts:
            if part.flaw:
                yield Flaw(f"stl10/{part.split}", part.flaw)
                continue
            file = go_to(part.file)
            for index in range(part.count):
                yield Item(
                    name=f"{part.file.removesuffix('.bin')}-{index:05}.png",
                    source=f"stl10/{part.split}/{index:05}",
                    content=_pixels(read_exactly(file, PICTURE_BYTES)),
                    labels=() if part.labels is None else (classes[part.labels[index] - 1],),
                    split=part.split,
                )
    if files.flaw:
        raise DataSetError(files.flaw)


def _pixels(content: bytearray) -> Pixels:
    """[96, 96, 3] from a picture as stored: all red, all green, all blue, each column by column."""
    return np.ascontiguousarray(np.frombuffer(content, np.uint8).reshape(3, SIDE, SIDE).transpose(2, 1, 0))
