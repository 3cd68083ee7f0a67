"""A look through the files of CIFAR before anything is read of them: what is there, whole, and official."""

from dataclasses import dataclass, field, replace

from ml.datasets import checksums
from ml.datasets.cifar_batch import MAX_BYTES, Batch, read_batch, read_class_names
from ml.datasets.cifar_layout import Layout
from ml.datasets.distribution import MAX_NAMES_BYTES, Readable, read_exactly
from ml.datasets.items import DataSetError


@dataclass(frozen=True, slots=True)
class Found:
    """A batch file with its number of pictures and the highest label of each kind, or with its flaw."""

    file: str
    batch: str
    split: str
    size: int
    md5: str = ""
    count: int = 0
    highest: tuple[int, ...] = ()
    flaw: str = ""


@dataclass(slots=True)
class Survey:
    """Looks through files, one in memory at a time; `wanted` are those of batches, with batch and split.

    When all were looked at, `finish` settles `classes` (by the key of the labels) and the labels out of range.
    """

    layout: Layout
    wanted: dict[str, tuple[str, str]]
    found: dict[str, Found] = field(default_factory=dict)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    _names: dict[str, bytearray] = field(default_factory=dict)

    def look(self, file: str, size: int, opened: Readable) -> None:
        """Note what a file holds. Raises EOFError when it is cut short."""
        if file in self.wanted:
            self.found[file] = self._look_at_batch(Found(file, *self.wanted[file], size), opened)
        elif size <= MAX_NAMES_BYTES:
            self._names[file] = read_exactly(opened, size)
        else:
            self.checks.append(f"{file} is too large; the class names of {self.layout.title} are used")

    def finish(self) -> None:
        self.classes = dict(self.layout.classes)
        for names in self.layout.names:
            if names.file in self._names:
                try:
                    self.classes[names.label_key] = read_class_names(names.file, self._names[names.file], names.key)
                except DataSetError as error:
                    self.checks.append(f"{error}; the class names of {self.layout.title} are used")
        for file in sorted(self._names.keys() & self.layout.md5.keys()):
            self.checks.append(checksums.compare(file, checksums.md5(self._names[file]).hexdigest(), self.layout.md5))
        for file, found in self.found.items():
            self.found[file] = self._without_strange_labels(found)

    def _look_at_batch(self, found: Found, opened: Readable) -> Found:
        if found.size > MAX_BYTES:
            return replace(found, flaw=f"{found.file} is too large: {found.size:,} bytes; the limit is {MAX_BYTES:,}")
        data = read_exactly(opened, found.size)
        found = replace(found, md5=checksums.md5(data).hexdigest())
        try:
            batch = read_batch(found.file, data, tuple(self.layout.classes))
        except DataSetError as error:
            return replace(found, flaw=str(error))
        return replace(found, count=len(batch), highest=highest_labels(batch))

    def _without_strange_labels(self, found: Found) -> Found:
        for highest, (key, names) in zip(found.highest, self.classes.items(), strict=False):
            if highest >= len(names):
                flaw = f"{found.file} holds {highest} among its {key}, which end at {len(names) - 1} ({names[-1]})"
                return replace(found, count=0, flaw=f"{flaw}: fetch the original again")
        return found


def highest_labels(batch: Batch) -> tuple[int, ...]:
    """The highest label of each kind in a batch."""
    return tuple(batch.labels.max(axis=0, initial=0).tolist())
