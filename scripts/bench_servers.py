"""Web servers for benchmarks: real `likeness serve` processes, what they count, and the memory they share."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scripts.bench_gallery import METRICS_TOKEN, Gallery

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 120.0  # a gallery without an index reads a million vectors first
STOP_TIMEOUT_S = 30.0
TIMEOUT_S = 30.0
POLL_S = 0.1
Process = subprocess.Popen[bytes]
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ ")


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and what was said; 0 where there was no answer at all."""

    status: int
    body: bytes

    @property
    def index(self) -> str:
        """The version that a search was answered by."""
        return json.loads(self.body)["index"]

    @property
    def image_ids(self) -> list[int]:
        return [one["image_id"] for one in json.loads(self.body)["results"]]


class Client:
    """One connection to a server, kept open for the block, and opened again where it was closed."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        """The answer; an error of the connection is one of status 0."""
        try:
            self._connection.request(method, path, headers=headers or {})
            answered = self._connection.getresponse()
            return Answer(answered.status, answered.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(0, str(error).encode())

    def similar(self, image_id: int, k: int) -> Answer:
        return self.ask("GET", f"/api/v1/images/{image_id}/similar?k={k}")


@dataclass(frozen=True, slots=True)
class Counted:
    """What a server has counted since its start."""

    searches: float
    search_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Of the mapped files of the index: `shared_bytes` stand in other processes, too; `pss_bytes` is a fair part.

    `anonymous_bytes` is all memory of the process behind which no file stands: it is its own alone.
    """

    rss_bytes: int
    pss_bytes: int
    shared_bytes: int
    shared_part: float
    anonymous_bytes: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running `likeness serve`."""

    pid: int
    port: int

    def counted(self) -> Counted:
        """Its own counts, from /metrics."""
        with Client(self.port) as client:
            answer = client.ask("GET", "/metrics", {"Authorization": f"Bearer {METRICS_TOKEN}"})
        lines = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#"))
        names = ("likeness_search_seconds_count", "likeness_search_seconds_sum", "process_cpu_seconds_total")
        return Counted(*(float(lines[name]) for name in names))

    def memory(self, indexes_dir: Path) -> Memory:
        """What it has mapped of the files below `indexes_dir`."""
        sums, rest = _mapped(self.pid, str(indexes_dir))
        rss, shared = sums["Rss"], sums["Shared_Clean"] + sums["Shared_Dirty"]
        return Memory(rss, sums["Pss"], shared, shared / rss if rss else 0.0, rest["Anonymous"])


@contextmanager
def serving(gallery: Gallery, count: int) -> Generator[Sequence[Server]]:
    """`count` servers on the gallery, started together and ready to answer. Raises RuntimeError when one is not."""
    with ExitStack() as stack:
        started = [stack.enter_context(_started(gallery)) for _ in range(count)]
        for process, port in started:
            _wait_until_ready(process, port)
        yield [Server(process.pid, port) for process, port in started]


@contextmanager
def _started(gallery: Gallery) -> Generator[tuple[Process, int]]:
    port = _free_port()
    environment = {**gallery.environment, "LIKENESS_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "app.cli", "serve"], cwd=ROOT, env=environment)
    try:
        yield process, port
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: Process, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with Client(port) as client:
        while client.ask("GET", "/readyz").status != 200:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the web server does not become ready")
            time.sleep(POLL_S)


def _mapped(pid: int, folder: str) -> tuple[dict[str, int], dict[str, int]]:
    """Sums of /proc/PID/smaps in bytes: of the mappings of files below `folder`, and of all others."""
    names = ("Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Anonymous")
    inside: dict[str, int] = dict.fromkeys(names, 0)
    outside: dict[str, int] = dict.fromkeys(names, 0)
    sums = outside
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if _MAPPING.match(line):
            sums = inside if folder in line else outside
        else:
            name, value = line.split(":", 1)
            if name in sums:
                sums[name] += int(value.split()[0]) * 1024
    return inside, outside


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
