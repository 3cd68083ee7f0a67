"""Tables that tell labels and captions of files: CSV, or JSONL with one object a line."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from ml.datasets.items import DataSetError, Flaw
from ml.datasets.names import printable

FILE_COLUMNS = ("file", "file_name", "filename", "path")
LABEL_COLUMNS = ("label", "labels")
CAPTION_COLUMNS = ("caption", "captions", "text")
# What such tables are called where they lie at the root of an archive.
TABLE_NAMES = ("labels.csv", "labels.jsonl", "metadata.csv", "metadata.jsonl")
JSONL_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})


@dataclass(frozen=True, slots=True)
class Description:
    """What a table says of one file."""

    labels: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()


@dataclass(slots=True)
class Table:
    """Descriptions by file name as written (without a leading `./`), and a Flaw for each line that tells nothing."""

    name: str
    rows: dict[str, Description] = field(default_factory=dict[str, Description])
    flaws: list[Flaw] = field(default_factory=list[Flaw])

    def add(self, name: str, labels: Iterable[str], captions: Iterable[str]) -> None:
        """Tell of a file, after what was told of it before."""
        before = self.rows.get(name, Description())
        joined = Description(_distinct((*before.labels, *labels)), _distinct((*before.captions, *captions)))
        self.rows[name] = joined


def read_table(path: Path) -> Table:
    """The table in a file. Raises DataSetError naming the columns found."""
    try:
        with path.open("rb") as file:
            return parse_table(path.name, file)
    except OSError as error:
        raise DataSetError(f"{path} cannot be read: {error.strerror or error}") from error


def parse_table(name: str, file: BinaryIO) -> Table:
    """A JSONL where the name says so, else a CSV, in UTF-8. Several rows of one file are joined.

    A CSV has the columns file (or file_name, filename, path) and label or caption (or labels, captions, text);
    labels of one row may be separated by `;`. In a JSONL labels and captions may be lists. Raises DataSetError.
    """
    try:
        return _parse_jsonl(name, file) if Path(name).suffix.lower() in JSONL_SUFFIXES else _parse_csv(name, file)
    except UnicodeDecodeError as error:
        raise DataSetError(f"{name} is not UTF-8: save it again as a UTF-8 text") from error


def _parse_csv(name: str, file: BinaryIO) -> Table:
    table = Table(printable(name))
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        header = [cell.strip() for cell in next(reader, ())]
        columns = [cell.lower() for cell in header]
        of_file = _column(FILE_COLUMNS, columns)
        of_labels, of_captions = _column(LABEL_COLUMNS, columns), _column(CAPTION_COLUMNS, columns)
        if of_file is None or (of_labels is None and of_captions is None):
            wanted = FILE_COLUMNS if of_file is None else (*LABEL_COLUMNS, *CAPTION_COLUMNS)
            found = ", ".join(header) or "nothing"
            raise DataSetError(f"{table.name} has no column {' or '.join(wanted)}; found: {found}")
        while (row := _next_row(reader, table)) is not None:
            cells = row + [""] * (len(columns) - len(row))
            if any(cells[len(columns) :]):
                reason = f"has {len(row)} cells for {len(columns)} columns; a cell with a comma in it needs quotes"
                _refuse(table, reader.line_num, reason)
            elif named := _file_name(cells[of_file]):
                labels = cells[of_labels].split(";") if of_labels is not None else ()
                table.add(named, labels, (cells[of_captions],) if of_captions is not None else ())
            elif any(row):
                _refuse(table, reader.line_num, "names no file")
    return table


def _next_row(reader: Any, table: Table) -> list[str] | None:
    """The next row, None at the end; what the csv module refuses is a flaw and an empty row."""
    try:
        return next(reader, None)
    except csv.Error as error:
        _refuse(table, reader.line_num, f"cannot be read: {error}")
        return []


def _parse_jsonl(name: str, file: BinaryIO) -> Table:
    table = Table(printable(name))
    for number, line in enumerate(file, 1):
        if not (line := line.removeprefix(b"\xef\xbb\xbf").strip()):
            continue
        try:
            told = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            told = None
        if not isinstance(told, dict):
            _refuse(table, number, "is not a JSON object")
            continue
        told = cast("dict[str, Any]", told)
        named = _first(told, FILE_COLUMNS)
        texts = [_texts(_first(told, keys)) for keys in (LABEL_COLUMNS, CAPTION_COLUMNS)]
        if not isinstance(named, str) or not _file_name(named):
            _refuse(table, number, f"names no file: it has no text {' or '.join(FILE_COLUMNS)}")
        elif texts[0] is None or texts[1] is None:
            _refuse(table, number, "its labels or captions are neither a text nor a list of texts")
        else:
            table.add(_file_name(named), texts[0], texts[1])
    if not table.rows:
        raise DataSetError(
            f'{table.name} tells of no file; a line is expected to be like {{"file": "a.jpg", "labels": ["cat"]}}'
        )
    return table


def _refuse(table: Table, line: int, reason: str) -> None:
    table.flaws.append(Flaw(f"{table.name} line {line}", reason))


def _column(wanted: tuple[str, ...], columns: Sequence[str]) -> int | None:
    return next((columns.index(name) for name in wanted if name in columns), None)


def _first(told: dict[str, Any], keys: tuple[str, ...]) -> object:
    return next((told[key] for key in keys if key in told), None)


def _texts(value: object) -> tuple[str, ...] | None:
    """A text or a list of texts as a tuple, numbers written out; None for anything else."""
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float | None) for one in values):
        return None
    return tuple(str(one) for one in values if one is not None)


def _file_name(written: str) -> str:
    return written.strip().removeprefix("./")


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stripped for text in texts if (stripped := text.strip())))
