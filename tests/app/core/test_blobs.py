"""Content-addressed files: what is stored is whole, and a missing volume is never taken for an empty one."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from app.core.blobs import MARKER, BlobStore, VolumeMissing
from app.core.database import Database
from app.core.errors import DiskFull, NotFound
from app.core.runtime import open_blobs
from app.core.settings import Settings

DATA = b"the bytes of a picture"
DIGEST = hashlib.sha256(DATA).digest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def put(store: BlobStore, thumbnails: dict[int, bytes]) -> None:
    store.put_all([(DIGEST, DATA, thumbnails)])


def files_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_original_and_its_thumbnails_are_read_back(store: BlobStore) -> None:
    put(store, {256: b"small", 512: b"larger"})
    assert store.read(store.original(DIGEST)) == DATA
    assert store.read(store.thumbnail(DIGEST, 256)) == b"small"
    assert store.read(store.thumbnail(DIGEST, 512)) == b"larger"


def test_stored_names_are_digests_and_never_the_users(store: BlobStore) -> None:
    put(store, {256: b"small"})
    assert {path.name for path in files_under(store.root)} == {DIGEST.hex(), f"{DIGEST.hex()}-256.webp"}


def test_bytes_that_are_there_are_left_alone(store: BlobStore) -> None:
    put(store, {256: b"small"})
    before = store.original(DIGEST).stat()
    put(store, {256: b"other", 512: b"new"})
    after = store.original(DIGEST).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert store.read(store.thumbnail(DIGEST, 256)) == b"small"
    assert store.read(store.thumbnail(DIGEST, 512)) == b"new"


def test_a_missing_file_is_not_found(store: BlobStore) -> None:
    with pytest.raises(NotFound):
        store.read(store.original(DIGEST))


def test_removal_takes_all_widths_and_may_be_repeated(store: BlobStore) -> None:
    put(store, {256: b"a", 512: b"b", 1024: b"c"})
    store.remove(DIGEST)
    store.remove(DIGEST)
    assert files_under(store.root) == []


def test_b15_a_full_disk_leaves_nothing_behind(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        put(store, {256: b"small"})
    assert files_under(store.root) == []


def test_b14_the_marker_is_made_once(store: BlobStore) -> None:
    volume = store.prepare(None)
    assert store.prepare(volume) == volume
    assert BlobStore(store.root).prepare(None) == volume


def test_b14_a_missing_volume_is_refused_and_not_made_again(store: BlobStore) -> None:
    volume = store.prepare(None)
    (store.root / MARKER).unlink()
    with pytest.raises(VolumeMissing, match="not mounted"):
        store.prepare(volume)
    assert files_under(store.root) == []


def test_another_gallerys_volume_is_refused(store: BlobStore) -> None:
    store.prepare(None)
    with pytest.raises(VolumeMissing, match="another gallery"):
        store.prepare("0" * 32)


async def test_b14_the_database_remembers_its_volume(db: Database, settings: Settings) -> None:
    blobs = await open_blobs(db, settings)
    await open_blobs(db, settings)
    (blobs.root / MARKER).unlink()
    with pytest.raises(VolumeMissing):
        await open_blobs(db, settings)


def test_many_files_are_stored_at_once_and_one_that_fails_is_told(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [bytes([number]) * 32 for number in range(20)]
    store.put_all([(digest, digest + b"data", {256: b"small"}) for digest in digests])
    assert all(store.original(digest).read_bytes() == digest + b"data" for digest in digests)
    rename = Path.rename

    def unless_ninth(path: Path, target: Path) -> Path:
        if target.name.startswith("09"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", unless_ninth)
    for digest in digests:
        store.remove(digest)
    with pytest.raises(DiskFull):
        store.put_all([(digest, digest, {}) for digest in digests])
    assert not any(path.name.startswith(".") and "volume" not in path.name for path in store.root.rglob("*.*"))
