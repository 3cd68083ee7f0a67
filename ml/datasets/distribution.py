"""The files of a data set as its makers distribute it: unpacked in a folder, or in a tar, packed by gzip or not."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Collection, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from ml.datasets.items import DataSetError
from ml.datasets.names import printable

PIECE_BYTES = 1024**2
MAX_HEADER_BYTES = PIECE_BYTES  # of one entry: tarfile reads a long name whole, whatever its size
MAX_ENTRIES = 1000  # the official archives hold 10 or fewer
MAX_NAMES_BYTES = 64 * 1024  # of class names; the official files have 1,473 and fewer
MAX_NAME_LENGTH = 255
GZIP = b"\x1f\x8b"
TAR_MAGIC = slice(257, 262)

# What a tar that is cut short, bent, or made to hurt gives rise to in tarfile and gzip.
BROKEN = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, IndexError, OverflowError, RecursionError)


class Readable(Protocol):
    """A file that is read from its beginning on, and no further than its end."""

    def read(self, size: int, /) -> bytes: ...


Look = Callable[[str, int, Readable], None]
"""Is shown a file: its base name, its size in bytes, and itself."""

GoTo = Callable[[str], Readable]
"""Gives a file that was shown before; the one that it gave before that is not to be read any more."""


class Files(Protocol):
    """Files known by their base names. `visit` shows those that are `wanted`, each once, in no particular order.

    `flaw` is, after a visit, why not all could be shown: those shown before are whole.
    """

    @property
    def path(self) -> Path: ...

    @property
    def flaw(self) -> str | None: ...

    def visit(self, wanted: Collection[str], look: Look) -> None: ...

    @contextmanager
    def reading(self) -> Generator[GoTo]: ...


def find_files(path: Path, folders: tuple[str, ...], wanted: Collection[str], max_unpacked: int) -> Files | None:
    """The files in a folder, in one of the sub-folders named `folders` (the first that is there), or in a tar.

    None for a file that is no tar. Raises DataSetError when a folder holds none of `wanted`, and when there is
    nothing at `path`.
    """
    if path.is_dir():
        for folder in (path, *(path / name for name in folders)):
            if any((folder / name).is_file() for name in wanted):
                return FolderFiles(folder)
        raise nothing_found(path, wanted)
    with _told(path), path.open("rb") as file:
        head = file.read(tarfile.BLOCKSIZE)
    if head.startswith(GZIP) or head[TAR_MAGIC] == b"ustar":
        return TarFiles(path, max_unpacked)
    return None


def nothing_found(path: Path, wanted: Collection[str]) -> DataSetError:
    """What is to be said where none of the wanted files is."""
    return DataSetError(f"{path} holds none of {', '.join(sorted(wanted))}: name the folder or the archive that does")


def read_exactly(file: Readable, count: int) -> bytearray:
    """The next `count` bytes. Raises EOFError when there are fewer."""
    buffer = bytearray(count)
    at = 0
    while at < count:
        piece = file.read(min(PIECE_BYTES, count - at))
        if not piece:
            raise EOFError(f"{count - at:,} bytes are missing")
        buffer[at : at + len(piece)] = piece
        at += len(piece)
    return buffer


def read_names(content: bytes | bytearray) -> tuple[str, ...]:
    """The lines of a text file of class names, without the empty ones."""
    lines = content[:MAX_NAMES_BYTES].decode("utf-8", errors="replace").split("\n")
    return tuple(name for line in lines if (name := clean_name(line)))


def clean_name(text: str) -> str:
    """A name from outside as it is kept: shown as text, and not without end."""
    return printable(text.strip())[:MAX_NAME_LENGTH]


@contextmanager
def _told(path: Path) -> Generator[None]:
    """What goes wrong while something at `path` is read, as DataSetError."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataSetError(f"{path} cannot be read: {why}") from error


class FolderFiles:
    """The files of one folder; those below it are not seen."""

    flaw = None

    def __init__(self, path: Path) -> None:
        self.path = path

    def visit(self, wanted: Collection[str], look: Look) -> None:
        """Raises DataSetError."""
        for name in sorted(wanted):
            file = self.path / name
            with _told(file):
                if file.is_file():
                    with file.open("rb") as opened:
                        look(name, file.stat().st_size, opened)

    @contextmanager
    def reading(self) -> Generator[GoTo]:
        with _told(self.path), ExitStack() as opened:
            yield lambda name: opened.enter_context((self.path / name).open("rb"))


class TarFiles:
    """The files of a tar, wherever in it they lie. Nothing is written anywhere, whatever names it holds.

    A visit reads the whole archive once, to its end mark and checksum. Reading goes forward without cost; back, it
    unpacks from the beginning.
    """

    def __init__(self, path: Path, max_unpacked: int) -> None:
        self.path = path
        self.flaw: str | None = None
        self._max_unpacked = max_unpacked
        self._places: dict[str, int] = {}

    def visit(self, wanted: Collection[str], look: Look) -> None:
        """Raises DataSetError when nothing whole is found, for more than `max_unpacked` bytes, and for a name twice."""
        try:
            with _Unpacked(self.path, self._max_unpacked) as stream:
                self._walk(stream, wanted, look)
        except BROKEN as error:
            if not self._places:
                raise DataSetError(f"{self.path} is no tar that can be read ({error}): fetch it again") from error
            self.flaw = f"{self.path} is cut short or damaged ({error}): fetch it again"

    @contextmanager
    def reading(self) -> Generator[GoTo]:
        with _told(self.path), _Unpacked(self.path, self._max_unpacked) as stream:

            def go_to(name: str) -> Readable:
                stream.seek(self._places[name])
                return stream.content()

            yield go_to

    def _walk(self, stream: "_Unpacked", wanted: Collection[str], look: Look) -> None:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for number in range(MAX_ENTRIES + 1):
                stream.header_bytes = 0
                entry = tar.next()
                if entry is None:
                    break
                if entry.size < 0:
                    raise tarfile.ReadError("an entry has a negative size")
                if number == MAX_ENTRIES:
                    raise DataSetError(f"{self.path} holds more than {MAX_ENTRIES:,} files: it is another archive")
                name = PurePosixPath(entry.name).name
                if name not in wanted or not entry.isreg() or entry.issparse():
                    continue
                if name in self._places:
                    raise DataSetError(f"{self.path} holds {name} twice: it is not the original; fetch that")
                place = stream.tell()
                look(name, entry.size, stream.content())
                self._places[name] = place
        if stream.last.strip(b"\0") or len(stream.last) < tarfile.BLOCKSIZE:
            raise EOFError("its end mark is missing")
        while stream.content().read(PIECE_BYTES):
            stream.seek(stream.tell())  # gzip compares its checksum at the end, which must be within the limit


class _Unpacked(io.BufferedIOBase):
    """What a tar unpacks to, and no more than `max_bytes` of it.

    What is read by `read` is headers: `header_bytes` counts them, `last` is the one read last. `content` reads files.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.header_bytes = 0
        self.last = b""
        self._path = path
        self._max_bytes = max_bytes
        self._file = path.open("rb")
        packed = self._file.read(len(GZIP)) == GZIP
        self._file.seek(0)
        self._stream = gzip.GzipFile(fileobj=self._file, mode="rb") if packed else self._file

    def read(self, size: int | None = -1, /) -> bytes:
        self.header_bytes += size or 0
        if size is None or size < 0 or self.header_bytes > MAX_HEADER_BYTES:
            raise tarfile.ReadError("an entry's header is too large")
        self.last = self._stream.read(size)
        return self.last

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if offset > self._max_bytes:
            raise DataSetError(f"{self._path} unpacks to more than {self._max_bytes:,} bytes: it is another archive")
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def content(self) -> Readable:
        return self._stream

    def close(self) -> None:
        self._stream.close()
        self._file.close()
        super().close()
