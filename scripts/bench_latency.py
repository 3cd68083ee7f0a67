"""How long one picture takes from its bytes to its vector, alone and beside a process that embeds on all cores."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.models.registry import load_model
from ml.pipeline import embed_files

NICENESS = 10  # the gallery's worker runs with it


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Milliseconds of one query: the median, and what 99 of 100 stay below."""

    size: str
    beside: str
    queries: int
    p50_ms: float
    p99_ms: float


def measure_latency(checkpoint: Path, files: Sequence[Path], queries: int) -> list[LatencyRow]:
    """A query is a JPEG's bytes through the decoder and the network, as in the web process, one after another."""
    embedder = Embedder(load_model(str(checkpoint), cache_dir=checkpoint))
    contents = [file.read_bytes() for file in files]
    rows: list[LatencyRow] = []
    with Decoder(os.cpu_count() or 1) as decoder:
        for beside, company in (("nothing", nullcontext()), ("embedding", _embedding(checkpoint, files))):
            with company:
                _ask(embedder, decoder, contents[:4], 4)
                p50, p99 = np.percentile(_ask(embedder, decoder, contents, queries), (50, 99))
            rows.append(LatencyRow(checkpoint.name, beside, queries, 1000 * p50, 1000 * p99))
    return rows


def _ask(embedder: Embedder, decoder: Decoder, contents: Sequence[bytes], queries: int) -> list[float]:
    """Seconds of each query."""
    times: list[float] = []
    for data, _ in zip(cycle(contents), range(queries), strict=False):
        started = time.perf_counter()
        embedder.embed([decoder.submit_prepare(data, embedder.model.preprocess).result()])
        times.append(time.perf_counter() - started)
    return times


@contextmanager
def _embedding(checkpoint: Path, files: Sequence[Path]) -> Generator[None]:
    """Another process, of lower priority, that embeds files without end."""
    command = [sys.executable, __file__, checkpoint, *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it is under way
        try:
            yield
        finally:
            process.terminate()


def embed_forever(checkpoint: Path, files: Sequence[Path]) -> None:
    """What the other process does."""
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # an orderly end, with the decoder's children
    embedder = Embedder(load_model(str(checkpoint), cache_dir=checkpoint))
    with Decoder(os.cpu_count() or 1) as decoder:
        for number, _ in enumerate(embed_files(embedder, decoder, ((file, file) for file in cycle(files)))):
            if number == 0:
                print("embedding", flush=True)


if __name__ == "__main__":
    embed_forever(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
