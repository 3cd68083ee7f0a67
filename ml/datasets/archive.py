"""Archives of pictures, ZIP or tar, told by their content: nothing is ever unpacked to a disk."""

from pathlib import Path
from typing import Literal

from ml.datasets.caps import CAPS, Caps
from ml.datasets.items import DataSet, DataSetError
from ml.datasets.tar_archive import read_tar
from ml.datasets.zip_archive import read_zip

OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard",
    b"%PDF": "a PDF",
    b"\xff\xd8\xff": "a JPEG",
    b"\x89PNG": "a PNG",
}


def read_archive(path: Path, caps: Caps = CAPS, labels_from: Literal["folder"] | None = None) -> DataSet:
    """The files in an archive, in its order; hidden files, `__MACOSX` and SIDECARS are left out without a word.

    What may do harm (a name that leads out, a link, an archive in the archive, what goes beyond the caps) is a Flaw.
    Labels and captions come from the table at the archive's root (TABLE_NAMES; in a tar it stands before the
    pictures), and where it tells none, from the folders' names if they are wanted, the nearest first. In a ZIP an
    item's content is a callable, which raises PictureRefused where the entry is damaged; in a tar, bytes. Raises
    DataSetError.
    """
    if path.is_dir():
        raise DataSetError(f"{path} is a folder: import it as one")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DataSetError(f"{path} cannot be read: {error.strerror or error}") from error
    if not head:
        raise DataSetError(f"{path} is empty: fetch or upload it again")
    for magic, kind in OTHERS.items():
        if head.startswith(magic):
            raise DataSetError(f"{path} is {kind}; what is read here is ZIP and tar (.gz, .bz2, .xz)")
    read = read_zip if head.startswith(b"PK") or _is_program(head) else read_tar
    return read(path, caps, by_folder=labels_from == "folder")


def _is_program(head: bytes) -> bool:
    """Whether a program for Windows or Linux begins so: some unpack the ZIP behind them."""
    return head.startswith((b"MZ", b"\x7fELF"))
