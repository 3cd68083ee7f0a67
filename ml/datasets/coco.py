"""COCO: photos with boxes of 80 categories and five captions each (Lin et al., 2014, https://cocodataset.org)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.datasets.coco_annotations import Annotations, labels_of
from ml.datasets.coco_sampling import sample_balanced
from ml.datasets.coco_sets import CocoSet, find_sets
from ml.datasets.items import DataSet, DataSetError, Flaw, Item
from ml.datasets.names import find_hazard, printable


def read_coco(
    path: Path,
    *,
    annotations: Path | None = None,
    captions: Path | None = None,
    images: Path | None = None,
    per_category: int | None = None,
    seed: int = 0,
) -> DataSet:
    """The sets in a folder (`annotations/*.json` beside `val2017/`, `train2017/` or `images/`), or of one JSON.

    Categories become labels, the most frequent in a picture first; boxes are of the picture as stored. The split is
    the set's name. With `per_category` each set is sampled by `seed`, see `sample_balanced`. `annotations`,
    `captions` and `images` name what is not found, or which of several is meant. Raises DataSetError.
    """
    sets, left_out = find_sets(path, annotations, captions, images)
    parts: list[_Part] = []
    checks: list[str] = []
    for one in sets:
        told = Annotations()
        if one.instances is not None:
            checks.append(f"{one.instances.name}: {told.read_instances(one.instances)}")
        if one.captions is not None:
            checks.append(f"{one.captions.name}: {told.read_captions(one.captions)}")
        chosen = range(len(told.file_names)) if per_category is None else _sample(one, told, per_category, seed)
        if per_category is not None:
            checks.append(f"{one.name}: {len(chosen)} pictures drawn with seed {seed}")
        parts.append(_Part(one, told, chosen))
    total = sum(len(part.told.flaws) + len(part.chosen) for part in parts)
    items = (entry for part in parts for entry in part.items())
    return DataSet(printable(path.resolve().name), items, total, (*checks, *left_out))


@dataclass(frozen=True, slots=True)
class _Part:
    """One set with what is told of it, and the indices of the pictures that are wanted."""

    files: CocoSet
    told: Annotations
    chosen: Sequence[int]

    def items(self) -> Iterator[Item | Flaw]:
        """What is wrong in the files, then the pictures in the order of the file."""
        yield from self.told.flaws
        if self.files.pictures is None:
            raise ValueError("find_sets gives no set without pictures")
        root = self.files.pictures.resolve()
        for index in self.chosen:
            file_name = self.told.file_names[index]
            source = printable(f"{self.files.name}/{file_name}")
            if (fault := _find_fault(root, file_name)) is not None:
                yield Flaw(source, fault)
                continue
            boxes = self.told.boxes(index)
            yield Item(
                name=printable(file_name.rpartition("/")[2]),
                source=source,
                content=root / file_name,
                labels=labels_of(boxes),
                captions=self.told.captions(index),
                split=self.files.name,
                boxes=boxes,
            )


def _find_fault(root: Path, file_name: str) -> str | None:
    """Why a picture cannot be taken from `root`, which is resolved, or None."""
    if (hazard := find_hazard(file_name)) is not None:
        return hazard
    path = root / file_name
    try:
        if not path.is_file():
            return f"its file is not in {root}"
        if not path.resolve().is_relative_to(root):
            return f"refused: its file is a link that leads out of {root}"
    except (OSError, ValueError) as error:  # a name that no file can have
        return f"its file cannot be read: {error}"
    return None


def _sample(files: CocoSet, told: Annotations, per_category: int, seed: int) -> list[int]:
    if files.instances is None:
        raise DataSetError(f"{files.name} has captions only: there are no categories to sample by")
    pictures, categories = told.shown()
    return sample_balanced(pictures, categories, per_category, seed).tolist()
