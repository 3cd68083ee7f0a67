"""The bytes of a tar, packed or not, in order and counted, and the entries that they say they hold.

`tarfile` takes a header that tells of the next entry into memory however long it says it is, and passes over a
truncated end in silence: so its own loop is not used, only its reading of one header block.
"""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from ml.datasets.caps import Caps, Kind
from ml.datasets.items import DataSetError

BLOCK = 512  # bytes
STEP = 1024 * 1024  # bytes that are read at once of what is passed over
MAX_HEADER_BYTES = 1024 * 1024  # of a header that tells of the next entry; a path is no longer than 4 KB
IS_EXTENDED = 482  # where an old GNU header says that one more block follows
IS_EXTENDED_FURTHER = 504  # where that block does

_FILE_TYPES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_KINDS: dict[bytes, Kind] = {
    **dict.fromkeys(_FILE_TYPES, "file"),
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.GNUTYPE_SPARSE: "sparse file",
}
_SIZE_MEANS_NOTHING = frozenset(
    {tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE}
)
_OPENERS: dict[bytes, Callable[[IO[bytes]], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}


class Member(NamedTuple):
    """An entry of a tar; its `size` bytes come next from the stream."""

    name: str
    kind: Kind
    size: int


class Stream:
    """The unpacked bytes of a tar. All methods raise DataSetError where they end too early, or are too many."""

    def __init__(self, path: Path, title: str, caps: Caps) -> None:
        self.title = title
        self.position = 0  # bytes read
        self._caps = caps
        with ExitStack() as opened:
            self._raw = opened.enter_context(path.open("rb"))
            head = self._raw.read(8)
            self._raw.seek(0)
            opener = next((_OPENERS[magic] for magic in _OPENERS if head.startswith(magic)), None)
            self._file = opened.enter_context(opener(self._raw)) if opener else self._raw
            self._opened = opened.pop_all()

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = self._read(size)
        if self.position < BLOCK:
            raise _no_archive(self.title)
        if len(data) < size:
            raise self._cut_short()
        return data

    def skip(self, size: int) -> None:
        """Pass over so many bytes."""
        for start in range(0, size, STEP):
            self.read(min(STEP, size - start))

    def finish(self) -> None:
        """Read what stands behind the last entry, where the checksum of all that was packed may be."""
        while self._file is not self._raw and self._read(STEP):
            pass

    def _read(self, size: int) -> bytes:
        """As many bytes as there are, counted."""
        try:
            data = self._file.read(size)
        except EOFError as error:
            raise self._cut_short() from error
        except (OSError, zlib.error, lzma.LZMAError) as error:
            raise DataSetError(
                f"{self.title} is damaged: it cannot be unpacked, or not as it was packed; fetch or upload it again"
            ) from error
        self.position += len(data)
        if self.position > self._caps.total_bytes:
            limit = f"{self._caps.total_bytes / 1024**3:g} GiB"
            raise DataSetError(f"{self.title} unpacks to more than {limit}: divide it into several archives")
        if self._caps.is_bomb(self.position, self._raw.tell()):
            raise DataSetError(
                f"{self.title} unpacks to more than {self._caps.ratio} times what it takes up, as bombs do; "
                "if it is none, unpack it and import the folder"
            )
        return data

    def _cut_short(self) -> DataSetError:
        return DataSetError(f"{self.title} is cut short: what is whole was read; fetch or upload it again")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()


def read_members(stream: Stream) -> Iterator[Member]:
    """The entries in their order; what was not read of one is passed over. Raises DataSetError, see Stream."""
    told: dict[bytes, bytes] = {}
    while (info := _read_header(stream)) is not None:
        if info.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}:
            told |= _parse_pax(_read_extra(stream, info.size))
        elif info.type == tarfile.GNUTYPE_LONGNAME:
            told[b"path"] = _read_extra(stream, info.size).partition(b"\0")[0]
        elif info.type in {tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK}:
            stream.skip(_padded(info.size))
        else:
            member = _member(info, told)
            end = stream.position + _padded(member.size)
            yield member
            stream.skip(end - stream.position)
            told = {}
    stream.finish()


def _read_header(stream: Stream) -> tarfile.TarInfo | None:
    """The next header; None at the block of zeros that ends a tar."""
    is_first = stream.position == 0
    block = stream.read(BLOCK)
    if block.count(0) == BLOCK:
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise _bad_header(stream, is_first=is_first) from error
    if info.size < 0:
        raise _bad_header(stream, is_first=is_first)
    if info.type == tarfile.GNUTYPE_SPARSE and block[IS_EXTENDED]:
        while stream.read(BLOCK)[IS_EXTENDED_FURTHER]:
            pass
    return info


def _bad_header(stream: Stream, *, is_first: bool) -> DataSetError:
    if is_first:
        return _no_archive(stream.title)
    return DataSetError(f"{stream.title} is damaged: an entry has no header; what came before was read")


def _no_archive(title: str) -> DataSetError:
    return DataSetError(f"{title} is no archive that is read here, which are ZIP and tar (.gz, .bz2, .xz)")


def _read_extra(stream: Stream, size: int) -> bytes:
    if size > MAX_HEADER_BYTES:
        raise DataSetError(f"{stream.title} is damaged: a header of {size:,} bytes; what came before was read")
    return stream.read(_padded(size))[:size]


def _parse_pax(data: bytes) -> dict[bytes, bytes]:
    """Records of "length key=value"; what does not look like one ends them."""
    told: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        digits = data[at : at + 8].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        if not len(digits) + 1 < length <= len(data) - at:
            break
        key, _, value = data[at + len(digits) + 1 : at + length - 1].partition(b"=")
        told[key] = value
        at += length
    return told


def _member(info: tarfile.TarInfo, told: dict[bytes, bytes]) -> Member:
    kind = _KINDS.get(info.type, "device or special file")
    if any(key.startswith(b"GNU.sparse.") for key in told):
        kind = "sparse file"
    path = told.get(b"GNU.sparse.name", told.get(b"path"))
    name = info.name if path is None else path.decode("utf-8", "surrogateescape")
    stated = told.get(b"size", b"")
    size = int(stated) if stated.isdigit() and len(stated) < 20 else info.size
    return Member(name.removeprefix("./"), kind, 0 if info.type in _SIZE_MEANS_NOTHING else size)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
