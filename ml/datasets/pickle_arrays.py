"""What arrays in a pickle are made of: three calls, answered by functions of ours that check kind, shape and size."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.datasets.items import DataSetError

T = TypeVar("T")
Array = NDArray[np.uint8] | NDArray[np.int32] | NDArray[np.int64]

DTYPES = ("u1", "i4", "i8")


@dataclass(frozen=True, slots=True)
class Name:
    """What a pickle asks Python for: a class or a function."""

    module: str
    name: str


@dataclass(slots=True)
class Kind:
    """A dtype: its name without, and its byte order as numpy writes it."""

    name: str
    order: str = "|"


@dataclass(slots=True)
class Announced:
    """An array that a pickle announces first and fills later."""

    values: Array | None = None


NDARRAY = Name("numpy", "ndarray")
DTYPE = Name("numpy", "dtype")
# numpy 2 says _core; what numpy 1 and Python 2 wrote says core.
RECONSTRUCT = (Name("numpy.core.multiarray", "_reconstruct"), Name("numpy._core.multiarray", "_reconstruct"))
FROM_BUFFER = (Name("numpy.core.numeric", "_frombuffer"), Name("numpy._core.numeric", "_frombuffer"))
NAMES = frozenset({NDARRAY, DTYPE, *RECONSTRUCT, *FROM_BUFFER})


def expect(kind: type[T], value: object) -> T:
    """The value, if it is of that kind. Raises TypeError."""
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} in place of {kind.__name__}")
    return value


def call(function: Name, arguments: tuple[object, ...]) -> Kind | Announced:
    """What a pickle's call of one of NAMES gives. Raises DataSetError, and ValueError for what makes no sense."""
    if function in RECONSTRUCT and arguments[0] == NDARRAY:
        return Announced()
    if function in FROM_BUFFER:
        raw, kind, shape, order = arguments
        return Announced(_array(raw, kind, shape, by_columns=order == "F"))
    if function != DTYPE:
        raise DataSetError(f"calls {function.module}.{function.name}, which no CIFAR file needs")
    if arguments[0] not in DTYPES:
        raise DataSetError("holds an array of another kind than whole numbers: fetch the original again")
    return Kind(expect(str, arguments[0]))


def fill(target: object, state: tuple[object, ...]) -> None:
    """Give an array its numbers, or a dtype its byte order. Raises as `call`."""
    if isinstance(target, Announced):
        _, shape, kind, by_columns, raw = state
        target.values = _array(raw, kind, shape, by_columns=bool(expect(int, by_columns)))
    else:
        order = expect(str, state[1])
        expect(Kind, target).order = order if order in ("<", ">") else "|"


def _array(raw: object, kind: object, shape: object, *, by_columns: bool) -> Array:
    """The array that lies in `raw`. Raises DataSetError where the shape and the bytes disagree."""
    stated = expect(Kind, kind)
    dtype = np.dtype(stated.order.strip("|") + stated.name)
    sides = [expect(int, side) for side in expect(tuple, shape)]
    content = raw.encode("latin-1") if isinstance(raw, str) else expect(memoryview, raw)
    # Two at most before they are multiplied: the product of many would be a number without end.
    if (
        len(sides) not in (1, 2)
        or min(sides) < 0
        or dtype.itemsize * sides[0] * sides[-1] ** (len(sides) - 1) != len(content)
    ):
        shown = " x ".join(str(side) for side in sides[:3])
        raise DataSetError(
            f"holds an array of {shown} numbers in {len(content):,} bytes, which cannot be: fetch the original again"
        )
    return np.frombuffer(content, dtype).reshape(sides, order="F" if by_columns else "C")
