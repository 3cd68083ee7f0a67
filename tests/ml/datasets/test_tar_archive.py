"""Tar archives: one pass, whatever packs them, and what the headers of hostile ones come to."""

import bz2
import gzip
import lzma
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from ml.datasets.archive import read_archive
from ml.datasets.caps import Caps
from ml.datasets.items import DataSetError, Flaw, Item
from tests.ml.datasets.archives import header, measure, special, split, tar_of

MIB = 1024**2
PACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress, lzma.compress]
FILES = {"a/x.jpg": b"1" * 700, "b/x.jpg": b"2" * 512, "größe 照片.jpg": b"", "z.jpg": b"4" * 3000}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_pictures_come_in_order_however_they_are_packed(
    tmp_path: Path, pack: Callable[[bytes], bytes], form: int
) -> None:
    long = {"d" * 80 + "/" + "n" * 90 + ".jpg": b"long"}
    junk = {"__MACOSX/._x.jpg": b"x", ".hidden.jpg": b"x" * 2000, "notes.txt": b"x", "./a/Thumbs.db": b"x"}
    data = tar_of({"./first.jpg": b"0", **junk, **FILES, **long}, special("a", tarfile.DIRTYPE), form=form)
    path = write(tmp_path / "photos.dat", pack(data))
    found = read_archive(path)
    assert (found.title, found.total) == ("photos.dat", None)
    assert split(found) == ({"first.jpg": b"0", **FILES, **long}, {}, None)


def test_a_very_long_name_is_read_in_both_ways(tmp_path: Path) -> None:
    name = "/".join(["folder" * 10] * 20) + "/ü.jpg"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        path = write(tmp_path / "a.tar", tar_of({name: b"x", "y.jpg": b"y"}, form=form))
        assert split(read_archive(path))[0] == {name: b"x", "y.jpg": b"y"}


def test_labels_come_from_folders_or_from_a_table_before_the_pictures(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", tar_of({"set/cat/x.jpg": b""}))
    (item,) = read_archive(path, labels_from="folder").items
    assert isinstance(item, Item)
    assert item.labels == ("cat", "set")
    text = b"file,label,caption\nx.jpg,cat,A cat.\ngone.jpg,dog,\nlost\xff"
    path = write(tmp_path / "b.tar", tar_of({"labels.csv": text[:-5], "a/x.jpg": b""}))
    item, gone = read_archive(path).items
    assert isinstance(item, Item)
    assert (item.labels, item.captions) == (("cat",), ("A cat.",))
    assert gone == Flaw("gone.jpg", "labels.csv names it, but there is no such picture in the archive")
    path = write(tmp_path / "c.tar", tar_of({"labels.csv": text, "a/x.jpg": b""}))
    flaw, item = read_archive(path).items
    assert flaw == Flaw("labels.csv", "labels.csv is not UTF-8: save it again as a UTF-8 text")
    path = write(tmp_path / "d.tar", tar_of({"a/x.jpg": b"", "labels.csv": text[:-5]}))
    item, flaw = read_archive(path).items
    assert flaw == Flaw(
        "labels.csv", "this table stands behind pictures and was not used: pack it first, or make a ZIP"
    )


def test_what_is_no_file_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    others = [
        special("link.jpg", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard.jpg", tarfile.LNKTYPE, "a/x.jpg"),
        special("null.jpg", tarfile.CHRTYPE),
        special("disk.jpg", tarfile.BLKTYPE),
        special("pipe.jpg", tarfile.FIFOTYPE),
        special("label", b"V"),
    ]
    path = write(tmp_path / "a.tar", tar_of({}, *others)[: 512 * len(others)] + tar_of(FILES))
    pictures, reasons, error = split(read_archive(path))
    assert (pictures, error) == (FILES, None)
    assert reasons == {
        "link.jpg": "refused: it is a symbolic link",
        "hard.jpg": "refused: it is a hard link",
        "null.jpg": "refused: it is a device or special file",
        "disk.jpg": "refused: it is a device or special file",
        "pipe.jpg": "refused: it is a device or special file",
        "label": "refused: it is a device or special file",
    }


def test_sparse_files_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    old = bytearray(header("old.jpg", 512, tarfile.GNUTYPE_SPARSE))
    old[482] = 1
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + sum(old[156:]) + 8 * 32)
    more, last = bytearray(512), bytes(512)
    more[504] = 1
    pax = tarfile.TarInfo("GNUSparseFile.0/new.jpg")
    pax.size, pax.pax_headers = 512, {"GNU.sparse.major": "1", "GNU.sparse.name": "new.jpg"}
    new = pax.tobuf(tarfile.PAX_FORMAT) + bytes(512)
    path = write(tmp_path / "a.tar", bytes(old + more + last) + b"x" * 512 + new + tar_of(FILES))
    pictures, reasons, error = split(read_archive(path))
    assert (pictures, error) == (FILES, None)
    assert reasons == {"old.jpg": "refused: it is a sparse file", "new.jpg": "refused: it is a sparse file"}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_that_lead_astray_are_refused_however_they_are_written(tmp_path: Path, form: int) -> None:
    long = "../" * 60 + "x.jpg"
    bad = {"/abs.jpg": b"x", "../x.jpg": b"x" * 600, long: b"x", "a\\b.jpg": b"x", "x.tar.xz": b"x"}
    path = write(tmp_path / "a.tar", tar_of({"first.jpg": b"x", **bad, "last.jpg": b"x"}, form=form))
    pictures, reasons, error = split(read_archive(path))
    assert list(pictures) == ["first.jpg", "last.jpg"]
    assert list(reasons) == list(bad)
    assert error is None


def test_what_lies_behind_a_link_is_refused(tmp_path: Path) -> None:
    link = tar_of({}, special("link", tarfile.SYMTYPE, "/etc"))[:512]
    path = write(tmp_path / "a.tar", link + tar_of({"link/x.jpg": b"x", "links/x.jpg": b"y"}))
    pictures, reasons, _ = split(read_archive(path))
    assert list(pictures) == ["links/x.jpg"]
    assert list(reasons) == ["link", "link/x.jpg"]


@pytest.mark.parametrize("pack", PACKERS)
def test_of_a_truncated_archive_what_is_whole_is_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    rng = np.random.default_rng(2)
    files = {f"{number:03}.jpg": rng.bytes(20_000) for number in range(100)}
    data = pack(tar_of(files))
    whole: list[int] = []
    # What packs by blocks of 900 kB gives nothing before the first of them ends.
    for length in range(1_000_000, len(data) - 12_000, 99_731):
        pictures, reasons, error = split(read_archive(write(tmp_path / "cut.tar", data[:length])))
        assert pictures == dict(list(files.items())[: len(pictures)])
        assert (reasons, error) == ({}, "cut.tar is cut short: what is whole was read; fetch or upload it again")
        whole.append(len(pictures))
    assert whole == sorted(whole)
    assert (whole[0] >= 40, whole[-1] >= 85) == (True, True)
    with pytest.raises(DataSetError, match=r"cut.tar is (cut short|no archive)"):
        read_archive(write(tmp_path / "cut.tar", data[:50]))


def test_an_archive_without_its_end_is_told(tmp_path: Path) -> None:
    data = tar_of(FILES)
    pictures, _, error = split(read_archive(write(tmp_path / "a.tar", data[: data.rfind(b"4") // 512 * 512 + 512])))
    assert pictures == FILES
    assert error is not None
    assert "cut short" in error


def test_damage_ends_the_reading_after_what_was_good(tmp_path: Path) -> None:
    files = {f"{number}.jpg": b"x" * 512 for number in range(5)}
    data = bytearray(tar_of(files))
    data[1024 * 3] ^= 1
    pictures, _, error = split(read_archive(write(tmp_path / "a.tar", bytes(data))))
    assert list(pictures) == ["0.jpg", "1.jpg", "2.jpg"]
    assert error == "a.tar is damaged: an entry has no header; what came before was read"
    noise = {name: np.random.default_rng(1).bytes(50_000) for name in files}
    packed = bytearray(gzip.compress(tar_of(noise)))
    packed[len(packed) // 2] ^= 1
    pictures, _, error = split(read_archive(write(tmp_path / "b.tgz", bytes(packed))))
    assert len(pictures) == 5
    assert error is not None
    assert error.startswith("b.tgz is damaged: it cannot be unpacked, or not as it was packed")


def test_sizes_that_no_file_has_are_survived(tmp_path: Path) -> None:
    huge = header("huge.jpg", 2**60)
    path = write(tmp_path / "a.tar", header("a.jpg", 1) + b"a" * 512 + huge)
    pictures, reasons, error = split(read_archive(path))
    assert list(pictures) == ["a.jpg"]
    assert reasons["huge.jpg"].startswith("too large")
    assert error is not None
    negative = bytearray(header("bad.jpg", 0))
    negative[124:136] = b"\xff" * 12
    negative[148:156] = b"%06o\0 " % (sum(negative[:148]) + sum(negative[156:]) + 8 * 32)
    path = write(tmp_path / "b.tar", header("a.jpg", 1) + b"a" * 512 + bytes(negative))
    pictures, _, error = split(read_archive(path))
    assert list(pictures) == ["a.jpg"]
    assert error == "b.tar is damaged: an entry has no header; what came before was read"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_that_tell_of_the_next_entry_take_little_memory(tmp_path: Path, kind: bytes) -> None:
    data = tar_of({"a.jpg": b"a"})[:1024] + header("long", 64 * MIB, kind) + bytes(64 * MIB)
    path = write(tmp_path / "a.tgz", gzip.compress(data))
    tracemalloc.start()
    pictures, _, error = split(read_archive(path))
    assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    tracemalloc.stop()
    assert list(pictures) == ["a.jpg"]
    assert error == "a.tgz is damaged: a header of 67,108,864 bytes; what came before was read"


def test_pax_records_that_are_none_end_the_header(tmp_path: Path) -> None:
    for records in (b"x", b"99999999 path=x\n", b"0 path=x\n", b"12 path=x.y\n\xff 7 a", b"-5 path=x\n", b""):
        data = header("pax", len(records), tarfile.XHDTYPE) + records.ljust(512, b"\0") if records else b""
        pictures, _, error = split(read_archive(write(tmp_path / "a.tar", data + tar_of({"a.jpg": b"a"}))))
        assert list(pictures) in (["a.jpg"], ["x.y"])
        assert error is None


def test_no_more_is_taken_than_the_caps_allow(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", tar_of({f"{number}.jpg": bytes(1000) for number in range(5)}))
    assert len(split(read_archive(path, Caps(entries=5)))[0]) == 5
    pictures, _, error = split(read_archive(path, Caps(entries=4)))
    assert len(pictures) == 4
    assert error is not None
    assert error.startswith("a.tar holds more than 4 entries: divide it")
    pictures, reasons, error = split(read_archive(path, Caps(entry_bytes=999)))
    assert (len(pictures), len(reasons), error) == (0, 5, None)
    pictures, _, error = split(read_archive(path, Caps(total_bytes=4000)))
    assert len(pictures) == 2
    assert error is not None
    assert "divide it into several archives" in error


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_bombs_are_told_in_two_seconds_and_little_memory(tmp_path: Path, kind: str) -> None:
    start = tar_of({"a.jpg": b"a"})[:1024] + header("bomb.jpg", 2**40)
    packers = {"gzip": zlib.compressobj(9, wbits=31), "bzip2": bz2.BZ2Compressor(), "xz": lzma.LZMACompressor()}
    packer = packers[kind]
    with (tmp_path / "bomb").open("wb") as file:
        file.write(packer.compress(start))
        for _ in range(300):
            file.write(packer.compress(bytes(MIB)))
        file.write(packer.flush())
    cost = measure(tmp_path / "bomb")
    assert (cost.items, cost.flaws) == (1, 1)
    assert cost.error is not None
    assert cost.error.startswith("bomb unpacks to more than 100 times what it takes up, as bombs do")
    assert cost.seconds < 2
    assert cost.mebibytes < 50


def test_no_damage_ends_in_anything_but_a_sentence(tmp_path: Path) -> None:
    whole = tar_of({"x" * 150: b"x" * 300, "labels.csv": b"file,label\ny.jpg,cat\n", "y.jpg": b"y"})
    rng = np.random.default_rng(3)
    for turn in range(600):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = int(rng.integers(256))
        path = write(tmp_path / "a.tar", gzip.compress(data) if turn % 2 else bytes(data))
        with suppress(DataSetError):
            split(read_archive(path))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty: fetch or upload it again"),
        (b"hello", "is no archive that is read here, which are ZIP and tar"),
        (b"hello" * 1000, "is no archive that is read here, which are ZIP and tar"),
        (gzip.compress(b"hello"), "is no archive that is read here, which are ZIP and tar"),
        (bz2.compress(b"hello" * 1000), "is no archive that is read here, which are ZIP and tar"),
        (gzip.compress(tar_of(FILES))[:20], "is cut short: what is whole was read; fetch or upload it again"),
        (b"\x1f\x8b" + b"hello" * 1000, "is damaged: it cannot be unpacked, or not"),
        (b"BZh9" + b"hello" * 1000, "is damaged: it cannot be unpacked, or not"),
        (b"\xfd7zXZ\0" + b"hello" * 1000, "is damaged: it cannot be unpacked, or not"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "is a 7-Zip archive; what is read here is ZIP and tar"),
        (b"Rar!\x1a\x07\1\0" + bytes(100), "is a RAR archive; what is read here is ZIP and tar"),
        (b"\xff\xd8\xff\xe0" + bytes(1000), "is a JPEG; what is read here is ZIP and tar"),
    ],
)
def test_archives_of_the_wrong_kind_are_told_at_once(tmp_path: Path, content: bytes, told: str) -> None:
    path = write(tmp_path / "a.zip", content)
    with pytest.raises(DataSetError, match=f"a.zip {told}"):
        read_archive(path)


def test_folders_and_files_that_are_not_there_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="is a folder: import it as one"):
        read_archive(tmp_path)
    with pytest.raises(DataSetError, match=r"gone.zip cannot be read: No such file"):
        read_archive(tmp_path / "gone.zip")


def test_the_awkward_archives_come_to_what_their_manifest_says(test_data: Path) -> None:
    archives = test_data / "awkward" / "archives"
    results = {
        name: split(read_archive(archives / f"{name}.tar.gz"))[:2]
        for name in ("path_traversal", "absolute_path", "symlink")
    }
    assert [list(pictures) for pictures, _ in results.values()] == [["ok/a.jpg"], [], []]
    assert [list(reasons) for _, reasons in results.values()] == [
        ["../escape.jpg"],
        ["/tmp/absolute.jpg"],  # noqa: S108 (a name in an archive)
        ["link", "link/x.jpg"],
    ]


def test_a_genuinely_truncated_archive_gives_what_is_whole(test_data: Path) -> None:
    path = test_data / "cifar10" / "broken" / "cifar-10-python.truncated.tar.gz"
    pictures, reasons, error = split(read_archive(path))
    assert (pictures, reasons) == ({}, {})
    assert error == f"{path.name} is cut short: what is whole was read; fetch or upload it again"
