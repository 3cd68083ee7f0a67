"""The directory at the end of a ZIP, entry by entry, as APPNOTE.TXT 6.3.10 describes it.

`zipfile` reads the whole directory when it opens a file, and believes what it says: 113 MiB for 200,000 entries, and
before Python 3.12.12 entries may share their bytes.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from ml.datasets.items import DataSetError

END = struct.Struct("<4s4H2LH")  # signature, disks, entries, length and start of the directory, length of a comment
END64_LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")
CENTRAL = struct.Struct("<4s4B4H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")  # the last two: lengths of name and extra, which stand before the bytes
IN_ZIP64 = 0xFFFFFFFF
IS_ENCRYPTED = 1  # flags
IS_UTF8 = 0x800


@dataclass(frozen=True, slots=True)
class Directory:
    """Where a directory lies, in bytes, and how far everything is behind the place that it states."""

    start: int
    length: int
    shift: int


class ZipEntry(NamedTuple):
    """What the directory says of one entry; sizes and places in bytes. `mode` is Unix' st_mode, or 0."""

    name: str
    is_encrypted: bool
    method: int
    crc: int
    packed: int
    size: int
    start: int
    end: int  # where its bytes end at the earliest
    mode: int


def find_directory(file: BinaryIO, title: str) -> Directory:
    """From the record at the file's end. Raises DataSetError where there is none."""
    size = file.seek(0, 2)
    file.seek(max(0, size - END.size - 0xFFFF))
    tail = file.read()
    at = tail.rfind(b"PK\5\6", 0, len(tail) - END.size + 4)
    if at < 0:
        raise DataSetError(f"{title} is cut short or no ZIP: its directory is missing; fetch or upload it again")
    _, disk, _, _, _, length, start, _ = END.unpack_from(tail, at)
    end = size - len(tail) + at
    if IN_ZIP64 in {length, start}:
        length, start, end = _find_in_zip64(file, end, title)
    elif disk not in {0, 0xFFFF}:
        raise DataSetError(f"{title} is one of several parts: join them before the import")
    # A program before the archive (one that unpacks itself) moves everything back.
    shift = 0 if _signature(file, start) in {b"PK\1\2", b"PK\5\6", b"PK\6\6"} else end - length - start
    if shift < 0 or start + shift + length > end:
        raise _damaged(title)
    return Directory(start + shift, length, shift)


def read_directory(file: BinaryIO, directory: Directory, title: str) -> Iterator[ZipEntry]:
    """The entries in their order, read as they are asked for. Raises DataSetError at one that is damaged."""
    file.seek(directory.start)
    left = directory.length
    while left > 0:
        header = file.read(CENTRAL.size)
        if len(header) < CENTRAL.size or not header.startswith(b"PK\1\2"):
            raise _damaged(title)
        _, _, _, _, _, flags, method, _, _, crc, packed, size, *lengths, _, _, attributes, start = CENTRAL.unpack(
            header
        )
        rest = file.read(sum(lengths))
        left -= CENTRAL.size + sum(lengths)
        if left < 0 or len(rest) < sum(lengths):
            raise _damaged(title)
        name, extra = rest[: lengths[0]], rest[lengths[0] : lengths[0] + lengths[1]]
        if IN_ZIP64 in {size, packed, start}:
            size, packed, start = _large([size, packed, start], extra)
        start += directory.shift
        yield ZipEntry(
            _decode(name, is_utf8=bool(flags & IS_UTF8)),
            bool(flags & IS_ENCRYPTED),
            method,
            crc,
            packed,
            size,
            start,
            start + LOCAL.size + len(name) + packed,
            attributes >> 16,
        )


def _find_in_zip64(file: BinaryIO, end: int, title: str) -> tuple[int, int, int]:
    """Length, start and end of the directory of a large archive, whose own end record stands before the old one."""
    file.seek(max(0, end - END64_LOCATOR.size))
    signature, _, at, disks = END64_LOCATOR.unpack(file.read(END64_LOCATOR.size).ljust(END64_LOCATOR.size, b"\0"))
    if signature != b"PK\6\7" or at > end or disks > 1:
        raise _damaged(title)
    file.seek(at)
    signature, *_, length, start = END64.unpack(file.read(END64.size).ljust(END64.size, b"\0"))
    if signature != b"PK\6\6":
        raise _damaged(title)
    return length, start, at


def _signature(file: BinaryIO, at: int) -> bytes:
    file.seek(min(at, 2**62))
    return file.read(4)


def _large(values: list[int], extra: bytes) -> list[int]:
    """Unpacked size, packed size and place, those of more than 4 GiB from the ZIP64 field, in this order."""
    at = 0
    while IN_ZIP64 in values and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            stated = iter(struct.unpack_from(f"<{min(3, len(field) // 8)}Q", field))
            return [next(stated, value) if value == IN_ZIP64 else value for value in values]
        at += 4 + length
    return values


def _decode(name: bytes, *, is_utf8: bool) -> str:
    """Names without the flag are in the DOS code page by the standard, and in UTF-8 when a Mac wrote them."""
    try:
        return name.decode("utf-8").removeprefix("./")
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace") if is_utf8 else name.decode("cp437")


def _damaged(title: str) -> DataSetError:
    return DataSetError(f"{title} is damaged: its directory cannot be read; fetch or upload it again")
