"""Archives for tests, honest and not: written field by field where no honest program would write them."""

import io
import json
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ml.datasets.items import DataSet, DataSetError, Flaw, Item

# VmHWM is of this program alone; ru_maxrss would begin with what the one that started it had.
MEASURE = """
import json, re, sys, time
from pathlib import Path
from ml.datasets.archive import read_archive
from ml.datasets.items import DataSetError, Item
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before, started = peak(), time.process_time()
items, flaws, told = 0, 0, None
try:
    for entry in read_archive(Path(sys.argv[1])).items:
        items, flaws = items + isinstance(entry, Item), flaws + (not isinstance(entry, Item))
except DataSetError as error:
    told = str(error)
print(json.dumps([items, flaws, told, time.process_time() - started, peak() - before]))
"""


@dataclass(frozen=True, slots=True)
class Packed:
    """An entry of a ZIP as it is to be written; what is None is as it should be."""

    name: bytes
    content: bytes = b"picture"
    flags: int = 0
    method: int = 8
    attributes: int = 0
    size: int | None = None
    crc: int | None = None
    extra: bytes = b""
    at: int | None = None  # where the directory says that it is
    packed: bytes | None = None


def write_zip(path: Path, entries: Iterable[Packed], *, prefix: bytes = b"", comment: bytes = b"") -> Path:
    """A ZIP of these entries, to the letter."""
    out, directory, count = io.BytesIO(), io.BytesIO(), 0
    for entry in entries:
        count += 1
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        deflated = compressor.compress(entry.content) + compressor.flush()
        packed = entry.packed if entry.packed is not None else deflated if entry.method == 8 else entry.content
        size = len(entry.content) if entry.size is None else entry.size
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        start = out.tell() if entry.at is None else entry.at
        common = struct.pack("<4HL2L", entry.flags, entry.method, 0, 33, crc, len(packed), size)
        if entry.at is None:
            out.write(b"PK\3\4\x14\0" + common + struct.pack("<2H", len(entry.name), 0) + entry.name + packed)
        lengths = struct.pack("<5H2L", len(entry.name), len(entry.extra), 0, 0, 0, entry.attributes, start)
        directory.write(b"PK\1\2\x14\3\x14\0" + common + lengths + entry.name + entry.extra)
    stated = min(count, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, stated, stated, directory.tell(), out.tell(), len(comment))
    path.write_bytes(prefix + out.getvalue() + directory.getvalue() + end + comment)
    return path


def tar_of(files: dict[str, bytes], *others: tarfile.TarInfo, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of these files and then of the others, which have no bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in others:
            tar.addfile(info)
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """An entry that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """One header that says so, whatever follows."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def bytes_of(item: Item) -> bytes:
    """A picture's bytes, however they are held."""
    content = item.content
    if isinstance(content, bytes):
        return content
    assert callable(content)
    return content()


def split(found: DataSet) -> tuple[dict[str, bytes], dict[str, str], str | None]:
    """The pictures' bytes by source, the reasons of the flaws by source, and what ended it, in a sentence."""
    pictures: dict[str, bytes] = {}
    reasons: dict[str, str] = {}
    count = 0
    try:
        for entry in found.items:
            count += 1
            if isinstance(entry, Flaw):
                reasons[entry.source] = entry.reason
            else:
                pictures[entry.source] = bytes_of(entry)
    except DataSetError as error:
        return pictures, reasons, str(error)
    assert found.total in {None, count}
    return pictures, reasons, None


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading an archive in a process of its own came to."""

    items: int
    flaws: int
    error: str | None
    seconds: float  # of computing, whatever else the machine does meanwhile
    mebibytes: float


def measure(path: Path) -> Cost:
    """Read an archive to its end, without its pictures' bytes where they are lazy."""
    answer = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    return Cost(*json.loads(answer.stdout))
