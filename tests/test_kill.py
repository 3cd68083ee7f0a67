"""kill -9 of every process in the middle of an import: nothing is lost, and it can be run again."""

import os
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

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


def test_a_second_start_on_the_same_folder_says_so(site: Site) -> None:
    site.start()
    with site.spawn("up", port=site.port + 1) as second:
        _, said = second.communicate(timeout=60)
        assert second.returncode == 1
    assert b"Likeness already runs on" in said
    assert count_public(site) == 0
