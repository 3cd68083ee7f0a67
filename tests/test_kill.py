"""kill -9 of every process in the middle of an import: nothing is lost, and it can be run again."""

import hashlib
import os
import signal
import tempfile
import time
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest

from app.core.blobs import THUMBNAIL_WIDTHS, BlobStore
from app.ingest.pipeline import BATCH
from tests.browser.site import Site, wait_until
from tests.factories import picture

PICTURES = 120
KILLED_AFTER = 20


@pytest.fixture
def site() -> Generator[Site]:
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        Path(name).chmod(0o711)
        site = Site(Path(name))
        yield site
        site.kill()


def count_public(site: Site) -> int:
    return len(httpx.get(f"{site.url}/api/v1/images?limit=500").json()["images"])


def test_f1_everything_killed_in_the_middle_of_an_import(site: Site, tmp_path: Path) -> None:
    for seed in range(PICTURES):
        (tmp_path / f"{seed:03}.png").write_bytes(picture(seed, (480, 320)))
    command = ("import", "folder", str(tmp_path), "--collection", "Killed", "--visibility", "public")

    site.start()
    with site.spawn(*command) as importing:
        wait_until(lambda: count_public(site) >= KILLED_AFTER, 60)
        os.kill(importing.pid, signal.SIGKILL)
        site.kill()
    assert importing.wait() == -signal.SIGKILL

    site.start()
    kept = count_public(site)
    assert KILLED_AFTER <= kept < PICTURES
    again = site.run_json(*command)
    assert again == {"added": PICTURES - kept, "existing": kept, "refused": []}
    first = httpx.get(f"{site.url}/api/v1/images?limit=1").json()["images"][0]["image_id"]
    # Live within a second of the embedding's commit, which the import has waited for.
    similar = f"{site.url}/api/v1/images/{first}/similar?k={PICTURES}"
    wait_until(lambda: len(httpx.get(similar).json()["results"]) == PICTURES - 1, 5)
    assert site.run_json(*command) == {"added": 0, "existing": PICTURES, "refused": []}


def import_under_fire(site: Site, archive: Path, count: int, kills: int) -> None:
    """Kill an import of `count` pictures `kills` times, each time a little further on, and run it again each time."""
    random = np.random.default_rng(count)
    command = ("import", "zip", str(archive), "--collection", "Fire", "--no-wait", "--json")
    with psycopg.connect(site.conninfo, autocommit=True) as conn:
        killed = 0
        while killed < kills:
            here = count_images(conn)
            # What is committed comes by whole batches: a batch less than its share for each kill.
            target = here + int(random.integers(1, max(2, (count - here) // (kills - killed + 1) - BATCH)))
            with site.spawn(*command) as importing:
                wait_until(lambda goal=target: count_images(conn) >= goal, 120)
                time.sleep(random.uniform(0, 0.1))  # anywhere in what it does between two commits
                assert importing.poll() is None, "it was to be killed before its end"
                importing.kill()
            killed += 1
        kept = count_images(conn)
        assert kept < count
        ended = site.run_json(*command)
        assert ended == {"added": count - kept, "existing": kept, "refused": []}
        assert_whole(site, conn, count)


def count_images(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute("SELECT count(*) FROM image").fetchone()
    assert row is not None
    return row[0]


def assert_whole(site: Site, conn: psycopg.Connection[Any], count: int) -> None:
    """Every picture once, in its collection, counted, with its label and its files."""
    rows = conn.execute("SELECT digest FROM image").fetchall()
    assert len(rows) == len(set(rows)) == count
    tables = conn.execute(
        """
        SELECT (SELECT count(*) FROM collection_image), (SELECT files FROM usage), (SELECT position FROM import),
            (SELECT added FROM import), (SELECT count(*) FROM image_label)
        """
    ).fetchone()
    assert tables == (count,) * 5
    blobs = BlobStore(site.blobs)
    for (digest,) in rows:
        assert hashlib.sha256(blobs.original(digest).read_bytes()).digest() == digest
        assert all(blobs.thumbnail(digest, width).is_file() for width in THUMBNAIL_WIDTHS)


def write_archive(path: Path, count: int, size: tuple[int, int]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for seed in range(count):
            archive.writestr(f"drawn/{seed:05}.png", picture(seed, size))
        table = "\n".join(f"drawn/{seed:05}.png,drawn" for seed in range(count))
        archive.writestr("labels.csv", f"file,label\n{table}\n")


def test_f1_an_import_killed_five_times(site: Site, tmp_path: Path) -> None:
    write_archive(tmp_path / "drawn.zip", 500, (480, 320))
    site.start()
    import_under_fire(site, tmp_path / "drawn.zip", 500, 5)


@pytest.mark.heavy
def test_f1_a_large_import_killed_twenty_times(site: Site, tmp_path: Path) -> None:
    write_archive(tmp_path / "drawn.zip", 10_000, (64, 48))
    site.start()
    import_under_fire(site, tmp_path / "drawn.zip", 10_000, 20)


def test_a_second_start_on_the_same_folder_says_so(site: Site) -> None:
    site.start()
    with site.spawn("up", port=site.port + 1) as second:
        _, said = second.communicate(timeout=60)
        assert second.returncode == 1
    assert b"Likeness already runs on" in said
    assert count_public(site) == 0
