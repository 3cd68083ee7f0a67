"""Small CIFAR and STL-10 archives in every version that is distributed, made from one set of random pictures."""

import io
import pickle
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.datasets.cifar_layout import LAYOUTS, Variant


@dataclass(frozen=True)
class Rows:
    """The content of one batch: uint8 [n, 3072], labels as the pickles name them, file names."""

    data: NDArray[np.uint8]
    labels: dict[str, list[int]]
    names: list[str]


def random_rows(variant: Variant, count: int, seed: int) -> Rows:
    generator = np.random.default_rng(seed)
    labels = {key: generator.integers(0, len(names), count).tolist() for key, names in LAYOUTS[variant].classes.items()}
    names = [f"thing_s_{seed:02}{index:04}.png" for index in range(count)]
    return Rows(generator.integers(0, 256, (count, 3072), np.uint8), labels, names)


def pickled(rows: Rows, label: str = "training batch") -> bytes:
    """A batch as Python 2 wrote it."""
    return python2_pickle({"batch_label": label, **rows.labels, "data": rows.data, "filenames": rows.names})


def binary(rows: Rows) -> bytes:
    """A batch of the binary version: coarse before fine."""
    labels = np.array([*rows.labels.values()][::-1], np.uint8).T
    return np.concatenate([labels, rows.data], axis=1).tobytes()


def python2_pickle(table: Mapping[str, str | int | list[int] | list[str] | NDArray[np.uint8]]) -> bytes:
    """What Python 2's cPickle writes with protocol 2, of numpy 1."""
    memo = iter(range(1, 1_000_000))
    parts = [b"\x80\x02}", _put(next(memo)), b"("]
    for key, value in table.items():
        parts += [_python2(key), _put(next(memo))]
        if isinstance(value, list):
            parts += [b"]", _put(next(memo)), b"("]
            for one in value:
                parts += [_python2(one)] + ([_put(next(memo))] if isinstance(one, str) else [])
            parts.append(b"e")
        elif isinstance(value, np.ndarray):
            raw = value.tobytes()
            parts += [b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"K\0\x85U\x01b\x87R"]
            parts += [b"(K\x01", *(_python2(side) for side in value.shape), b"\x86"]
            parts += [
                b"cnumpy\ndtype\n",
                b"U\x02u1K\0K\x01\x87R",
                b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
            ]
            parts += [b"\x89T", struct.pack("<i", len(raw)), raw, b"tb"]
        else:
            parts.append(_python2(value))
    return b"".join([*parts, b"u."])


def _python2(value: str | int) -> bytes:
    if isinstance(value, str):
        return b"U" + bytes([len(value)]) + value.encode("latin-1")
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def _put(index: int) -> bytes:
    return pickle.BINPUT + bytes([index]) if index < 256 else pickle.LONG_BINPUT + struct.pack("<I", index)


def cifar_files(variant: Variant, batches: Mapping[str, Rows], *, in_python: bool) -> dict[str, bytes]:
    """The files of an archive by their names, with those of the class names."""
    if in_python:
        names = {one.key: list(LAYOUTS[variant].classes[one.label_key]) for one in LAYOUTS[variant].names if one.key}
        meta = "batches.meta" if variant == "cifar10" else "meta"
        return {**{name: pickled(rows) for name, rows in batches.items()}, meta: python2_pickle(names)}
    lists = {
        one.file: "\n".join([*LAYOUTS[variant].classes[one.label_key], "", ""]).encode()
        for one in LAYOUTS[variant].names
        if not one.key
    }
    return {**{f"{name}.bin": binary(rows) for name, rows in batches.items()}, **lists}


def stl10_files(pictures: Mapping[str, NDArray[np.uint8]], labels: Mapping[str, list[int]]) -> dict[str, bytes]:
    """STL-10's files: pictures [n, 96, 96, 3] are stored colour by colour, column by column."""
    names = b"airplane\nbird\ncar\ncat\ndeer\ndog\nhorse\nmonkey\nship\ntruck\n"
    return {
        **{f"{split}_X.bin": many.transpose(0, 3, 2, 1).tobytes() for split, many in pictures.items()},
        **{f"{split}_y.bin": bytes(many) for split, many in labels.items()},
        "class_names.txt": names,
    }


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def write_tar(path: Path, folder: str, files: Mapping[str, bytes], mode: Literal["w", "w:gz"] = "w:gz") -> Path:
    """A tar of the files in the order given."""
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path
