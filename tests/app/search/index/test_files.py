"""Publishing and opening: whole or not at all, and nothing damaged is ever opened."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.search.index import BuiltIndex, Index, IndexDamaged, build, open_published, publish, remove_version
from tests.app.search.index.galleries import DIM, clustered

FILES = ["index.faiss", "positions.npy", "spreads.npy", "manifest.json"]


@pytest.fixture
def built() -> BuiltIndex:
    vectors = clustered(300)
    return build(lambda: [(np.arange(300), vectors)], dim=DIM, n=300, exact_below=100)


@pytest.fixture
def version(built: BuiltIndex, tmp_path: Path) -> Path:
    directory = tmp_path / "1"
    publish(built, directory, seq=1, model_identity="baseline@1")
    return directory


def test_what_was_published_is_opened(built: BuiltIndex, version: Path):
    main, manifest = open_published(version)
    assert (manifest.seq, manifest.model_identity, manifest.dim, manifest.count) == (
        1,
        "baseline@1",
        DIM,
        300,
    )
    assert (manifest.nlist, manifest.nprobe, manifest.recall) == (
        built.nlist,
        built.setting.nprobe,
        built.setting.recall,
    )
    assert manifest.size_bytes == sum((version / name).stat().st_size for name in FILES[:3])
    assert main.present.ids().tolist() == list(range(300))
    assert (main.vectors(np.arange(300)) == clustered(300)).all()


def test_publish_tells_what_open_reads(built: BuiltIndex, tmp_path: Path):
    manifest = publish(built, tmp_path / "7", seq=3, model_identity="m")
    assert open_published(tmp_path / "7")[1] == manifest


def test_an_empty_index_is_published_and_opened(tmp_path: Path):
    publish(build(list, dim=DIM, n=0), tmp_path / "1", seq=0, model_identity="m")
    assert Index.open(tmp_path / "1").count == 0


def test_a_version_is_published_once(built: BuiltIndex, version: Path):
    with pytest.raises(FileExistsError):
        publish(built, version, seq=2, model_identity="m")
    assert open_published(version)[1].seq == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_noticed(version: Path, name: str, place: float, bit: int):
    damaged = version.with_name("damaged")
    shutil.copytree(version, damaged, dirs_exist_ok=True)
    content = bytearray((damaged / name).read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (damaged / name).write_bytes(content)
    with pytest.raises(IndexDamaged):
        open_published(damaged)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_cut_file_is_noticed(version: Path, name: str, kept: float):
    path = version / name
    os.truncate(path, int(path.stat().st_size * kept))
    with pytest.raises(IndexDamaged, match=r"bytes|manifest"):
        open_published(version)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_noticed(version: Path, name: str):
    (version / name).unlink()
    with pytest.raises(IndexDamaged, match="cannot be read"):
        open_published(version)


def test_the_manifest_of_another_version_is_noticed(version: Path):
    other = version.with_name("2")
    rows = clustered(300, seed=5)
    publish(build(lambda: [(np.arange(300), rows)], dim=DIM, n=300), other, seq=2, model_identity="m")
    shutil.copy(other / "manifest.json", version / "manifest.json")
    with pytest.raises(IndexDamaged, match=r"bytes|changed"):
        open_published(version)


def test_a_damaged_file_is_never_given_to_faiss(version: Path, monkeypatch: pytest.MonkeyPatch):
    def read_index(*_args: object) -> None:
        pytest.fail("FAISS was given a file that does not fit its checksum")

    content = bytearray((version / "index.faiss").read_bytes())
    content[-9] ^= 1
    (version / "index.faiss").write_bytes(content)
    monkeypatch.setattr(faiss, "read_index", read_index)
    with pytest.raises(IndexDamaged, match="changed"):
        open_published(version)


KILLED_AT_RENAME = """
import os, signal, sys
from pathlib import Path
import numpy as np
from app.search.index import build, publish
Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
rows = np.eye(16, dtype=np.float32)
publish(build(lambda: [(np.arange(16), rows)], dim=16, n=16), Path(sys.argv[1]), seq=2, model_identity="m")
"""


def test_killed_before_the_rename_the_old_one_serves(built: BuiltIndex, version: Path):
    second = version.with_name("2")
    child = subprocess.run([sys.executable, "-c", KILLED_AT_RENAME, str(second)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert sorted(path.name for path in version.parent.iterdir()) == [".2.partial", "1"]
    assert Index.open(version).count == 300
    with pytest.raises(IndexDamaged):
        open_published(second)
    publish(built, version.with_name("3"), seq=3, model_identity="m")
    assert sorted(path.name for path in version.parent.iterdir()) == ["1", "3"], "what was left is cleared"


def test_all_is_on_the_disk_before_it_appears(built: BuiltIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def seen_fsync(descriptor: int) -> None:
        steps.append(str(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path)))
        fsync(descriptor)

    def seen_rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "rename", seen_rename)
    publish(built, tmp_path / "2", seq=2, model_identity="m")
    assert steps == [*(f".2.partial/{name}" for name in FILES), ".2.partial", "rename", "."]


def test_a_failing_disk_leaves_nothing_behind(built: BuiltIndex, version: Path, monkeypatch: pytest.MonkeyPatch):
    def fsync(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output"):
        publish(built, version.with_name("2"), seq=2, model_identity="m")
    assert [path.name for path in version.parent.iterdir()] == ["1"]


def test_a_full_disk_leaves_nothing_behind(built: BuiltIndex, version: Path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            publish(built, version.with_name("2"), seq=2, model_identity="m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in version.parent.iterdir()] == ["1"]
    assert Index.open(version).count == 300


def test_a_removed_version_still_serves_who_has_it_open(version: Path):
    index = Index.open(version)
    remove_version(version)
    assert list(version.parent.iterdir()) == []
    assert index.search(clustered(300)[5], 1).ids.tolist() == [5]
    with pytest.raises(FileNotFoundError):
        remove_version(version)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_mapped_index_takes_no_memory_of_its_own(tmp_path: Path):
    vectors = clustered(40_000, dim=128)
    built = build(lambda: [(np.arange(40_000), vectors)], dim=128, n=40_000, layout="panorama")
    manifest = publish(built, tmp_path / "1", seq=1, model_identity="m")
    script = """
import sys
from pathlib import Path
from app.search.index import Index
def anonymous():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon"))
before = anonymous()
index = Index.open(Path(sys.argv[1]))
print(anonymous() - before)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "1")], capture_output=True, text=True, check=True, timeout=60
    )
    assert manifest.size_bytes > 20e6
    assert int(run.stdout.split()[-1]) * 1024 < manifest.size_bytes / 3
