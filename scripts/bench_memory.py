"""Whether memory stays flat while very many pictures go through."""

import os
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.models.registry import load_model
from ml.pipeline import embed_files
from scripts.bench_inputs import draw_jpeg
from scripts.bench_machine import resident_bytes

EVERY_S = 0.1
SHAPES = ((640, 480), (480, 640), (800, 600), (320, 240))


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """Resident bytes of this process and its children: the most around 10%, 50% and 100% of the time, and of all.

    `growth` is the share by which the end lies above the start.
    """

    pictures: int
    start_bytes: int
    middle_bytes: int
    end_bytes: int
    peak_bytes: int
    growth: float
    samples_bytes: list[int]


def measure_memory(checkpoint: Path, count: int) -> MemoryRow:
    """Embed `count` drawn pictures; `checkpoint` is best a small one, for it is the files that would pile up."""
    embedder = Embedder(load_model(str(checkpoint), cache_dir=checkpoint))
    drawn = [draw_jpeg(SHAPES[seed % len(SHAPES)], seed) for seed in range(16)]

    def contents() -> Iterator[tuple[int, bytes]]:
        # Copies, as if each had been read: that nothing keeps them is what is measured.
        return ((number, bytes(bytearray(data))) for number, data in enumerate(islice(cycle(drawn), count)))

    with Decoder(os.cpu_count() or 1) as decoder, sampling() as samples:
        for _ in embed_files(embedder, decoder, contents()):
            pass
    start, middle, end = (most_around(samples, share) for share in (0.1, 0.5, 1.0))
    return MemoryRow(count, start, middle, end, max(samples), end / start - 1, samples)


@contextmanager
def sampling() -> Generator[list[int]]:
    """The memory at every moment of the block."""
    samples = [resident_bytes(os.getpid())]
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(EVERY_S):
            samples.append(resident_bytes(os.getpid()))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def most_around(samples: list[int], share: float) -> int:
    """The most around this share of the time."""
    width = max(1, len(samples) // 20)
    middle = round(share * (len(samples) - 1))
    return max(samples[max(0, middle - width) : middle + width])
