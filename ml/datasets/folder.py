"""A folder of pictures, with labels from its sub-folders or from a CSV."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ml.datasets.items import Item

FILE_COLUMNS = ("file", "filename", "path")
LABEL_COLUMNS = ("label", "labels")
CAPTION_COLUMN = "caption"
# Tables and notes that lie beside pictures: nobody meant them as pictures.
SIDECARS = frozenset(
    {".csv", ".tsv", ".json", ".jsonl", ".txt", ".md", ".xml", ".yaml", ".yml", ".html", ".ini", ".db"}
)
JUNK_FOLDER = "__MACOSX"


@dataclass(frozen=True, slots=True)
class Description:
    """What a CSV says of one file."""

    labels: tuple[str, ...]
    caption: str = ""


def read_folder(path: Path, labels_from: Literal["folder"] | Path | None = None) -> Iterator[Item]:
    """Every file below `path`, sorted by path, lazily; hidden files, `__MACOSX` and SIDECARS are left out.

    A symbolic link is followed only while it stays inside the folder. `labels_from="folder"` gives the names
    of the folders that a file stands in, the nearest first; a path reads them from that CSV.
    Raises NotADirectoryError, and ValueError for a CSV without the needed columns.
    """
    root = path.resolve()
    if not root.is_dir():
        raise NotADirectoryError(f"{path} is not a folder")
    table = read_labels(labels_from) if isinstance(labels_from, Path) else {}
    table_path = labels_from.resolve() if isinstance(labels_from, Path) else None
    return _items(root, table, table_path, by_folder=labels_from == "folder")


def read_labels(csv_path: Path) -> dict[str, Description]:
    """The rows of a CSV by their file column, as written; several rows of one file are joined.

    Labels of one row may be separated by `;`. Raises ValueError naming the columns found.
    """
    rows: dict[str, Description] = {}
    with csv_path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        found = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = [name.lower() for name in found]
        file_column = _column(FILE_COLUMNS, found, csv_path)
        label_column = _column(LABEL_COLUMNS, found, csv_path)
        for row in reader:
            name = (row[file_column] or "").strip().removeprefix("./")
            labels = tuple(part.strip() for part in (row[label_column] or "").split(";") if part.strip())
            before = rows.get(name, Description(()))
            caption = before.caption or (row.get(CAPTION_COLUMN) or "").strip()
            if name:
                rows[name] = Description(tuple(dict.fromkeys(before.labels + labels)), caption)
    return rows


def find_unmatched(path: Path, csv_path: Path) -> list[str]:
    """The files that a CSV names and the folder does not hold, as written, sorted."""
    table = read_labels(csv_path)
    used: set[str] = set()
    root, table_path = path.resolve(), csv_path.resolve()
    for file in _files(root, root):
        used.update(_keys(file, root, table_path))
    return sorted(set(table) - used)


def _column(wanted: tuple[str, ...], found: list[str], csv_path: Path) -> str:
    lowered = [name.lower() for name in found]
    for name in wanted:
        if name in lowered:
            return name
    raise ValueError(f"{csv_path.name} has no column {' or '.join(wanted)}; found: {', '.join(found) or 'nothing'}")


def _items(root: Path, table: dict[str, Description], table_path: Path | None, *, by_folder: bool) -> Iterator[Item]:
    for file in _files(root, root):
        if file == table_path:
            continue
        source = file.relative_to(root)
        description = Description(tuple(reversed(source.parts[:-1])) if by_folder else ())
        if table_path is not None:
            keys = (key for key in _keys(file, root, table_path) if key in table)
            description = table[key] if (key := next(keys, None)) else description
        yield Item(file.name, source.as_posix(), file, description.labels, description.caption)


def _keys(file: Path, root: Path, table_path: Path) -> list[str]:
    """The ways in which a CSV may name a file, the most exact first."""
    keys = [file.relative_to(root).as_posix(), file.name]
    if file.is_relative_to(table_path.parent):
        keys.insert(0, file.relative_to(table_path.parent).as_posix())
    return keys


def _files(folder: Path, root: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.name.startswith(".") or entry.name == JUNK_FOLDER:
            continue
        path = Path(entry.path)
        if entry.is_symlink() and (entry.is_dir() or not path.resolve().is_relative_to(root)):
            continue  # a link to a folder may go in circles, one to the outside is not part of the set
        if entry.is_dir():
            yield from _files(path, root)
        elif entry.is_file() and path.suffix.lower() not in SIDECARS:
            yield path
