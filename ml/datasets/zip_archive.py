"""ZIP archives: told by our own caps, and every picture unpacked only when it is asked for."""

import bz2
import functools
import io
import stat
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets.caps import Caps, Entry, Kind, Sieve
from ml.datasets.items import DataSet, DataSetError, Flaw, Item
from ml.datasets.labels import Labels
from ml.datasets.names import printable
from ml.datasets.tables import TABLE_NAMES, Table, parse_table
from ml.datasets.zip_directory import LOCAL, Directory, ZipEntry, find_directory, read_directory
from ml.images import PictureRefused

STORED, DEFLATED, BZIP2 = METHODS = (0, 8, 12)
DAMAGED = "damaged in the archive: it cannot be unpacked"
FURTHEST = 2**62  # where no file has bytes


def read_zip(path: Path, caps: Caps, *, by_folder: bool) -> DataSet:
    """As `read_archive`. An item's content may be called from any thread, as often as one likes."""
    title = printable(path.name)
    sieve, starts, ends, total = Sieve(title, caps), array("q"), array("q"), 0
    tables: dict[str, ZipEntry] = {}
    with path.open("rb") as file:
        directory = find_directory(file, title)
        for entry in read_directory(file, directory, title):
            is_outside = entry.end > directory.start
            starts.append(FURTHEST if is_outside else entry.start)
            ends.append(FURTHEST if is_outside else entry.end)
            total += not sieve.leaves_out(_told(entry))
            if entry.name in TABLE_NAMES:
                tables[entry.name] = entry
    is_shared = find_overlaps(np.frombuffer(starts, np.int64), np.frombuffer(ends, np.int64))
    table, flaws = _read_table(path, tables, caps)
    archive = _Zip(path, title, directory, is_shared, caps, table, flaws, by_folder)
    if table is not None:  # which of its files the archive does not hold, only going through it tells
        total = sum(1 for _ in archive.items())
    return DataSet(title, archive.items(), total=total if table is not None else total + len(flaws))


def find_overlaps(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the ranges of bytes [n] have some that another one has, too."""
    shared = np.zeros(len(starts), np.bool_)
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    shared[order[1:]] |= starts[1:] < np.maximum.accumulate(ends)[:-1]
    shared[order[:-1]] |= ends[:-1] > starts[1:]
    return shared


@dataclass(frozen=True, slots=True)
class _Zip:
    """An archive that was surveyed; `is_shared`: by entry, whether some of its bytes are another's, too."""

    path: Path
    title: str
    directory: Directory
    is_shared: NDArray[np.bool_]
    caps: Caps
    table: Table | None
    flaws: tuple[Flaw, ...]
    by_folder: bool

    def items(self) -> Iterator[Item | Flaw]:
        sieve, labels = Sieve(self.title, self.caps), Labels(self.table, self.by_folder)
        yield from self.flaws
        with self.path.open("rb") as file:
            for index, entry in enumerate(read_directory(file, self.directory, self.title)):
                told = _told(entry)
                if sieve.leaves_out(told):
                    continue
                fault = self._find_fault(index, entry) or sieve.find_fault(told)
                if fault is not None:
                    yield Flaw(printable(entry.name), fault)
                    continue
                content = functools.partial(unpack, self.path, entry)
                yield labels.item(entry.name, content, (entry.name, entry.name.rpartition("/")[2]))
        yield from labels.unmatched("the archive")

    def _find_fault(self, index: int, entry: ZipEntry) -> str | None:
        if entry.is_encrypted:
            return "encrypted: unpack it with its password and import the folder"
        if entry.end > self.directory.start:
            return "cut short: its bytes are not all in the archive; fetch or upload it again"
        if self.is_shared[index]:
            return "refused: its bytes are another entry's, too, as in bombs"
        if entry.method not in METHODS:
            return f"packed in a way that is not read (method {entry.method}); unpack it and import the folder"
        return None


def unpack(path: Path, entry: ZipEntry) -> bytes:
    """An entry's bytes, never more than the directory says. Raises OSError, and PictureRefused for what is damaged."""
    with path.open("rb") as file:
        file.seek(entry.start)
        header = file.read(LOCAL.size)
        if len(header) < LOCAL.size or not header.startswith(b"PK\3\4"):
            raise PictureRefused(DAMAGED)
        file.seek(sum(LOCAL.unpack(header)[-2:]), 1)
        packed = file.read(entry.packed)
    try:
        content = _inflate(packed, entry)
    except (zlib.error, OSError, ValueError) as error:
        raise PictureRefused(DAMAGED) from error
    if len(content) != entry.size:
        raise PictureRefused("damaged in the archive: it is not as long as the archive says")
    if zlib.crc32(content) != entry.crc:
        raise PictureRefused("damaged in the archive: its checksum differs")
    return content


def _inflate(packed: bytes, entry: ZipEntry) -> bytes:
    """At most one byte more than the directory says."""
    if entry.method == STORED:
        return packed
    if entry.method == DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.size + 1)
    return bz2.BZ2Decompressor().decompress(packed, entry.size + 1)


def _read_table(path: Path, tables: dict[str, ZipEntry], caps: Caps) -> tuple[Table | None, tuple[Flaw, ...]]:
    """The first of TABLE_NAMES that can be read, and what is wrong with its lines, or with itself."""
    flaws: list[Flaw] = []
    for name in TABLE_NAMES:
        entry = tables.get(name)
        if entry is None:
            continue
        if entry.is_encrypted or entry.method not in METHODS or max(entry.size, entry.packed) > caps.entry_bytes:
            flaws.append(Flaw(name, "this table is encrypted or too large: labels and captions are not taken from it"))
            continue
        try:
            table = parse_table(name, io.BytesIO(unpack(path, entry)))
        except PictureRefused as refused:
            flaws.append(Flaw(name, refused.reason))
        except DataSetError as error:
            flaws.append(Flaw(name, str(error)))
        else:
            return table, (*flaws, *table.flaws)
    return None, tuple(flaws)


def _told(entry: ZipEntry) -> Entry:
    kind: Kind = "file"
    if entry.name.endswith("/") or stat.S_ISDIR(entry.mode):
        kind = "folder"
    elif stat.S_ISLNK(entry.mode):
        kind = "symbolic link"
    elif stat.S_IFMT(entry.mode) not in {0, stat.S_IFREG}:
        kind = "device or special file"
    return Entry(entry.name, kind, entry.size, entry.packed)
