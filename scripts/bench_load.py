"""The drill: searches while the index is built anew and swapped, and while pictures are trashed and restored."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from app.accounts.identity import SESSION_COOKIE
from scripts.bench_build import Build, finish_build, start_build
from scripts.bench_gallery import PAIRS, Gallery
from scripts.bench_ledger import Ledger, Search, Seen, judge
from scripts.bench_requests import K
from scripts.bench_servers import Client, Server

MOVE_EVERY_S = 0.05
IN_TRASH = 15
"""At that pace each is in the trash for 1.5 seconds, and out of it for 4.5: both longer than the second of grace."""

SWAP_TIMEOUT_S = 60.0
QUIET_PART = 0.15  # of the time before the first build, and at least as much after the last one
LEAST_PAUSE_S = 1.0
REASONS = 5


@dataclass(frozen=True, slots=True)
class Load:
    """What went wrong (`Seen`), and how long searches took, outside builds and during them: until all servers had
    swapped. `build_s` and `swap_s` are of the slowest."""

    seconds: float
    servers: int
    clients: int
    searches: int
    failures: int
    stale: int
    missing: int
    leaked: int
    gone_checks: int
    back_checks: int
    moves: int
    builds: int
    build_s: float
    swap_s: float
    outside_p50_ms: float
    outside_p99_ms: float
    during_p50_ms: float
    during_p99_ms: float
    reasons: list[str]


class Drill:
    """Clients, a mover and builds, on running servers whose index has been built before."""

    def __init__(self, gallery: Gallery, servers: Sequence[Server], clients: int) -> None:
        self._gallery = gallery
        self._servers = servers
        self._clients = clients
        self._ledger = Ledger()
        self._ended = threading.Event()
        self._building = threading.Event()

    def run(self, seconds: float) -> Load:
        """For `seconds`, or until a build that is under way then has been swapped in everywhere."""
        started = time.perf_counter()
        with ThreadPoolExecutor(self._clients + 1) as threads:
            clients = [threads.submit(self._search, place) for place in range(self._clients)]
            mover = threads.submit(self._move)
            try:
                builds, swaps_s = self._build_often(started + seconds, QUIET_PART * seconds)
            finally:
                self._ended.set()
            seen = [client.result() for client in clients]
            moves, refused = mover.result()
        return self._sum(time.perf_counter() - started, [*seen, refused], moves, builds, swaps_s)

    def _build_often(self, ends_at: float, quiet_s: float) -> tuple[list[Build], list[float]]:
        """As many builds as fit, at least one, with pauses as long as a build takes; all threads go on meanwhile."""
        time.sleep(quiet_s)
        builds: list[Build] = []
        swaps_s: list[float] = []
        while True:
            began = time.perf_counter()
            self._building.set()
            builds.append(finish_build(start_build(self._gallery)))
            swaps_s.append(self._wait_for_swap(builds[-1].version))
            self._building.clear()
            took_s = time.perf_counter() - began
            pause_s = max(LEAST_PAUSE_S, took_s)
            if time.perf_counter() + pause_s + took_s + quiet_s > ends_at:
                break
            time.sleep(pause_s)
        time.sleep(max(quiet_s, ends_at - time.perf_counter()))
        return builds, swaps_s

    def _wait_for_swap(self, version: str) -> float:
        """Seconds until the last server answers by this version. Raises TimeoutError."""
        started = time.perf_counter()
        for server in self._servers:
            with Client(server.port) as client:
                while (answer := client.similar(1, K)).status != 200 or answer.index != version:
                    if time.perf_counter() > started + SWAP_TIMEOUT_S:
                        raise TimeoutError(f"a server does not take up {version}: {answer.body[:200]!r}")
                    time.sleep(0.05)
        return time.perf_counter() - started

    def _search(self, place: int) -> Seen:
        """One search after another, until the drill ends."""
        random, seen = np.random.default_rng([2, place]), Seen()
        with Client(self._servers[place % len(self._servers)].port) as client:
            while not self._ended.is_set():
                self._search_once(client, random, seen)
        return seen

    def _search_once(self, client: Client, random: np.random.Generator, seen: Seen) -> None:
        """For one of the originals whose near copies are moved, or for any other picture: half and half."""
        original, copy = self._gallery.pairs[random.integers(PAIRS)]
        image_id = original if random.random() < 0.5 else self._gallery.draw(random)
        during, began = self._building.is_set(), time.perf_counter()
        answer = client.similar(image_id, K)
        ended = time.perf_counter()
        if answer.status != 200:
            seen.fail(f"search: {answer.status} {answer.body[:200]!r}")
            return
        seen.times.append((ended - began, during))
        judge(
            Search(began, ended, answer.image_ids, copy if image_id == original else None),
            self._ledger,
            self._gallery,
            seen,
        )

    def _move(self) -> tuple[int, Seen]:
        """Trash near copies and restore them, in turn. Returns how many moves were made."""
        seen, moves = Seen(), 0
        with Client(self._servers[0].port) as client:
            for image_id, is_trashed in self._turns():
                if self._ended.is_set():
                    break
                due = time.perf_counter() + MOVE_EVERY_S
                moves += self._move_once(client, image_id, seen, is_trashed=is_trashed)
                time.sleep(max(0.0, due - time.perf_counter()))
        return moves, seen

    def _move_once(self, client: Client, image_id: int, seen: Seen, *, is_trashed: bool) -> bool:
        headers = {"Cookie": f"{SESSION_COOKIE}={self._gallery.session}", "Sec-Fetch-Site": "same-origin"}
        verb = "trash" if is_trashed else "restore"
        move = self._ledger.begin(image_id, is_trashed=is_trashed)
        answer = client.ask("POST", f"/images/{image_id}/{verb}", headers)
        if answer.status != 303:
            seen.fail(f"{verb}: {answer.status} {answer.body[:200]!r}")
            return False
        move.done = time.perf_counter()
        return True

    def _turns(self) -> Iterator[tuple[int, bool]]:
        """Trash one, restore the one that has been in the trash for longest, and so on, round and round."""
        in_trash: deque[int] = deque()
        for _, copy in cycle(self._gallery.pairs):
            in_trash.append(copy)
            yield copy, True
            if len(in_trash) == IN_TRASH:
                yield in_trash.popleft(), False

    def _sum(self, seconds: float, seen: list[Seen], moves: int, builds: list[Build], swaps_s: list[float]) -> Load:
        outside = [taken for one in seen for taken, during in one.times if not during]
        inside = [taken for one in seen for taken, during in one.times if during]
        (outside_p50, outside_p99), (p50, p99) = (1000 * np.percentile(times, (50, 99)) for times in (outside, inside))
        return Load(
            seconds=seconds,
            servers=len(self._servers),
            clients=self._clients,
            searches=len(outside) + len(inside),
            failures=sum(one.failures for one in seen),
            stale=sum(one.stale for one in seen),
            missing=sum(one.missing for one in seen),
            leaked=sum(one.leaked for one in seen),
            gone_checks=sum(one.gone_checks for one in seen),
            back_checks=sum(one.back_checks for one in seen),
            moves=moves,
            builds=len(builds),
            build_s=max(build.total_s for build in builds),
            swap_s=max(swaps_s),
            outside_p50_ms=float(outside_p50),
            outside_p99_ms=float(outside_p99),
            during_p50_ms=float(p50),
            during_p99_ms=float(p99),
            reasons=[reason for one in seen for reason in one.reasons][:REASONS],
        )
