"""The pictures of a run: read once to see which can be used, then cropped anew in each epoch, ahead of need."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.datasets.items import DataSet, Flaw, Pixels
from ml.decoder import Decoder
from ml.images import PictureRefused
from ml.models.model import Preprocess
from ml.models.preprocess import CentreCrop
from ml.training.config import TrainingError

LEAST = 2
AHEAD = 2
"""Batches cropped while one is computed."""
_LOOK = CentreCrop(32, 32)

Input = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to learn from: a file, its bytes, or bare pixels; `label` only for the probes, empty without one."""

    name: str
    content: Path | bytes | Pixels
    label: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A picture that is left out, and why."""

    name: str
    reason: str


def read_pictures(dataset: DataSet) -> tuple[list[Picture], list[Refused]]:
    """The items of a data set, with their first label, and its flaws. Raises DataSetError.

    What comes out of an archive is held in memory from here on: unpack large ones first.
    """
    pictures: list[Picture] = []
    refused: list[Refused] = []
    for one in dataset.items:
        if isinstance(one, Flaw):
            refused.append(Refused(one.source, one.reason))
        else:
            content = one.content() if callable(one.content) else one.content
            pictures.append(Picture(one.source, content, one.labels[0] if one.labels else ""))
    return pictures, refused


class Studio:
    """Pictures to a network's input by the decoder's children; bare pixels in this process, which costs less."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def submit(self, picture: Picture, preprocess: Preprocess) -> Future[Input]:
        """The input to come; the future raises PictureRefused."""
        content = picture.content
        future: Future[Input] = Future()
        try:
            if isinstance(content, Path):
                return self._decoder.submit_prepare(content.read_bytes(), preprocess)
            if isinstance(content, bytes):
                return self._decoder.submit_prepare(content, preprocess)
            future.set_result(preprocess(Image.fromarray(content)))
        except OSError as error:
            future.set_exception(PictureRefused(f"cannot be read: {error.strerror or error}"))
        return future

    def each(self, work: Iterable[tuple[Picture, Preprocess]], ahead: int) -> Iterator[Input | str]:
        """Inputs in order, or the reason why there is none, with up to `ahead` under way."""
        under_way: deque[Future[Input]] = deque()
        coming = iter(work)
        try:
            while True:
                while len(under_way) < ahead and (one := next(coming, None)) is not None:
                    under_way.append(self.submit(*one))
                if not under_way:
                    return
                future = under_way.popleft()
                try:
                    yield future.result()
                except PictureRefused as refused:
                    yield refused.reason
        finally:
            for future in under_way:
                future.cancel()

    def batches(self, batches: Iterable[Sequence[tuple[Picture, Preprocess]]]) -> Iterator[list[Input]]:
        """The inputs of each batch, those that cannot be had left out, with AHEAD batches under way."""
        under_way: deque[list[Future[Input]]] = deque()
        coming = iter(batches)
        try:
            while True:
                while len(under_way) <= AHEAD and (batch := next(coming, None)) is not None:
                    under_way.append([self.submit(*one) for one in batch])
                if not under_way:
                    return
                yield [one for one in map(_input_or_none, under_way.popleft()) if one is not None]
        finally:
            for futures in under_way:
                for future in futures:
                    future.cancel()


def survey(pictures: Sequence[Picture], studio: Studio) -> tuple[list[Picture], list[Refused]]:
    """The pictures that can be decoded, and the others. Raises TrainingError when fewer than two can."""
    looks = studio.each(((picture, _LOOK) for picture in pictures), ahead=64)
    kept: list[Picture] = []
    refused: list[Refused] = []
    for picture, found in zip(pictures, looks, strict=True):
        if isinstance(found, str):
            refused.append(Refused(picture.name, found))
        else:
            kept.append(picture)
    if len(kept) < LEAST:
        why = f"; the first of {len(refused)} that cannot: {refused[0].name}: {refused[0].reason}" if refused else ""
        raise TrainingError(
            f"{len(kept)} of {len(pictures)} pictures can be used, and training needs at least {LEAST}{why}"
        )
    return kept, refused


def fingerprint(pictures: Sequence[Picture]) -> str:
    """Hex hash over names and labels, by which a run that is gone on with knows its pictures again."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.name}\0{picture.label}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _input_or_none(future: Future[Input]) -> Input | None:
    try:
        return future.result()
    except PictureRefused:
        return None  # it was there when the run began: its batch is smaller now
