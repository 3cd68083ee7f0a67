"""The pictures that models are evaluated on, from a folder or a data set as its makers distribute it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets.cifar import read_cifar
from ml.datasets.cifar_layout import LAYOUTS
from ml.datasets.coco import read_coco
from ml.datasets.coco_sets import FOLDER as ANNOTATIONS
from ml.datasets.coco_sets import INSTANCES
from ml.datasets.folder import read_folder
from ml.datasets.items import DataSet, Flaw, Item
from ml.datasets.stl10 import FOLDERS as STL10_FOLDERS
from ml.datasets.stl10 import LABELS as STL10_LABELS
from ml.datasets.stl10 import read_stl10
from ml.evaluation.copies import Copied
from ml.evaluation.groups import GROUPS, read_groups
from ml.evaluation.relevance import Relevance

TEST = "test"


class EvaluationError(Exception):
    """What cannot be evaluated; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures with labels, or with groups of copies; `about` says in a sentence how they were read.

    `items` are those that are evaluated. `left_out` are flaws of the data set and pictures that no model could take.
    """

    name: str
    path: Path
    about: str
    items: tuple[Item, ...]
    left_out: tuple[Flaw, ...] = ()
    copied: Copied | None = None

    @property
    def labelled(self) -> bool:
        """Whether there are labels to go by: of unlabelled pictures none has one."""
        return self.copied is None and bool(self.items) and bool(self.items[0].labels)

    @property
    def relevance(self) -> Relevance:
        """Raises ValueError without labels."""
        return Relevance.of([item.labels for item in self.items])

    @property
    def asked(self) -> NDArray[np.bool_] | None:
        """Which pictures are of the test split, where there are others; None where there is but one part."""
        asked = np.array([item.split == TEST for item in self.items])
        return asked if asked.any() and not asked.all() else None

    def keep(self, rows: NDArray[np.intp], left_out: Sequence[Flaw]) -> "PictureSet":
        """Of these rows only, ascending; copies whose original is gone go too."""
        kept = replace(
            self, items=tuple(self.items[row] for row in rows.tolist()), left_out=(*self.left_out, *left_out)
        )
        if self.copied is None:
            return kept
        place = {row: number for number, row in enumerate(rows.tolist())}
        pairs = zip(self.copied.copies.tolist(), self.copied.originals.tolist(), self.copied.kinds, strict=True)
        whole = [(place[copy], place[one], kind) for copy, one, kind in pairs if copy in place and one in place]
        return replace(kept, copied=_copied(whole))


def read_set(path: Path, limit: int | None = None, seed: int = 0) -> PictureSet:
    """A folder with groups.json; CIFAR, STL-10 or COCO as distributed; else a folder labelled by its sub-folders.

    With `limit` so many labelled pictures, drawn by the seed, as many of each first label as there are; groups of
    copies are always whole. Raises EvaluationError, DataSetError, and ValueError for a groups.json of another form.
    """
    if (path / GROUPS).is_file():
        return _read_copies(path)
    read = find_reader(path)
    if read is None:
        return _read_labelled(path, read_folder(path, "folder"), limit, seed)
    return _read_labelled(path, read(path), limit, seed, several=read is read_coco, bare_kept=False)


def find_reader(path: Path) -> Callable[[Path], DataSet] | None:
    """What reads CIFAR, STL-10 or COCO as distributed; None where a path holds none of them."""
    return next((read for holds, read in _READERS if holds(path)), None)


def _read_labelled(
    path: Path, dataset: DataSet, limit: int | None, seed: int, *, several: bool = False, bare_kept: bool = True
) -> PictureSet:
    """`several`: all labels count, else the first: the folder nearest to a picture, the fine class of CIFAR-100."""
    items: list[Item] = []
    flaws: list[Flaw] = []
    bare: list[Item] = []
    left_out = 0
    for one in dataset.items:
        if isinstance(one, Flaw):
            flaws.append(one)
        elif one.labels:
            items.append(one if several else replace(one, labels=one.labels[:1]))
        else:
            left_out += 1
            # STL-10 has 100,000 without a label, with their pixels: 2.7 GB.
            if bare_kept:
                bare.append(one)
    if not (items or bare):
        raise EvaluationError(f"{path} holds no pictures to evaluate with")
    about = _describe(path, items or bare, left_out if items else 0, several=several)
    kept = items or bare
    if limit is not None and len(kept) > limit:
        kept = _draw(kept, limit, seed)
        about += f"; {len(kept)} of them drawn with seed {seed}"
    return PictureSet(dataset.title, path, about, tuple(kept), tuple(flaws))


def _describe(path: Path, items: Sequence[Item], left_out: int, *, several: bool) -> str:
    """Raises EvaluationError where all are of one class."""
    names = {label for item in items for label in item.labels}
    if len(names) == 1:
        raise EvaluationError(
            f"{path} has one class only, {names.pop()!r}: there is nothing to tell apart; name the folder above it"
        )
    about = f"{len(items):,} pictures of {len(names):,} labels" if names else f"{len(items):,} pictures without labels"
    if several:
        about += "; one may have several, and two are alike when they share one"
    if left_out:
        about += f"; {left_out} more have no label and are left out"
    return about


def _draw(items: Sequence[Item], limit: int, seed: int) -> list[Item]:
    """As many of each first label as there are, in turn; in the order of the set."""
    order = np.random.default_rng(seed).permutation(len(items))
    turns: dict[str, int] = {}
    ranked: list[tuple[int, int]] = []
    for place, row in enumerate(order.tolist()):
        label = items[row].labels[0] if items[row].labels else ""
        turns[label] = turns.get(label, 0) + 1
        ranked.append((turns[label] * len(items) + place, row))
    return [items[row] for row in sorted(row for _, row in sorted(ranked)[:limit])]


def _read_copies(path: Path) -> PictureSet:
    found = read_groups(path)
    files: dict[Path, int] = {}
    pairs: list[tuple[int, int, str]] = []
    for group in found.groups:
        original = files.setdefault(group.original, len(files))
        pairs += [(files.setdefault(copy.file, len(files)), original, copy.kind) for copy in group.copies]
    for file in found.others:
        files.setdefault(file, len(files))
    if not pairs:
        raise EvaluationError(f"{path / GROUPS} lists no original with a copy")
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise EvaluationError(f"{path / GROUPS} lists {missing}, which is not there")
    about = f"{len(pairs):,} copies of {len(found.groups):,} originals, and {len(found.others):,} pictures of no group"
    items = tuple(Item(file.name, file.name, file) for file in files)
    return PictureSet(path.resolve().name, path, about, items, copied=_copied(pairs))


def _copied(pairs: Sequence[tuple[int, int, str]]) -> Copied:
    columns = np.array([pair[:2] for pair in pairs], np.intp).reshape(-1, 2)
    return Copied(columns[:, 0], columns[:, 1], tuple(kind for _, _, kind in pairs))


def _holds_cifar10(path: Path) -> bool:
    return _holds(path, LAYOUTS["cifar10"].folders, LAYOUTS["cifar10"].batches, "cifar-10-")


def _holds_cifar100(path: Path) -> bool:
    # `train` and `test` alone are also what people call the folders of their own pictures: those are no files.
    return _holds(path, LAYOUTS["cifar100"].folders, LAYOUTS["cifar100"].batches, "cifar-100-")


def _holds_stl10(path: Path) -> bool:
    # Without labels there is nothing to evaluate: the unlabelled split is another matter.
    return _holds(path, STL10_FOLDERS, STL10_LABELS.values(), "stl10_")


def _holds_coco(path: Path) -> bool:
    if path.is_file():
        return path.suffix == ".json"
    return any(any((path / folder).glob(f"{INSTANCES}*.json")) for folder in (ANNOTATIONS, "."))


def _holds(path: Path, folders: Sequence[str], files: Iterable[str], archive: str) -> bool:
    """Whether a path is the data set's archive, one of its files, or a folder of them."""
    names = {*files, *(f"{name}.bin" for name in files)}
    if path.is_file():
        return path.name.startswith(archive) or path.name in names
    return any((path / folder / name).is_file() for folder in (".", *folders) for name in names)


_READERS: tuple[tuple[Callable[[Path], bool], Callable[[Path], DataSet]], ...] = (
    (_holds_cifar10, lambda path: read_cifar(path, "cifar10")),
    (_holds_cifar100, lambda path: read_cifar(path, "cifar100")),
    (_holds_stl10, read_stl10),
    (_holds_coco, read_coco),
)
