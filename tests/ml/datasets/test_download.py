"""Fetching official archives: gone on with, compared, moved into place whole, and every failure with its remedy."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from ml.datasets import download
from ml.datasets.checksums import md5
from ml.datasets.download import OFFICIAL, fetch
from ml.datasets.items import DataSetError
from tests.ml.datasets.server import LocalServer

CONTENT = os.urandom(3_000_000)
MD5 = md5(CONTENT).hexdigest()


class Usage(NamedTuple):
    """As `shutil.disk_usage` gives it, in bytes."""

    total: int
    used: int
    free: int


def ignore(_done: int, _total: int | None) -> None:
    """No progress is shown."""


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(CONTENT) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "archive.tar.gz"


def part_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


def test_a_file_is_fetched_with_progress_and_only_once(server: LocalServer, file: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    assert fetch(server.url, file, MD5, lambda *step: steps.append(step)) == file
    assert file.read_bytes() == CONTENT
    assert [other.name for other in file.parent.iterdir()] == [file.name]
    assert steps[0] == (0, len(CONTENT))
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert steps == sorted(steps)
    assert fetch(server.url, file, MD5, lambda *step: steps.append(step)) == file
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert server.ranges == [None]


def test_what_breaks_off_is_gone_on_with(server: LocalServer, file: Path) -> None:
    server.cut_after = 1_000_000
    for at_hand in (1_000_000, 2_000_000):
        with pytest.raises(DataSetError, match=r"cannot be fetched .*: try again, which goes on where it broke off"):
            fetch(server.url, file, MD5, ignore)
        assert not file.exists()
        assert part_of(file).read_bytes() == CONTENT[:at_hand]
    server.cut_after = None
    steps: list[tuple[int, int | None]] = []
    fetch(server.url, file, MD5, lambda *step: steps.append(step))
    assert file.read_bytes() == CONTENT
    assert steps[0] == (2_000_000, len(CONTENT))
    assert server.ranges == [None, "bytes=1000000-", "bytes=2000000-"]
    assert server.sent == len(CONTENT)


def test_a_server_without_ranges_sends_all_of_it_again(server: LocalServer, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(CONTENT[:1000])
    server.knows_ranges = False
    fetch(server.url, file, MD5, ignore)
    assert file.read_bytes() == CONTENT


def test_another_part_than_was_asked_for_is_not_taken(server: LocalServer, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(CONTENT[:1000])
    server.wrong_range = True
    with pytest.raises(DataSetError, match="another part than was asked for"):
        fetch(server.url, file, MD5, ignore)
    assert part_of(file).read_bytes() == CONTENT[:1000]


def test_a_part_that_was_whole_already_is_kept(server: LocalServer, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(CONTENT)
    fetch(server.url, file, MD5, ignore)
    assert file.read_bytes() == CONTENT
    assert server.sent == 0


@pytest.mark.parametrize("at_hand", [b"", b"\0" * 1000, b"\0" * 5_000_000])
def test_what_is_damaged_is_removed_and_told(at_hand: bytes, server: LocalServer, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(at_hand)
    server.content = CONTENT[:-1] + b"x" if not at_hand else CONTENT
    with pytest.raises(DataSetError, match=r"arrived damaged .* was removed: fetch it again"):
        fetch(server.url, file, MD5, ignore)
    assert not list(file.parent.iterdir())
    server.content = CONTENT
    assert fetch(server.url, file, MD5, ignore).read_bytes() == CONTENT


def test_a_file_that_is_there_but_damaged_is_fetched_anew(server: LocalServer, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"damaged")
    fetch(server.url, file, MD5, ignore)
    assert file.read_bytes() == CONTENT


def test_without_an_md5_nothing_is_gone_on_with(server: LocalServer, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(b"\0" * 1000)
    server.tells_length = False
    steps: list[tuple[int, int | None]] = []
    fetch(server.url, file, None, lambda *step: steps.append(step))
    assert file.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), None)
    assert server.ranges == [None]


@pytest.mark.parametrize("status", [403, 404, 500, 503, 416])
def test_what_is_not_to_be_had_is_told_with_the_remedy(status: int, server: LocalServer, file: Path) -> None:
    server.status = status
    with pytest.raises(DataSetError, match=f"the server answers {status} .*; fetch it by other means and put it at"):
        fetch(server.url, file, MD5, ignore)
    assert not file.exists()


def test_a_server_that_is_not_there_is_told(server: LocalServer, file: Path) -> None:
    server.__exit__(None, None, None)
    with pytest.raises(DataSetError, match=r"cannot be fetched .* or put it at"):
        fetch(server.url, file, MD5, ignore)


def test_redirects_are_followed(server: LocalServer, file: Path) -> None:
    with LocalServer(b"") as first:
        first.redirect = server.url
        fetch(first.url, file, MD5, ignore)
    assert file.read_bytes() == CONTENT


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,x", "gopher://127.0.0.1/"])
def test_no_other_scheme_is_fetched(target: str, server: LocalServer, file: Path) -> None:
    server.redirect = target
    with pytest.raises(DataSetError, match=r"which is not fetched|cannot be fetched"):
        fetch(server.url, file, MD5, ignore)
    with pytest.raises(DataSetError, match="which is not fetched: only http and https is allowed"):
        fetch(target, file, MD5, ignore)
    assert not file.exists()


def test_https_does_not_lead_to_http() -> None:
    answers = {"https": httpx.Response(302, headers={"Location": "http://a.example/x"}), "http": httpx.Response(200)}
    transport = httpx.MockTransport(lambda request: answers[request.url.scheme])
    with (
        httpx.Client(transport=transport) as client,
        pytest.raises(DataSetError, match="only https is allowed"),
        download._answer(client, "https://a.example/x", 0),
    ):
        pass


def test_a_circle_of_redirects_ends(server: LocalServer, file: Path) -> None:
    server.redirect = server.url
    with pytest.raises(DataSetError, match="redirects more than 5 times"):
        fetch(server.url, file, MD5, ignore)
    assert len(server.ranges) == 6


def test_a_server_that_falls_silent_is_not_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        with pytest.raises(DataSetError, match=r"cannot be fetched \(.*timed out"):
            fetch(url, file, MD5, ignore)


def test_what_another_process_fetches_is_left_to_it(server: LocalServer, file: Path) -> None:
    file.parent.mkdir()
    with part_of(file).open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataSetError, match="is being fetched by another process"):
            fetch(server.url, file, MD5, ignore)
    fetch(server.url, file, MD5, ignore)
    assert server.sent == len(CONTENT)


def test_a_disk_too_small_is_told_before_anything_is_written(
    server: LocalServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: Usage(10, 10, 2_000_000))
    with pytest.raises(DataSetError, match=r"the disk is full: 3 MB more are needed in .*; make room"):
        fetch(server.url, file, MD5, ignore)
    assert not file.exists()


def test_a_disk_that_fills_up_is_told(server: LocalServer, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.os, "fsync", full)
    with pytest.raises(DataSetError, match="the disk is full: more room is needed"):
        fetch(server.url, file, MD5, ignore)


def test_a_folder_that_cannot_be_made_is_told(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(DataSetError, match="cannot be written"):
        fetch(server.url, tmp_path / "cache" / "a", MD5, ignore)


def test_the_official_archives_are_named_with_their_md5() -> None:
    assert {name: (archive.file, archive.md5[:6]) for name, archive in OFFICIAL.items()} == {
        "cifar10": ("cifar-10-python.tar.gz", "c58f30"),
        "cifar100": ("cifar-100-python.tar.gz", "eb9058"),
        "stl10": ("stl10_binary.tar.gz", "91f776"),
        "coco-val2017": ("val2017.zip", "442b8d"),
        "coco-train2017": ("train2017.zip", "cced6f"),
        "coco-annotations": ("annotations_trainval2017.zip", "f4bbac"),
    }
    assert all(archive.url.startswith(("https://", "http://")) for archive in OFFICIAL.values())
