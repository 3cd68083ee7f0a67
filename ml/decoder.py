"""Decoding in child processes, for ingest and for embedding."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml import images, metadata, perceptual
from ml.crop import Crop, load_crop
from ml.datasets.items import Pixels
from ml.decoder_pool import DecoderPool
from ml.images import Decoded
from ml.metadata import Bare
from ml.models.model import Preprocess

WIDTHS = (256, 512, 1024)
# Three copies of the largest picture allowed, and what the libraries themselves take.
MEMORY_BYTES = 3 * 1024**3

CHUNK = 16
CHUNK_BYTES = 256 * 1024
"""A trip to a child costs this process 0.15 ms of a core, and a picture of 32 x 32 takes 0.32 ms to inspect: one by
one, two children on two cores did 3,200 such pictures a second, by 16 at once 5,500, by 32 no more. Photos go alone."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What ingest keeps of a picture: size in pixels as displayed, `digest_of` it, WebPs by width.

    The perceptual hash is of the narrowest thumbnail's pixels before their encoding: of the same file and widths it
    is always the same. `original` is the file made of bare pixels; None where a file was given.
    """

    format: str
    width: int
    height: int
    digest: bytes
    perceptual_hash: bytes
    thumbnails: dict[int, bytes]
    original: bytes | None = None


class Decoder:
    """The one pool of child processes that decodes, so that a crash, a hang or a bomb costs one picture.

    A picture on which a child dies is tried once more by itself, then refused; one that takes longer than
    `timeout_s` is refused at once. DecoderPool tells of the children. All methods may be called from any thread.
    """

    def __init__(
        self, workers: int, timeout_s: float = 30, memory_bytes: int = MEMORY_BYTES, niceness: int = 0
    ) -> None:
        self._pool = DecoderPool(workers, timeout_s, memory_bytes, niceness)

    def submit_inspect(self, content: bytes | Pixels, widths: Sequence[int] = WIDTHS) -> Future[Inspected]:
        """Decode once, fully; thumbnails by asked width, never enlarged. The future raises PictureRefused."""
        return self._pool.submit(inspect, [(content, tuple(widths))])[0]

    def submit_inspect_many(
        self, contents: Sequence[bytes | Pixels], widths: Sequence[int] = WIDTHS
    ) -> list[Future[Inspected]]:
        """As `submit_inspect` of each, small pictures by several at once; none is the worse for its neighbours."""
        futures: list[Future[Inspected]] = []
        for chunk in _chunks(contents):
            futures += self._pool.submit(inspect, [(content, tuple(widths)) for content in chunk])
        return futures

    def submit_prepare(
        self, data: bytes, preprocess: Preprocess, crop: Crop | None = None
    ) -> Future[NDArray[np.generic]]:
        """Decode and preprocess all of a picture, or a part, into one model input. The future raises PictureRefused."""
        return self._pool.submit(prepare, [(data, preprocess, crop)])[0]

    def submit_strip(self, data: bytes) -> Future[Bare]:
        """The same picture without metadata (`metadata.strip`). The future raises PictureRefused."""
        return self._pool.submit(metadata.strip, [(data,)])[0]

    def close(self) -> None:
        """End the children at once; what is not finished is cancelled."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def digest_of(content: bytes | Pixels) -> bytes:
    """What a picture is told apart by: SHA-256 of a file's bytes.

    Of bare pixels, that of their height, "x", width and a line feed in ASCII ("32x32\\n"), then of the pixels row by
    row, RGB: whatever writes their PNG, it is the same.
    """
    if isinstance(content, bytes):
        return hashlib.sha256(content).digest()
    height, width, _ = content.shape
    digest = hashlib.sha256(f"{height}x{width}\n".encode("ascii"))
    digest.update(content.tobytes())
    return digest.digest()


def inspect(content: bytes | Pixels, widths: tuple[int, ...]) -> Inspected:
    """What `Decoder.submit_inspect` does, in this process."""
    if isinstance(content, bytes):
        original = None
        # Half as wide again as the widest thumbnail is as sharp to the eye as the full size, and 2-4x faster.
        decoded = images.decode(content, at_least=lambda _width, _height: (max(widths) * 3 // 2, 1))
    else:
        original = images.encode_png(content)
        height, width, _ = content.shape
        decoded = Decoded(Image.fromarray(content), "PNG", width, height)
    smaller = decoded.image
    thumbnails: dict[int, bytes] = {}
    for width in sorted(widths, reverse=True):
        wider, smaller = smaller, images.shrink(smaller, width)
        # A picture narrower than two of the widths has one thumbnail for both.
        same = smaller.size == wider.size and thumbnails
        thumbnails[width] = min(thumbnails.items())[1] if same else images.encode_webp(smaller, width)
    perceptual_hash = perceptual.hash_of(smaller)
    return Inspected(
        decoded.format, decoded.width, decoded.height, digest_of(content), perceptual_hash, thumbnails, original
    )


def prepare(data: bytes, preprocess: Preprocess, crop: Crop | None = None) -> NDArray[np.generic]:
    """What `Decoder.submit_prepare` does, in this process."""
    if crop is not None:
        return preprocess(load_crop(data, crop, preprocess.size))
    return preprocess(images.load(data, resized_to=preprocess.size))


def _chunks(contents: Sequence[bytes | Pixels]) -> Iterator[list[bytes | Pixels]]:
    """In order, each of at most CHUNK pictures and, but for a single one, CHUNK_BYTES."""
    chunk: list[bytes | Pixels] = []
    size_bytes = 0
    for content in contents:
        more = len(content) if isinstance(content, bytes) else content.nbytes
        if chunk and (len(chunk) == CHUNK or size_bytes + more > CHUNK_BYTES):
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(content)
        size_bytes += more
    if chunk:
        yield chunk
