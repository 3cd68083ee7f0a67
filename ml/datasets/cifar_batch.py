"""One file of CIFAR: its pictures and labels, or its class names, from a pickle or from the binary version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from ml.datasets.distribution import clean_name, read_names
from ml.datasets.items import DataSetError, Pixels
from ml.datasets.pickles import loads

SIDE = 32
VALUES = 3 * SIDE * SIDE
MAX_BYTES = 256 * 1024**2  # CIFAR-100's train, the largest, has 155 MB
MAX_LABEL = 255
PICKLED = b"\x80"  # how a pickle of protocol 2 or later begins; in the binary version it would be the label 128


@dataclass(frozen=True, slots=True)
class Batch:
    """The pictures of one file.

    `rows` is uint8 [n, 3072]: all red, then all green, then all blue, line by line. `labels` is uint8 [n, 1] for
    CIFAR-10, [n, 2] for CIFAR-100: fine, coarse. `names` are the original file names, empty in the binary version.
    """

    rows: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.rows)

    def pixels(self, index: int) -> Pixels:
        """A copy, [32, 32, 3]: what is kept of one picture does not keep the batch."""
        return np.ascontiguousarray(self.rows[index].reshape(3, SIDE, SIDE).transpose(1, 2, 0))


def read_batch(name: str, data: bytes | bytearray, label_keys: tuple[str, ...]) -> Batch:
    """The batch that a file holds, told by its content; `label_keys` are the pickle's keys of labels, fine first.

    Raises DataSetError, naming the file and what is wrong with it.
    """
    if not data:
        raise DataSetError(f"{name} is empty: fetch it again")
    return _read_pickled(name, data, label_keys) if data[:1] == PICKLED else _read_binary(name, data, len(label_keys))


def read_class_names(name: str, data: bytes | bytearray, key: str) -> tuple[str, ...]:
    """The class names in a `meta` pickle under `key`, or in a text file with a line each. Raises DataSetError."""
    names = loads(data, name, MAX_BYTES).get(key) if data[:1] == PICKLED else list(read_names(data))
    if not _is_texts(names) or not names or not all(map(clean_name, names)):
        raise DataSetError(f"{name} holds no list of names" + (f" under {key}" if key else ""))
    return tuple(map(clean_name, names))


def _read_pickled(name: str, data: bytes | bytearray, label_keys: tuple[str, ...]) -> Batch:
    table = loads(data, name, MAX_BYTES)
    rows = table.get("data")
    missing = [key for key in ("data", *label_keys) if key not in table]
    if missing:
        held = ", ".join(clean_name(key) for key in list(table)[:10])
        raise DataSetError(
            f"{name} holds no {' and no '.join(missing)}, but {held or 'nothing'}: is it another data set?"
        )
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2:
        raise DataSetError(f"{name} holds no pictures under data: an array of bytes in rows is needed")
    if rows.shape[1] != VALUES:
        raise DataSetError(f"{name} has rows of {rows.shape[1]} values; a picture has 3 x 32 x 32 = {VALUES}")
    labels = np.stack([_labels(name, key, table[key], len(rows)) for key in label_keys], axis=1)
    names = table.get("filenames", [])
    if not _is_texts(names) or len(names) not in (0, len(rows)):
        raise DataSetError(f"{name} holds file names that do not belong to its {len(rows)} pictures")
    return Batch(rows, labels, names)


def _labels(name: str, key: str, values: object, count: int) -> NDArray[np.uint8]:
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(listed, list) or not all(isinstance(one, int) for one in listed):
        raise DataSetError(f"{name} holds no list of whole numbers under {key}")
    if len(listed) != count:
        raise DataSetError(f"{name} holds {len(listed)} {key} for {count} pictures: one each is needed")
    for one in (min(listed, default=0), max(listed, default=0)):
        if not 0 <= one <= MAX_LABEL:
            raise DataSetError(f"{name} holds the label {one}, which is that of no class")
    return np.array(listed, np.uint8)


def _read_binary(name: str, data: bytes | bytearray, kinds: int) -> Batch:
    length = kinds + VALUES
    if len(data) % length:
        raise DataSetError(
            f"{name} has {len(data):,} bytes, which is no multiple of {length} (a picture with its labels): "
            "it is damaged or another data set; fetch the original again"
        )
    table = np.frombuffer(data, np.uint8).reshape(-1, length)
    # The binary version of CIFAR-100 states the coarse label first.
    return Batch(table[:, kinds:], table[:, :kinds][:, ::-1], ())


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
