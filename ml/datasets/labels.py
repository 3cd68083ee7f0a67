"""Labels and captions of files: from a table, or from the folders they stand in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ml.datasets.items import Content, Flaw, Item
from ml.datasets.names import printable
from ml.datasets.tables import Description, Table


@dataclass(slots=True)
class Labels:
    """What is told of files, and which of the names in the table were met. For one way through a data set."""

    table: Table | None
    by_folder: bool
    _met: set[str] = field(default_factory=set[str])

    def item(self, file: str, content: Content, names: Iterable[str]) -> Item:
        """The file at a path from the data set's root; `names`: what the table may call it, the most exact first.

        What the table gives no labels has those of its folders, where they are wanted.
        """
        folders, _, name = file.rpartition("/")
        described = self._look_up(names)
        labels = described.labels
        if self.by_folder and folders and not labels:
            labels = tuple(map(printable, reversed(folders.split("/"))))
        return Item(printable(name), printable(file), content, labels=labels, captions=described.captions)

    def unmatched(self, where: str) -> Iterator[Flaw]:
        """A Flaw for each file that the table names and that was not met in `where`."""
        if self.table is not None:
            for name in self.table.rows:
                if name not in self._met:
                    yield Flaw(printable(name), f"{self.table.name} names it, but there is no such picture in {where}")

    def _look_up(self, names: Iterable[str]) -> Description:
        if self.table is None:
            return Description()
        rows = self.table.rows
        told = [name for name in names if name in rows]
        self._met.update(told)
        return rows[told[0]] if told else Description()
