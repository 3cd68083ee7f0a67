"""Files to embeddings at full speed: the decoder's children work ahead while the network computes."""

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml import images
from ml.decoder import Decoder
from ml.embedder import Embedder, NoDirection
from ml.images import PictureRefused
from ml.models.model import Preprocess

Key = TypeVar("Key")
Content = Path | bytes
Embedding = NDArray[np.float32]
Input = NDArray[np.generic]

BATCHES = 4
"""Batches gathered before the network computes, so that inputs of one shape find each other under `fit`."""
AHEAD_BYTES = 256 * 1024**2
"""Encoded bytes held at once: a folder of large scans keeps memory as flat as one of thumbnails."""
NO_DIRECTION = "the model finds nothing in this picture to tell it by"


def embed_files(
    embedder: Embedder, decoder: Decoder, files: Iterable[tuple[Key, Content]]
) -> Iterator[tuple[Key, Embedding | str]]:
    """(key, path or bytes) to (key, embedding `[d]`), lazily and in order; a plain reason where there is none.

    A picture that is refused, cannot be read or has no direction costs itself alone. While the network computes
    four of its batches, as many pictures are being decoded; memory does not grow with the number of files.
    Raises OutOfMemory when a single picture does not fit, and what `files` itself raises.
    """
    size = BATCHES * embedder.model.batch_size
    # With many cores the children would run dry on one batch's worth.
    ahead = max(size, 4 * (os.cpu_count() or 1))
    with closing(_prepare_ahead(decoder, embedder.model.preprocess, files, ahead)) as prepared:
        while chunk := list(islice(prepared, size)):
            found = embed_each(embedder, [one for _, one in chunk])
            yield from zip((key for key, _ in chunk), found, strict=True)


def embed_each(embedder: Embedder, prepared: Sequence[Input | str]) -> list[Embedding | str]:
    """The model's inputs to embeddings `[d]`, or the reason why there is none; reasons stay where they are."""
    inputs = [one for one in prepared if not isinstance(one, str)]
    try:
        found: list[Embedding | str] = list(embedder.embed(inputs))
    except NoDirection as error:
        found = list(error.embeddings)
        for position in error.positions:
            found[position] = NO_DIRECTION
    remaining = iter(found)
    return [one if isinstance(one, str) else next(remaining) for one in prepared]


def _prepare_ahead(
    decoder: Decoder, preprocess: Preprocess, files: Iterable[tuple[Key, Content]], ahead: int
) -> Generator[tuple[Key, Input | str]]:
    """The model's inputs, or reasons, in order, with up to `ahead` pictures under way behind the one that is given."""
    coming = iter(files)
    under_way: deque[tuple[Key, int, Future[Input]]] = deque()
    held_bytes = 0
    try:
        while True:
            while len(under_way) <= ahead and held_bytes < AHEAD_BYTES and (file := next(coming, None)) is not None:
                key, content = file
                size_bytes, future = _begin(decoder, preprocess, content)
                held_bytes += size_bytes
                under_way.append((key, size_bytes, future))
            if not under_way:
                return
            key, size_bytes, future = under_way.popleft()
            held_bytes -= size_bytes
            yield key, _input_or_reason(future)
    finally:
        for _, _, future in under_way:
            future.cancel()


def _begin(decoder: Decoder, preprocess: Preprocess, content: Content) -> tuple[int, Future[Input]]:
    """The encoded bytes that are held until the input is there, and the input to come."""
    try:
        data = content if isinstance(content, bytes) else _read(content)
    except PictureRefused as refused:
        future: Future[Input] = Future()
        future.set_exception(refused)
        return 0, future
    return len(data), decoder.submit_prepare(data, preprocess)


def _read(path: Path) -> bytes:
    """A file's bytes. Raises PictureRefused, for one too large before it is read: it may be a film."""
    limit = images.LIMITS.max_bytes
    try:
        size_bytes = path.stat().st_size
        if size_bytes > limit:
            raise PictureRefused(f"too large: {size_bytes / 1024**2:.0f} MiB; the limit is {limit / 1024**2:.0f} MiB")
        return path.read_bytes()
    except OSError as error:
        raise PictureRefused(f"cannot be read: {error.strerror or error}") from error


def _input_or_reason(future: Future[Input]) -> Input | str:
    try:
        return future.result()
    except PictureRefused as refused:
        return refused.reason
