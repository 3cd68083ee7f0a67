"""Sources: where an import's pictures are read from, by its kind, and how the same source is known again."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

from app.ingest.records import Kind
from ml.datasets.archive import read_archive
from ml.datasets.cifar import read_cifar
from ml.datasets.coco import read_coco
from ml.datasets.folder import read_folder
from ml.datasets.items import DataSet
from ml.datasets.sample import draw_sample
from ml.datasets.stl10 import read_stl10

Options = dict[str, Any]


def open_source(kind: Kind, path: Path, options: Options) -> DataSet:
    """The data set at `path`. Blocks. Raises DataSetError."""
    return _READERS[kind](path, options)


def fingerprint(kind: Kind, path: Path, options: Options) -> str | None:
    """What stays the same as long as the source gives the same entries in the same order; None: nobody can tell.

    Archives and batches are told by path, size and date; a folder of pictures may change in its midst.
    """
    if kind == "folder":
        return None
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.suffix in _LISTS)
    stats = [(str(one.resolve()), (stat := one.stat()).st_size, stat.st_mtime_ns) for one in files]
    return hashlib.sha256(repr((kind, sorted(options.items()), stats)).encode()).hexdigest()


_LISTS = ("", ".bin", ".json", ".meta", ".txt")  # what tells a data set's order, not its pictures


def _folder(path: Path, options: Options) -> DataSet:
    return read_folder(path, _labels_from(options))


def _archive(path: Path, options: Options) -> DataSet:
    return read_archive(path, labels_from="folder" if options.get("labels_from") == "folder" else None)


def _cifar(variant: Literal["cifar10", "cifar100"]) -> Callable[[Path, Options], DataSet]:
    return lambda path, options: read_cifar(path, variant, options.get("split", "all"))


def _coco(path: Path, options: Options) -> DataSet:
    return read_coco(
        path,
        annotations=_path(options, "annotations"),
        captions=_path(options, "captions"),
        images=_path(options, "images"),
        per_category=options.get("per_category"),
        seed=options.get("seed", 0),
    )


def _stl10(path: Path, options: Options) -> DataSet:
    return read_stl10(path, options.get("split", "all"))


def _sample(_path: Path, options: Options) -> DataSet:
    count = int(options["count"])
    return DataSet("The sample gallery", draw_sample(count), count)


def _path(options: Options, name: str) -> Path | None:
    return Path(options[name]) if options.get(name) else None


def _labels_from(options: Options) -> Literal["folder"] | Path | None:
    given = cast("str | None", options.get("labels_from"))
    return "folder" if given == "folder" else Path(given) if given else None


_READERS: dict[Kind, Callable[[Path, Options], DataSet]] = {
    "archive": _archive,
    "folder": _folder,
    "cifar10": _cifar("cifar10"),
    "cifar100": _cifar("cifar100"),
    "coco": _coco,
    "stl10": _stl10,
    "sample": _sample,
}
