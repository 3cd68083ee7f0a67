"""COCO's annotation files, read compactly: which pictures there are, with which boxes and captions.

Each entry is read from its own bytes, so that one that is wrong costs itself; what is not kept (`segmentation`, areas)
is passed over, and the rest goes into arrays: 114 MB (190,000 boxes in 26,000 pictures) with 20 MB of captions take
0.6 s and 138 MiB at the peak, most of which is the file itself, where `json.load` takes 2.2 s and 670 MiB.
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from ml.datasets.items import Box, DataSetError, Flaw
from ml.datasets.names import printable

T = TypeVar("T")
Id = int | str


class _File(msgspec.Struct):
    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw] = []
    categories: list[msgspec.Raw] = []


class _Image(msgspec.Struct):
    id: Id
    file_name: str


class _Category(msgspec.Struct):
    id: Id
    name: str


class _Instance(msgspec.Struct):
    image_id: Id
    category_id: Id
    id: Id | None = None
    bbox: msgspec.Raw = msgspec.Raw(b"null")


class _Caption(msgspec.Struct):
    image_id: Id
    caption: str
    id: Id | None = None


_BOX = msgspec.json.Decoder(tuple[float, float, float, float])


class Annotations:
    """What one set's files say, by the index of a picture in `file_names`, and a Flaw for what is wrong in them."""

    def __init__(self) -> None:
        self.file_names: list[str] = []
        self.categories: list[str] = []
        self.flaws: list[Flaw] = []
        self._indices: dict[Id, int] = {}
        self._boxes = _Groups()
        self._box_categories = array("q")
        self._box_sides = array("d")  # x, y, width and height of each box
        self._captions = _Groups()
        self._texts = bytearray()  # all captions; where each ends
        self._text_ends = array("q", [0])

    def boxes(self, picture: int) -> tuple[Box, ...]:
        """Of one picture, in the file's order."""
        rows = self._boxes.rows(picture)
        return tuple(
            Box(self.categories[self._box_categories[row]], *self._box_sides[4 * row : 4 * row + 4]) for row in rows
        )

    def captions(self, picture: int) -> tuple[str, ...]:
        """Of one picture, in the file's order, each once."""
        ends = self._text_ends
        texts = (self._texts[ends[row] : ends[row + 1]].decode() for row in self._captions.rows(picture))
        return tuple(dict.fromkeys(texts))

    def shown(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which picture shows which category, by box: two arrays [boxes] of indices."""
        return self._boxes.pictures(), np.array(self._box_categories, np.int64)

    def read_instances(self, file: Path) -> str:
        """Take in the pictures, categories and boxes of a file; returns what it held. Raises DataSetError."""
        content = _decode(file)
        self._read_images(content, file.name)
        numbers = self._read_categories(content, file.name)
        for place, annotation in self._entries(content.annotations, _Instance, "annotation", file.name):
            picture, category = self._indices.get(annotation.image_id), numbers.get(annotation.category_id)
            try:
                sides = _BOX.decode(annotation.bbox)
            except msgspec.DecodeError:
                sides = None
            if picture is None or category is None:
                of_what = f"picture {annotation.image_id}" if picture is None else f"category {annotation.category_id}"
                self.flaws.append(Flaw(place, f"it is of {printable(of_what)}, which {file.name} does not list"))
            elif sides is None:
                self.flaws.append(Flaw(place, "its box (bbox) is not four finite numbers"))
            else:
                self._boxes.append(picture)
                self._box_categories.append(category)
                self._box_sides.extend(sides)
        used = len(set(self._box_categories))
        return f"{len(self.file_names)} pictures, {len(self._box_categories)} boxes, {used} categories used"

    def read_captions(self, file: Path) -> str:
        """Take in the captions of a file, and its pictures where there are none yet. Raises DataSetError."""
        content = _decode(file)
        if not self.file_names:
            self._read_images(content, file.name)
        for place, annotation in self._entries(content.annotations, _Caption, "annotation", file.name):
            picture = self._indices.get(annotation.image_id)
            if picture is None:
                reason = f"its caption in {file.name} is of picture {annotation.image_id}, which is not listed"
                self.flaws.append(Flaw(place, printable(reason)))
            elif text := annotation.caption.strip():
                self._captions.append(picture)
                self._texts += text.encode()
                self._text_ends.append(len(self._texts))
        return f"{len(self._text_ends) - 1} captions"

    def _read_images(self, content: _File, file: str) -> None:
        for _, image in self._entries(content.images, _Image, "picture", file):
            if image.id in self._indices:
                reason = f"{file} lists two pictures with the id {image.id}; this is the second"
                self.flaws.append(Flaw(printable(image.file_name), printable(reason)))
            else:
                self._indices[image.id] = len(self.file_names)
                self.file_names.append(image.file_name)

    def _read_categories(self, content: _File, file: str) -> dict[Id, int]:
        """The categories' place in `categories`, by id."""
        numbers: dict[Id, int] = {}
        for _, category in self._entries(content.categories, _Category, "category", file):
            if name := category.name.strip():
                numbers.setdefault(category.id, len(self.categories))
                self.categories.append(name)
        return numbers

    def _entries(self, raw: list[msgspec.Raw], kind: type[T], noun: str, file: str) -> Iterator[tuple[str, T]]:
        """Each with what it is called ("annotation 123"); one that is not as it should be is a Flaw."""
        decoder = msgspec.json.Decoder(kind)
        for number, one in enumerate(raw, 1):
            try:
                entry = decoder.decode(one)
            except (msgspec.DecodeError, RecursionError) as error:
                self.flaws.append(
                    Flaw(f"{noun} number {number}", f"{file} says it in a way that is not COCO's: {error}")
                )
            else:
                stated = getattr(entry, "id", None)
                yield f"{noun} {number if stated is None else printable(str(stated))}", entry


class _Groups:
    """Rows that each belong to a picture, found by picture once all are there."""

    def __init__(self) -> None:
        self._pictures = array("q")
        self._order: NDArray[np.int64] | None = None
        self._sorted: NDArray[np.int64] = np.empty(0, np.int64)

    def append(self, picture: int) -> None:
        self._pictures.append(picture)
        self._order = None

    def pictures(self) -> NDArray[np.int64]:
        return np.array(self._pictures, np.int64)

    def rows(self, picture: int) -> list[int]:
        if self._order is None:
            pictures = self.pictures()
            self._order = np.argsort(pictures, kind="stable")
            self._sorted = pictures[self._order]
        first, last = np.searchsorted(self._sorted, [picture, picture + 1])
        return self._order[first:last].tolist()


def labels_of(boxes: tuple[Box, ...]) -> tuple[str, ...]:
    """What a picture shows, each once, the most frequent first."""
    return tuple(label for label, _ in Counter(box.label for box in boxes).most_common())


def _decode(file: Path) -> _File:
    expected = "a COCO file has the lists `images`, `annotations` and `categories`"
    try:
        return msgspec.json.decode(file.read_bytes(), type=_File)
    except OSError as error:
        raise DataSetError(f"{file} cannot be read: {error.strerror or error}") from error
    except msgspec.ValidationError as error:
        raise DataSetError(f"{file} is not of COCO: {error}; {expected}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DataSetError(f"{file} is not JSON: {error}; {expected}; fetch it again") from error
