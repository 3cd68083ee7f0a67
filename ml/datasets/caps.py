"""How much an archive may hold, counted while it is read, and which of its entries are taken for pictures."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ml.datasets.items import DataSetError
from ml.datasets.names import find_hazard, is_archive_name, is_junk
from ml.images import LIMITS

Kind = Literal["file", "folder", "symbolic link", "hard link", "sparse file", "device or special file"]


@dataclass(frozen=True, slots=True)
class Caps:
    """What an archive may come to.

    What it unpacks to may be no more than `ratio` times what it takes up, once that is over `ratio_from_bytes`. The
    sums are compared and not each entry, for one picture alone may shrink as far as a bomb does: as BMP or TIFF of A4
    (26 MB) a blank page 1026 times, a drawing of 60 flat shapes 302 times, a page of text 48 times, photos 1 to 4
    times. Ten such drawings in a row pass; within `entry_bytes` no entry can do harm (99 MiB unpack in 0.6 s).
    """

    entries: int = 200_000
    entry_bytes: int = LIMITS.max_bytes
    total_bytes: int = 64 * 1024**3
    ratio: int = 100
    ratio_from_bytes: int = 256 * 1024**2

    def is_bomb(self, size_bytes: int, packed_bytes: int) -> bool:
        """Whether so much from so little is more than pictures come to."""
        return size_bytes > self.ratio_from_bytes and size_bytes > self.ratio * packed_bytes


CAPS = Caps()


class Entry(NamedTuple):
    """A file in an archive, by what the archive says of it. `name` is as written, without a leading `./`."""

    name: str
    kind: Kind
    size: int  # bytes, unpacked
    packed: int  # bytes; the same as `size` where entries are not packed one by one


@dataclass(slots=True)
class Sieve:
    """Counts an archive's entries, leaves out what nobody meant as a picture, and finds what must be refused."""

    title: str
    caps: Caps
    _entries: int = 0
    _size: int = 0
    _packed: int = 0
    _links: set[str] = field(default_factory=set[str])

    def leaves_out(self, entry: Entry) -> bool:
        """Whether it goes unmentioned: a folder, a hidden file, a note. Raises DataSetError for one too many."""
        self._entries += 1
        if self._entries > self.caps.entries:
            raise DataSetError(
                f"{self.title} holds more than {self.caps.entries:,} entries: divide it into several archives, "
                "or unpack it and import the folder"
            )
        if entry.kind == "folder":
            return True
        return find_hazard(entry.name) is None and is_junk(entry.name.split("/"))

    def find_fault(self, entry: Entry) -> str | None:
        """Why an entry is refused, or None, upon which it counts."""
        if (hazard := find_hazard(entry.name)) is not None:
            return hazard
        if entry.kind != "file":
            self._links.add(entry.name)
            return f"refused: it is a {entry.kind}"
        if self._links and self._is_behind_a_link(entry.name):
            return "refused: it lies behind a link in the archive"
        if is_archive_name(entry.name):
            return "an archive inside the archive: unpack it and import it by itself"
        return self._find_excess(entry)

    def _find_excess(self, entry: Entry) -> str | None:
        caps = self.caps
        if max(entry.size, entry.packed) > caps.entry_bytes:
            size = max(entry.size, entry.packed)
            return f"too large: {_mib(size)} unpacked; the limit for one file is {_mib(caps.entry_bytes)}"
        size, packed = self._size + entry.size, self._packed + entry.packed
        if size > caps.total_bytes:
            return f"the archive unpacks to more than {caps.total_bytes / 1024**3:g} GiB: divide it into several"
        if caps.is_bomb(size, packed):
            return (
                f"refused: with it the archive unpacks to more than {caps.ratio} times what it takes up, as bombs do; "
                "if it is none, unpack it and import the folder"
            )
        self._size, self._packed = size, packed
        return None

    def _is_behind_a_link(self, name: str) -> bool:
        return any(name[:end] in self._links for end, letter in enumerate(name) if letter == "/")


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:,.0f} MiB"
