"""Fetches the official archives: gone on with where it broke off, and compared with their MD5 before it is kept."""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import httpx

from ml.datasets.checksums import ARCHIVES, md5_of_file
from ml.datasets.items import DataSetError

Report = Callable[[int, int | None], None]
"""Gets the bytes at hand so far, and in all where the server says."""

TIMEOUT = httpx.Timeout(30)  # seconds for connecting, and for each piece to arrive
MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Archive:
    """An official archive: where its makers keep it, and its MD5."""

    url: str
    md5: str

    @property
    def file(self) -> str:
        return self.url.rpartition("/")[2]


def _official(url: str) -> Archive:
    return Archive(url, ARCHIVES[url.rpartition("/")[2]])


# As their makers state them, some without https: the MD5 is what is relied on.
OFFICIAL = {
    "cifar10": _official("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"),
    "cifar100": _official("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"),
    "stl10": _official("http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"),
    "coco-val2017": _official("http://images.cocodataset.org/zips/val2017.zip"),
    "coco-train2017": _official("http://images.cocodataset.org/zips/train2017.zip"),
    "coco-annotations": _official("http://images.cocodataset.org/annotations/annotations_trainval2017.zip"),
}


def fetch(url: str, file: Path, md5: str | None, report: Report) -> Path:
    """Fetch a file by http(s), unless it is there and whole already. Returns `file`.

    What arrives is kept beside it as `.part` and gone on with the next time, where an MD5 will tell that the pieces
    belong together. A damaged one is removed. Redirects are followed, never to another scheme than http(s), nor from
    https to http. Raises DataSetError with the remedy.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file() and md5 in (None, md5_of_file(file)):
            report(file.stat().st_size, file.stat().st_size)
            return file
        with _alone(part) as opened:
            if md5 is None:
                opened.truncate(0)
            _go_on(url, opened, file, report)
            opened.flush()
            os.fsync(opened.fileno())
            if md5 not in (None, md5_of_file(part)):
                part.unlink()
                raise DataSetError(f"{url} arrived damaged (its MD5 is another) and was removed: fetch it again")
            part.replace(file)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise DataSetError(
            f"{url} cannot be fetched ({why}): try again, which goes on where it broke off, or put it at {file}"
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(file) from error
        raise DataSetError(f"{file} cannot be written: {error.strerror}") from error
    return file


@contextmanager
def _alone(part: Path) -> Generator[BinaryIO]:
    """The file to be gone on with, open at its end. Raises DataSetError while another process fetches it."""
    with part.open("ab") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The other may have moved it into place between the two lines above.
            ours = part.stat().st_ino == os.fstat(opened.fileno()).st_ino
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            raise DataSetError(f"{part} is being fetched by another process: wait for it to end")
        yield opened


def _go_on(url: str, opened: BinaryIO, file: Path, report: Report) -> None:
    """Append what is missing. Raises httpx.HTTPError, OSError and DataSetError."""
    at_hand = opened.seek(0, os.SEEK_END)
    with httpx.Client(timeout=TIMEOUT) as client, _answer(client, url, at_hand) as response:
        if at_hand and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing comes after it: its MD5 decides
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise DataSetError(
                f"{url} is not to be had: the server answers {response.status_code} {response.reason_phrase}; "
                f"fetch it by other means and put it at {file}"
            )
        if response.status_code == HTTPStatus.OK:
            opened.truncate(0)  # a server that knows no ranges sends all of it
            at_hand = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {at_hand}-"):
            raise httpx.RemoteProtocolError("the server sent another part than was asked for")
        length = response.headers.get("Content-Length", "")
        total = at_hand + int(length) if length.isdigit() else None
        if total is not None and shutil.disk_usage(file.parent).free < total - at_hand:
            raise _no_room(file, total - at_hand)
        report(at_hand, total)
        for piece in response.iter_raw():  # as it arrives: gathered pieces would be lost in a break
            opened.write(piece)
            at_hand += len(piece)
            report(at_hand, total)


@contextmanager
def _answer(client: httpx.Client, url: str, at_hand: int) -> Generator[httpx.Response]:
    """The answer to a request for what comes after the first `at_hand` bytes, with redirects followed."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={at_hand}-"} if at_hand else {})
    request = client.build_request("GET", url, headers=headers)
    _check_scheme(request.url, url, ("http", "https"))
    for _ in range(MAX_REDIRECTS + 1):
        response = client.send(request, stream=True)
        try:
            if response.next_request is None:
                yield response
                return
            secure = request.url.scheme == "https"
            request = response.next_request
            _check_scheme(request.url, url, ("https",) if secure else ("http", "https"))
        finally:
            response.close()
    raise DataSetError(f"{url} redirects more than {MAX_REDIRECTS} times: fetch it by other means")


def _check_scheme(target: httpx.URL, url: str, allowed: tuple[str, ...]) -> None:
    if target.scheme not in allowed:
        raise DataSetError(f"{url} leads to {target}, which is not fetched: only {' and '.join(allowed)} is allowed")


def _no_room(file: Path, needed: int | None = None) -> DataSetError:
    needs = "more room is needed" if needed is None else f"{needed / 1e6:,.0f} MB more are needed"
    return DataSetError(
        f"the disk is full: {needs} in {file.parent}; make room and fetch {file.name} again, "
        "which goes on where it broke off"
    )
