"""Names of files in data sets: which lead astray, which nobody meant as pictures, and how they are shown."""

import re
import unicodedata
from collections.abc import Sequence

# Tables and notes that lie beside pictures: nobody meant them as pictures.
SIDECARS = frozenset(
    {".csv", ".tsv", ".json", ".jsonl", ".txt", ".md", ".xml", ".yaml", ".yml", ".html", ".ini", ".db"}
)
JUNK_FOLDER = "__MACOSX"
ARCHIVES = frozenset(
    {".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar", ".jar", ".cbz", ".lzma"}
)

_DRIVE = re.compile(r"[A-Za-z]:")
# They make a name read otherwise than it is: "gpj.exe" shown as "exe.jpg".
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def find_hazard(name: str) -> str | None:
    """Why a name with `/` between its parts may lead out of the folder it belongs to, or None."""
    if not name.rpartition("/")[2]:
        return "refused: it has no name"
    if name.startswith("/") or _DRIVE.match(name):
        return "refused: its name is an absolute path"
    if "\\" in name:
        return "refused: its name holds a backslash"
    if ".." in name.split("/"):
        return "refused: its name leads out of the folder (..)"
    return None


def is_junk(parts: Sequence[str]) -> bool:
    """Whether a file is hidden, a table or a note, or what a Mac leaves in archives."""
    if any((part.startswith(".") and part != ".") or part == JUNK_FOLDER for part in parts):
        return True
    return _suffix(parts[-1]) in SIDECARS


def is_archive_name(name: str) -> bool:
    """Whether a file is an archive by its name."""
    return _suffix(name) in ARCHIVES


def printable(name: str) -> str:
    """The name with `�` for what is no character or moves the text around it; emoji and all scripts stay."""
    if name.isprintable():
        return name
    return "".join("�" if _is_unprintable(character) else character for character in name)


def _suffix(name: str) -> str:
    """What stands behind the last dot, with it: pathlib's takes a microsecond more, which counts at 200,000 names."""
    return name[name.rfind(".") :].lower()


def _is_unprintable(character: str) -> bool:
    return character in _DIRECTIONS or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
