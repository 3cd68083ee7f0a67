"""Drills of the embed job on a running gallery: its worker killed in mid-batch, and searches during a long run."""

import concurrent.futures
import os
import signal
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest

from tests.browser.site import Site, wait_until
from tests.factories import picture
from tests.ml.checkpoints import make_network

EVERY_PICTURE_ONCE = """
    SELECT (SELECT count(*) FROM embedding WHERE model_id = %(model)s),
        (SELECT count(DISTINCT image_id) FROM embedding WHERE model_id = %(model)s),
        (SELECT count(*) FROM change_log WHERE kind = 'embedded' AND model_id = %(model)s),
        (SELECT count(DISTINCT image_id) FROM change_log WHERE kind = 'embedded' AND model_id = %(model)s),
        (SELECT count(*) FROM embedding_attempt WHERE model_id = %(model)s)
"""


@pytest.fixture
def site() -> Generator[Site]:
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        Path(name).chmod(0o711)
        site = Site(Path(name))
        yield site
        site.kill()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_network(tmp_path_factory.mktemp("networks") / "tiny", num_hidden_layers=1))


def fill(site: Site, folder: Path, count: int) -> None:
    folder.mkdir()
    for seed in range(count):
        (folder / f"{seed:05}.png").write_bytes(picture(seed, (64, 48)))
    site.run("import", "folder", str(folder), "--collection", "Many", "--visibility", "public")


def kill_in_mid_batch(site: Site, tiny: str, count: int, kills: int) -> None:
    """Kill the worker `kills` times while it embeds by a second model; the supervisor starts it again each time."""
    with psycopg.connect(site.conninfo, autocommit=True) as conn, site.spawn("embed", "--model", tiny) as embedding:
        killed = 0
        # Each time a few more pictures are done: the batch that is under way then is what dies.
        while killed < kills:
            target = (killed + 1) * count // (kills + 2)
            wait_until(lambda goal=target: _embedded_by(conn, tiny) >= goal, 120)
            os.kill(site.worker().pid, signal.SIGKILL)
            killed += 1
        embedding.wait(300)
        wait_until(lambda: _embedded_by(conn, tiny) == count, 120)
        (model_id,) = conn.execute("SELECT id FROM model WHERE name = %s", (tiny,)).fetchone() or (0,)
        rows = conn.execute(EVERY_PICTURE_ONCE, {"model": model_id}).fetchone()
    assert rows == (count, count, count, count, 0)


def _embedded_by(conn: psycopg.Connection[tuple[object, ...]], name: str) -> int:
    row = conn.execute(
        "SELECT count(*) FROM embedding JOIN model ON model.id = model_id WHERE model.name = %s", (name,)
    ).fetchone()
    return int(str(row[0])) if row else 0


def test_b6_a_worker_killed_in_mid_batch_leaves_one_vector_each(site: Site, tiny: str, tmp_path: Path) -> None:
    site.start()
    fill(site, tmp_path / "pictures", 250)
    kill_in_mid_batch(site, tiny, count=250, kills=2)


@pytest.mark.heavy
def test_b6_a_worker_killed_ten_times_leaves_one_vector_each(site: Site, tiny: str, tmp_path: Path) -> None:
    site.start()
    fill(site, tmp_path / "pictures", 3000)
    kill_in_mid_batch(site, tiny, count=3000, kills=10)


@pytest.mark.heavy
def test_b19_no_search_fails_while_ten_thousand_pictures_are_embedded(
    site: Site, tiny: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Four clients search by upload all the while; the latencies are told, not judged."""
    tell = pytestconfig.get_terminal_writer()
    site.start()
    fill(site, tmp_path / "pictures", 10_000)

    def ask(client: httpx.Client, seed: int) -> float:
        started = time.perf_counter()
        answer = client.post(f"{site.url}/api/v1/search", files={"file": picture(seed, (64, 48))}, data={"k": "5"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["results"][0]["score"] > 0.99
        return time.perf_counter() - started

    def ask_until(done: concurrent.futures.Future[str], first: int) -> list[float]:
        taken: list[float] = []
        with httpx.Client(timeout=30) as client:
            while not done.done():
                taken.append(ask(client, (first + 4 * len(taken)) % 10_000))
        return taken

    with httpx.Client(timeout=30) as client:
        alone = [ask(client, seed) for seed in range(100)]
    with concurrent.futures.ThreadPoolExecutor(5) as threads:
        embedding = threads.submit(site.run, "embed", "--model", tiny)
        asking = [threads.submit(ask_until, embedding, first) for first in range(4)]
        during = [taken for one in asking for taken in one.result(1200)]
        said = embedding.result()
    assert said.startswith("10000 embedded")
    assert len(during) > 100
    for name, taken in (("alone", alone), ("4 clients during the run", during)):
        p50, p99 = np.percentile(taken, (50, 99)) * 1000
        tell.line(f"{name}: {len(taken)} searches, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    tell.line(said)
