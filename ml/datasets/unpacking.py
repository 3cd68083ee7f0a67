"""Unpacks an archive whose MD5 was found to be its makers': COCO's reader looks for files in a folder."""

import shutil
import zipfile
from pathlib import Path

from ml.datasets.items import DataSetError


def unpack(archive: Path, folder: Path) -> None:
    """The files of a ZIP below `folder`; those that are there in their full size are left alone.

    Raises DataSetError, for a name that leads out of the folder, too.
    """
    root = folder.resolve()
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                file = (root / entry.filename).resolve()
                if not file.is_relative_to(root):
                    raise DataSetError(
                        f"{archive} holds {entry.filename!r}, which leads out of its folder: it is not the official one"
                    )
                if entry.is_dir() or (file.is_file() and file.stat().st_size == entry.file_size):
                    continue
                file.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as packed, file.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataSetError(f"{archive} cannot be unpacked ({error}): remove it and fetch it again") from error
