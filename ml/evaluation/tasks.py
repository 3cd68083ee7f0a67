"""What is asked of embeddings: pictures of the same label, and the originals of altered copies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets.folder import read_folder
from ml.datasets.items import Item
from ml.evaluation.groups import GROUPS, read_groups
from ml.evaluation.metrics import ranks, score_queries
from ml.evaluation.relevance import Relevance

Embeddings = Mapping[Path, NDArray[np.float32]]
"""The embedding `[d]`, L2-normalised, of each file; one that was refused is missing."""

PerQuery = Mapping[str, NDArray[np.floating]]
"""What each query scores, between 0 and 1, by the name of the measure; the queries always in one order."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Every picture asks for those of its label: P@k, R@k and mAP@R, the query left out."""

    name: str
    files: Sequence[Path]
    labels: Sequence[str]
    k: int = 5

    def score(self, embeddings: Embeddings) -> PerQuery:
        """Raises ValueError when no two pictures share a label."""
        kept = [(file, label) for file, label in zip(self.files, self.labels, strict=True) if file in embeddings]
        vectors = np.stack([embeddings[file] for file, _ in kept])
        scores = score_queries(vectors, Relevance.of([label for _, label in kept]), self.k)
        return {f"P@{self.k}": scores.precision, f"R@{self.k}": scores.recall, "mAP@R": scores.average_precision}


@dataclass(frozen=True, slots=True)
class Copies:
    """Every altered copy asks for its original among the originals and `others`: found at rank 1, and 1 / rank."""

    name: str
    pairs: Sequence[tuple[Path, Path]]
    others: Sequence[Path] = ()

    @property
    def files(self) -> Sequence[Path]:
        """Every picture that is needed; a file may be named twice."""
        return [*(file for pair in self.pairs for file in pair), *self.others]

    def score(self, embeddings: Embeddings) -> PerQuery:
        """Other copies are not among what is searched: they would be found in place of the original."""
        pairs = [pair for pair in self.pairs if all(file in embeddings for file in pair)]
        wanted = dict.fromkeys([*(original for _, original in pairs), *self.others])
        gallery = {file: row for row, file in enumerate(file for file in wanted if file in embeddings)}
        found = ranks(
            np.stack([embeddings[copy] for copy, _ in pairs]),
            np.stack([embeddings[file] for file in gallery]),
            np.array([gallery[original] for _, original in pairs], np.intp),
        )
        return {"rank 1": (found == 1).astype(np.float64), "MRR": 1 / found}


Task = Labelled | Copies


def read_tasks(folders: Sequence[Path]) -> list[Task]:
    """A folder with a groups.json is of altered copies; any other is labelled by the folders in it.

    The labelled pictures are also among what copies are searched in. Raises DataSetError, and ValueError
    for a folder without pictures and for a groups.json that cannot be used.
    """
    labelled = [_read_labelled(folder) for folder in folders if not (folder / GROUPS).is_file()]
    strangers = [file for task in labelled for file in task.files]
    copies = [task for folder in folders if (folder / GROUPS).is_file() for task in read_copies(folder, strangers)]
    return [*labelled, *copies]


def read_copies(folder: Path, strangers: Sequence[Path] = ()) -> Iterator[Copies]:
    """The copies of a groups.json, a task for each of KINDS; its other views and single pictures are others."""
    found = read_groups(folder)
    pairs: dict[str, list[tuple[Path, Path]]] = {}
    for group in found.groups:
        for copy in group.copies:
            pairs.setdefault(copy.kind, []).append((copy.file, group.original))
    others = [*strangers, *(group.original for group in found.groups), *found.others]
    for kind, of_kind in sorted(pairs.items()):
        yield Copies(f"{folder.name}: {kind}", of_kind, others)


def _read_labelled(folder: Path) -> Labelled:
    items = [one for one in read_folder(folder, "folder").items if isinstance(one, Item)]
    files = [item.content for item in items if isinstance(item.content, Path)]
    if not files:
        raise ValueError(f"{folder} holds no pictures")
    labels = [item.labels[0] if item.labels else folder.name for item in items]
    if len(set(labels)) < 2:
        raise ValueError(f"{folder} has no labels to go by: put the pictures into a folder for each label")
    return Labelled(folder.name, files, labels)
