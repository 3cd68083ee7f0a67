"""Fetching weights: a download that breaks off is gone on with, and whatever goes wrong names its remedy."""

import errno
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from ml.models import weights
from ml.models.model import ModelUnavailable
from ml.models.registry import BASELINE, REGISTRY
from tests.ml.hub import LocalHub

SMALL = replace(REGISTRY["dinov2-small"], size_bytes=1000)


class Usage(NamedTuple):
    """As `shutil.disk_usage` gives it, in bytes."""

    total: int
    used: int
    free: int


def ignore(_done: int, _total: int) -> None:
    """No progress is shown."""


def sizes_of(folder: Path) -> dict[str, int]:
    return {file: (folder / file).stat().st_size for file in weights.FILES}


def test_weights_are_fetched_with_progress(hub: LocalHub, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    folder = weights.fetch(SMALL, tmp_path, lambda done, total: steps.append((done, total)))
    assert weights.find(SMALL, tmp_path) == folder == tmp_path / "dinov2-small"
    for file in weights.FILES:
        assert (folder / file).read_bytes() == (hub.folder / file).read_bytes()
    assert len(steps) > 10
    assert steps == sorted(steps)
    assert steps[-1] == (sum(sizes_of(hub.folder).values()),) * 2
    assert {file.name for file in folder.iterdir()} - set(weights.FILES) <= {".lock"}
    weights.fetch(SMALL, tmp_path, ignore)
    assert dict(hub.sent) == sizes_of(hub.folder)


def test_a_download_that_breaks_off_is_gone_on_with(hub: LocalHub, tmp_path: Path) -> None:
    hub.cut_after = 300_000
    with pytest.raises(ModelUnavailable, match="try again, which goes on where it broke off"):
        weights.fetch(SMALL, tmp_path, ignore)
    assert weights.find(SMALL, tmp_path) is None
    first = hub.sent["model.safetensors"]
    assert first == 300_000
    hub.repair()
    steps: list[int] = []
    folder = weights.fetch(SMALL, tmp_path, lambda done, _total: steps.append(done))
    whole = sizes_of(hub.folder)
    # What had arrived is not sent again, but for the piece that was being written.
    assert hub.sent["model.safetensors"] - first <= whole["model.safetensors"] - first + 16 * 1024
    assert hub.sent["config.json"] == whole["config.json"]
    assert (folder / "model.safetensors").read_bytes() == (hub.folder / "model.safetensors").read_bytes()
    assert steps[-1] == sum(whole.values())


def test_what_two_fetch_at_once_is_sent_once(hub: LocalHub, tmp_path: Path) -> None:
    threads = [threading.Thread(target=weights.fetch, args=(SMALL, tmp_path, ignore)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict(hub.sent) == sizes_of(hub.folder)


def test_weights_that_have_changed_on_the_hub_are_not_mixed(
    hub: LocalHub, networks: dict[str, Path], tmp_path: Path
) -> None:
    hub.cut_after = 300_000
    with pytest.raises(ModelUnavailable):
        weights.fetch(SMALL, tmp_path, ignore)
    hub.repair()
    hub.folder = networks["swiglu"]
    folder = weights.fetch(SMALL, tmp_path, ignore)
    assert (folder / "model.safetensors").read_bytes() == (hub.folder / "model.safetensors").read_bytes()


def test_a_file_that_arrives_damaged_is_fetched_anew(hub: LocalHub, tmp_path: Path) -> None:
    hub.damages = True
    with pytest.raises(ModelUnavailable, match=r"config\.json arrived damaged"):
        weights.fetch(SMALL, tmp_path, ignore)
    hub.repair()
    folder = weights.fetch(SMALL, tmp_path, ignore)
    assert (folder / "config.json").read_bytes() == (hub.folder / "config.json").read_bytes()
    file = folder / "model.safetensors"
    file.write_bytes(bytes(file.stat().st_size))
    weights.fetch(SMALL, tmp_path, ignore)
    weights.check_whole(file)


@pytest.mark.usefixtures("hub")
def test_what_the_hub_does_not_hold_names_the_remedy(tmp_path: Path) -> None:
    base = replace(REGISTRY["dinov2-base"], size_bytes=1000)
    with pytest.raises(
        ModelUnavailable, match=rf"cannot be fetched.* or put config\.json.* into {tmp_path}/dinov2-base"
    ):
        weights.fetch(base, tmp_path, ignore)


def test_a_hub_that_is_not_there_names_the_remedy(hub: LocalHub, tmp_path: Path) -> None:
    hub.__exit__(None, None, None)
    with pytest.raises(ModelUnavailable, match="facebook/dinov2-small cannot be fetched: try again"):
        weights.fetch(SMALL, tmp_path, ignore)


def test_a_descriptor_has_nothing_to_fetch(tmp_path: Path) -> None:
    weights.fetch(BASELINE, tmp_path, ignore)
    assert list(tmp_path.iterdir()) == []


def test_offline_fetching_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE is set: unset it, or put"):
        weights.fetch(SMALL, tmp_path, ignore)


def test_without_room_nothing_is_begun(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _folder: Usage(10**9, 0, 80_000_000))
    said = r"the disk is full: dinov2-small needs 88 MB in \S+/dinov2-small, 80 MB are free; make room"
    with pytest.raises(ModelUnavailable, match=said):
        weights.fetch(REGISTRY["dinov2-small"], tmp_path, ignore)
    assert not hub.sent


def test_what_has_come_already_needs_no_room(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.cut_after = 300_000
    spec = replace(SMALL, size_bytes=sum(sizes_of(hub.folder).values()))
    with pytest.raises(ModelUnavailable):
        weights.fetch(spec, tmp_path, ignore)
    hub.repair()
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _folder: Usage(10**9, 0, spec.size_bytes - 250_000))
    weights.fetch(spec, tmp_path, ignore)


@pytest.mark.usefixtures("hub")
def test_a_disk_without_room_for_the_folder_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ModelUnavailable, match="the disk is full"):
        weights.fetch(SMALL, tmp_path / "not" / "made", ignore)


FULL_DISK = """
import subprocess, sys
from dataclasses import replace
from pathlib import Path
from huggingface_hub import constants
from ml.models import weights
from ml.models.model import ModelUnavailable
from ml.models.registry import REGISTRY

cache = Path(sys.argv[1])
constants.DOWNLOAD_CHUNK_SIZE = 16 * 1024
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", cache], check=True)
spec = replace(REGISTRY["dinov2-small"], size_bytes=1000)
try:
    weights.fetch(spec, cache, lambda _done, _total: None)
except ModelUnavailable as error:
    print(error)
subprocess.run(["mount", "-o", "remount,size=4m", cache], check=True)
print(weights.fetch(spec, cache, lambda _done, _total: None).joinpath("model.safetensors").stat().st_size)
"""


def test_a_disk_that_fills_up_on_the_way_is_named_and_gone_on_with(hub: LocalHub, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs unshare -rm, which is not permitted here")
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "PYTHONPATH": str(Path.cwd())}
    answer = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", FULL_DISK, tmp_path],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    said, size = answer.stdout.splitlines()
    assert said.startswith("the disk is full: dinov2-small needs 0 MB")
    assert "make room and fetch it again, which goes on where it broke off" in said
    whole = sizes_of(hub.folder)["model.safetensors"]
    assert int(size) == whole
    # The first attempt was sent what it had no room for, or part of it; the second began where writing had ended.
    assert hub.sent["model.safetensors"] < 2 * whole - 250_000
