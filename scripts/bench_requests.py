"""Searches over HTTP: latency on one connection, requests per second of several, and the engine's part in it."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from scripts.bench_gallery import Gallery
from scripts.bench_servers import Client, Server

K = 10
WARM_UP = 50


@dataclass(frozen=True, slots=True)
class Requests:
    """`engine_ms` is a search's mean in the engine as the server counts it, `engine_part` its part of a request's.

    `cpu_ms` is the servers' processor time per request; that of Postgres and of the clients comes on top.
    """

    servers: int
    clients: int
    requests: int
    per_s: float
    p50_ms: float
    p99_ms: float
    engine_ms: float
    engine_part: float
    cpu_ms: float


def measure_requests(gallery: Gallery, servers: Sequence[Server], clients: int, seconds: float) -> Requests:
    """`clients` threads, each with one connection, ask for what is like random pictures, k = 10, one after another.

    Raises RuntimeError when a request fails.
    """
    ends_at = time.perf_counter() + seconds
    before = [server.counted() for server in servers]
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        taken = threads.map(
            lambda place: _ask_until(gallery, servers[place % len(servers)], ends_at, place), range(clients)
        )
        times_ms = 1000 * np.concatenate([np.array(one) for one in taken])
    took_s = time.perf_counter() - started
    after = [server.counted() for server in servers]
    searches = sum(new.searches - old.searches for new, old in zip(after, before, strict=True))
    engine_ms = 1000 * sum(new.search_s - old.search_s for new, old in zip(after, before, strict=True)) / searches
    cpu_s = sum(new.cpu_s - old.cpu_s for new, old in zip(after, before, strict=True))
    p50, p99 = np.percentile(times_ms, (50, 99))
    return Requests(
        servers=len(servers),
        clients=clients,
        requests=len(times_ms),
        per_s=len(times_ms) / took_s,
        p50_ms=float(p50),
        p99_ms=float(p99),
        engine_ms=engine_ms,
        engine_part=engine_ms / float(times_ms.mean()),
        cpu_ms=1000 * cpu_s / len(times_ms),
    )


def warm_up(gallery: Gallery, servers: Sequence[Server]) -> None:
    """The first requests of a process find nothing prepared."""
    for server in servers:
        random = np.random.default_rng(0)
        with Client(server.port) as client:
            for _ in range(WARM_UP):
                client.similar(gallery.draw(random), K)


def _ask_until(gallery: Gallery, server: Server, ends_at: float, seed: int) -> list[float]:
    random = np.random.default_rng([1, seed])
    taken: list[float] = []
    with Client(server.port) as client:
        while not taken or time.perf_counter() < ends_at:
            image_id = gallery.draw(random)
            begun = time.perf_counter()
            answer = client.similar(image_id, K)
            taken.append(time.perf_counter() - begun)
            if answer.status != 200:
                raise RuntimeError(f"a search was answered by {answer.status}: {answer.body[:200]!r}")
    return taken
