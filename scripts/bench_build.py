"""A build of the index from Postgres, in a process of its own: seconds of each phase, and memory."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from app.core.database import Database
from app.core.logs import configure_logs
from app.core.settings import read_settings
from app.embedding import service as embedding
from app.search import builds, store
from app.search.index import ivf
from scripts.bench_gallery import Gallery

NICENESS = "10"  # the worker's, under `likeness up`
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Build:
    """`phases_s`: seconds by phase; `read_s` of them went by waiting for Postgres. `peak_bytes`: of resident memory,
    beyond what the process had when it began."""

    count: int
    nlist: int
    layout: str
    recall: float
    version: str
    total_s: float
    phases_s: dict[str, float]
    read_s: float
    peak_bytes: int
    index_bytes: int
    peak_per_index: float


def start_build(gallery: Gallery) -> "subprocess.Popen[str]":
    """Begin a build in a niced process of its own, as the worker's is."""
    command = ["nice", "-n", NICENESS, sys.executable, "-m", "scripts.bench_build"]
    return subprocess.Popen(command, cwd=ROOT, env=gallery.environment, stdout=subprocess.PIPE, text=True)


def finish_build(process: "subprocess.Popen[str]") -> Build:
    """Wait for its end. Raises CalledProcessError when it failed."""
    said, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Build(**json.loads(said.splitlines()[-1]))


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.phases_s: dict[str, float] = {}
        self.read_s = 0.0
        self._phase, self._since = "opening", time.perf_counter()

    def enter(self, phase: str) -> None:
        if phase != self._phase:
            now = time.perf_counter()
            self.phases_s[self._phase] = self.phases_s.get(self._phase, 0) + now - self._since
            self._phase, self._since = phase, now

    def reading(self, chunks: Iterable[Any]) -> Iterable[Any]:
        chunks, begun = iter(chunks), time.perf_counter()
        for chunk in chunks:
            self.read_s += time.perf_counter() - begun
            yield chunk
            begun = time.perf_counter()
        self.read_s += time.perf_counter() - begun


def _watched(clock: _Clock) -> Callable[..., ivf.BuiltIndex]:
    """`ivf.build`, which tells its phases, with the clock beside it: the source is opened when one begins."""
    build = ivf.build

    def run(source: ivf.Source, *, n: int, exact_below: int, progress: ivf.Progress, **options: Any) -> ivf.BuiltIndex:
        passes = iter(["adding"] if n <= exact_below else ["sampling", "adding"])

        def opened() -> Iterable[Any]:
            clock.enter(next(passes))
            return clock.reading(source())

        def told(fraction: float, phase: str) -> None:
            if phase in ("training", "measuring"):
                clock.enter(phase)
            progress(fraction, phase)

        built = build(opened, n=n, exact_below=exact_below, progress=told, **options)
        clock.enter("publishing")
        return built

    return run


@contextmanager
def _timed() -> Generator[_Clock]:
    clock = _Clock()
    with patch.object(ivf, "build", _watched(clock)):
        yield clock
    clock.enter("")


async def _build() -> Build:
    settings = read_settings()
    assert settings.database_url is not None
    async with Database(settings.database_url) as db:
        model = await embedding.active_model(db)
        assert model is not None
        before = _begin_peak()
        started = time.perf_counter()
        with _timed() as clock:
            await builds.build(db, settings, model.id, None, reason="a benchmark asks for it")
        total_s = time.perf_counter() - started
        peak = _memory_bytes("VmHWM") - before
        async with db.transaction() as conn:
            version = (await store.list_versions(conn, model.id))[0]
    told = version.manifest
    size = int(told["size_bytes"])
    return Build(
        count=int(told["count"]),
        nlist=int(told["nlist"]),
        layout=str(told["layout"]),
        recall=float(told["recall"]),
        version=version.label,
        total_s=total_s,
        phases_s=clock.phases_s,
        read_s=clock.read_s,
        peak_bytes=peak,
        index_bytes=size,
        peak_per_index=peak / size,
    )


def _begin_peak() -> int:
    """Let VmHWM count from here. Returns what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory_bytes("VmRSS")


def _memory_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    configure_logs("warning")
    print(json.dumps(asdict(asyncio.run(_build()))))
