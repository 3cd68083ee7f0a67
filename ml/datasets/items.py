"""What a data set gives: items, flaws, and the data set that they stand in. Nothing is decoded here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""[height, width, 3], sRGB, upright."""

Content = Path | bytes | Pixels | Callable[[], bytes]
"""An encoded picture (the file that holds it, its bytes, or what reads them when they are needed), or bare pixels."""


class DataSetError(Exception):
    """A data set that cannot be read, or not to its end; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where something is: its upper left corner and size, in pixels of the picture as displayed."""

    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Item:
    """A picture before it is decoded, with what the data set says of it.

    `name` is the file name shown to people, `source` its place in the data set ("caltech101/bass/1.jpg").
    `split` is "train", "test" …, or empty where the data set has no parts.
    """

    name: str
    source: str
    content: Content
    labels: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    split: str = ""
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something in a data set that cannot be taken in, and why, in a plain sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that was found: `items` come lazily, always in the same order, and raise DataSetError.

    `total` is how many items and flaws they are, where that is known. `checks` tells what was verified, a plain
    line each ("test_batch: MD5 confirmed").
    """

    title: str
    items: Iterable[Item | Flaw]
    total: int | None = None
    checks: tuple[str, ...] = ()
