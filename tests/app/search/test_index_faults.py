"""Faults while an index is published: whatever dies or fails, the version in force serves, and the next build mends."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core import jobs
from app.search import builds
from app.search.live import Live
from app.search.records import IndexVersion
from tests.app.search.building import build, fill, folder_of, versions
from tests.app.search.conftest import Finder
from tests.factories import Gallery

ROOT = Path(__file__).parents[3]
KILLED = (
    pytest.param("rename,renameat,renameat2:signal=SIGKILL:when=1", id="at-the-rename"),
    pytest.param("fsync:signal=SIGKILL:when=1", id="at-the-first-fsync", marks=pytest.mark.heavy),
    pytest.param("fsync:signal=SIGKILL:when=4", id="before-the-rename"),
    pytest.param("fsync:signal=SIGKILL:when=5", id="after-the-rename", marks=pytest.mark.heavy),
)


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(8))
    await gallery.embed()
    return ids


@pytest.fixture(scope="session")
def strace() -> str:
    path = shutil.which("strace")
    if path is None:
        pytest.skip("no strace: apt-get install strace")
    tried = subprocess.run([path, "-qq", "-e", "trace=none", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()}")
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def build_faultily(strace: str, gallery: Gallery, conninfo: str, fault: str) -> subprocess.CompletedProcess[str]:
    """`likeness index build` in a process of its own, with a fault injected into its system calls."""
    calls = fault.split(":")[0]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LIKENESS_")},
        "LIKENESS_DATABASE_URL": conninfo,
        "LIKENESS_DATA_DIR": str(gallery.settings.data_dir),
        "LIKENESS_MODEL": "baseline",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # a module's cache is renamed, too
    }
    return subprocess.run(
        [
            *(strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={fault}"),
            *(sys.executable, "-m", "app.cli", "index", "build"),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def serves(live: Live, find: Finder, version: IndexVersion, ids: list[int]) -> None:
    """The version answers, as if nothing had been."""
    await live.refresh()
    assert live.current()[0].label == version.label
    assert (await find.like(3))[0] == ids[3]


async def mended(gallery: Gallery, live: Live, find: Finder, ids: list[int]) -> None:
    """The next build is put in force, and nothing but versions is left of those before it."""
    version = await build(gallery)
    await serves(live, find, version, ids)
    assert names_in(gallery.settings.indexes_dir) == {str(one.id) for one in await versions(gallery)}


@pytest.mark.parametrize("fault", KILLED)
async def test_f2_a_build_killed_while_it_publishes(
    strace: str, conninfo: str, gallery: Gallery, ids: list[int], live: Live, find: Finder, fault: str
) -> None:
    old = await build(gallery)
    done = build_faultily(strace, gallery, conninfo, fault)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [one.id for one in await versions(gallery)] == [old.id]
    left = names_in(gallery.settings.indexes_dir) - {str(old.id)}
    assert len(left) == 1, "what it was at stands there, without a row"
    await serves(live, find, old, ids)
    await mended(gallery, live, find, ids)


async def test_f3_a_disk_that_fails_to_write_through(
    strace: str, conninfo: str, gallery: Gallery, ids: list[int], live: Live, find: Finder
) -> None:
    old = await build(gallery)
    done = build_faultily(strace, gallery, conninfo, "fsync:error=EIO")
    assert done.returncode == 1
    assert "Input/output error" in done.stderr
    assert [one.id for one in await versions(gallery)] == [old.id]
    assert names_in(gallery.settings.indexes_dir) == {str(old.id)}
    async with gallery.intake.db.transaction() as conn:
        (job, *_) = await jobs.list_recent(conn, 1)
    assert (job.state, "Input/output error" in job.message) == ("failed", True)
    await serves(live, find, old, ids)
    await mended(gallery, live, find, ids)


@pytest.fixture
def small_disk(gallery: Gallery) -> Iterator[Path]:
    """The folder of indexes as a disk of 2 MiB."""
    folder = gallery.settings.indexes_dir
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_f4_a_full_disk(
    gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], small_disk: Path, live: Live, find: Finder
) -> None:
    old = await build(gallery)
    assert anna.account_id is not None
    await fill(gallery, anna.account_id, birds.id, 3_000)
    with pytest.raises(OSError, match="No space left"):
        await build(gallery)
    assert names_in(small_disk) == {str(old.id)}
    async with gallery.intake.db.transaction() as conn:
        (job, *_) = await jobs.list_recent(conn, 1)
    assert (job.state, "No space left" in job.message) == ("failed", True)
    await serves(live, find, old, ids)
    assert live.current()[0].index.count == 3_008
    mount("-o", "remount,size=64m", str(small_disk))
    await mended(gallery, live, find, ids)


async def test_a_version_deleted_while_a_process_answers_from_it(
    gallery: Gallery, ids: list[int], live: Live, find: Finder
) -> None:
    old = await build(gallery)
    await live.refresh()
    shutil.rmtree(folder_of(gallery, old))
    await serves(live, find, old, ids)
    await builds.build(gallery.intake.db, gallery.settings, (await gallery.model()).id, None)
    await live.refresh()
    assert live.current()[0].label != old.label
