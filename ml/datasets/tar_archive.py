"""Tar archives, packed or not: one pass, the bytes of one picture in memory at a time."""

import io
from collections.abc import Iterator
from pathlib import Path

from ml.datasets.caps import Caps, Entry, Sieve
from ml.datasets.items import DataSet, DataSetError, Flaw, Item
from ml.datasets.labels import Labels
from ml.datasets.names import printable
from ml.datasets.tables import TABLE_NAMES, parse_table
from ml.datasets.tar_stream import Stream, read_members


def read_tar(path: Path, caps: Caps, *, by_folder: bool) -> DataSet:
    """As `read_archive`. How much there is, nobody knows before the end."""
    title = printable(path.name)
    with Stream(path, title, caps) as stream:
        next(read_members(stream), None)  # raises where this is no tar
    return DataSet(title, _items(path, title, caps, by_folder=by_folder))


def _items(path: Path, title: str, caps: Caps, *, by_folder: bool) -> Iterator[Item | Flaw]:
    sieve, labels = Sieve(title, caps), Labels(None, by_folder)
    has_begun = False
    with Stream(path, title, caps) as stream:
        for name, kind, size in read_members(stream):
            entry = Entry(name, kind, size, packed=size)
            is_left_out = sieve.leaves_out(entry)
            if name in TABLE_NAMES and kind == "file" and labels.table is None:
                yield from _take_table(stream, entry, labels, caps, is_late=has_begun)
            elif is_left_out:
                continue
            elif (fault := sieve.find_fault(entry)) is not None:
                yield Flaw(printable(name), fault)
            else:
                has_begun = True
                yield labels.item(name, stream.read(size), (name, name.rpartition("/")[2]))
    yield from labels.unmatched("the archive")


def _take_table(stream: Stream, entry: Entry, labels: Labels, caps: Caps, *, is_late: bool) -> Iterator[Flaw]:
    """Labels and captions of what follows; what is wrong with the table, or its place, is a Flaw."""
    if is_late:
        yield Flaw(entry.name, "this table stands behind pictures and was not used: pack it first, or make a ZIP")
    elif entry.size > caps.entry_bytes:
        yield Flaw(entry.name, "this table is too large: labels and captions are not taken from it")
    else:
        content = stream.read(entry.size)
        try:
            labels.table = parse_table(entry.name, io.BytesIO(content))
        except DataSetError as error:
            yield Flaw(entry.name, str(error))
        else:
            yield from labels.table.flaws
