"""ZIP archives: what is read lazily, what is refused with its reason, and what hostile ones cost."""

import io
import stat
import struct
import threading
import tracemalloc
import zipfile
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.datasets.archive import read_archive
from ml.datasets.caps import Caps
from ml.datasets.items import DataSetError, Flaw, Item
from ml.datasets.zip_archive import find_overlaps
from ml.images import PictureRefused
from tests.ml.datasets.archives import Packed, bytes_of, measure, split, write_zip

MIB = 1024**2


def plain_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_pictures_come_in_order_and_junk_unmentioned(tmp_path: Path, method: int) -> None:
    names = ["b/größe.jpg", "a/x.jpg", "b/x.jpg", "x.jpg", "./y.jpg"]
    junk = ["__MACOSX/._x.jpg", "a/.DS_Store", ".hidden/x.jpg", "Thumbs.db", "notes.TXT", "a/desktop.ini", "empty/"]
    path = plain_zip(tmp_path / "photos.bin", {name: name.encode() * 100 for name in names + junk}, method)
    found = read_archive(path)
    assert (found.title, found.total) == ("photos.bin", 5)
    pictures, reasons, error = split(found)
    assert pictures == {name.removeprefix("./"): name.encode() * 100 for name in names}
    assert list(pictures) == [name.removeprefix("./") for name in names]
    assert (reasons, error) == ({}, None)
    assert all(item.labels == () for item in read_archive(path).items if isinstance(item, Item))


def test_a_picture_is_read_when_asked_for_as_often_as_asked_and_in_any_thread(tmp_path: Path) -> None:
    path = plain_zip(tmp_path / "a.zip", {f"{number}.jpg": bytes([number]) * 5000 for number in range(40)})
    items = [item for item in read_archive(path).items if isinstance(item, Item)]
    read: list[bytes] = []
    threads = [threading.Thread(target=lambda item=item: read.append(bytes_of(item))) for item in items * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read) == sorted(bytes([number]) * 5000 for number in range(40) for _ in range(2))


def test_labels_are_the_folders(tmp_path: Path) -> None:
    path = plain_zip(tmp_path / "a.zip", {"set/cat/x.jpg": b"", "loose.jpg": b""})
    labels = [item.labels for item in read_archive(path, labels_from="folder").items if isinstance(item, Item)]
    assert labels == [("cat", "set"), ()]


def test_what_the_table_does_not_label_may_have_its_folders_labels(tmp_path: Path) -> None:
    table = b"file,label\nset/x.jpg,told\n"
    path = plain_zip(tmp_path / "a.zip", {"set/x.jpg": b"", "set/y.jpg": b"", "labels.csv": table})
    labels = [item.labels for item in read_archive(path, labels_from="folder").items if isinstance(item, Item)]
    assert labels == [("told",), ("set",)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "file,label,caption\na/x.jpg,cat;tabby,A cat.\ny.jpg,dog,\ngone.jpg,fish,\n"),
        ("metadata.csv", "file_name,labels,text\nx.jpg,cat;tabby,A cat.\na/y.jpg,dog,\ngone.jpg,fish,\n"),
        (
            "metadata.jsonl",
            (
                '{"file": "x.jpg", "labels": ["cat", "tabby"], "text": "A cat."}\n{"path": "y.jpg", "label": "dog"}\n'
                '{"file": "gone.jpg", "label": "fish"}\n'
            ),
        ),
    ],
)
def test_a_table_at_the_root_tells_labels_and_captions(tmp_path: Path, name: str, text: str) -> None:
    path = plain_zip(tmp_path / "a.zip", {"a/x.jpg": b"", name: text.encode(), "a/y.jpg": b"", "b/labels.csv": b"x"})
    found = read_archive(path)
    x, y, gone = list(found.items)
    assert found.total == 3
    assert isinstance(x, Item)
    assert (x.labels, x.captions) == (("cat", "tabby"), ("A cat.",))
    assert isinstance(y, Item)
    assert y.labels == ("dog",)
    assert gone == Flaw("gone.jpg", f"{name} names it, but there is no such picture in the archive")


def test_a_table_that_cannot_be_read_costs_its_labels_only(tmp_path: Path) -> None:
    path = plain_zip(tmp_path / "a.zip", {"x.jpg": b"", "metadata.csv": b"camera,lens\nA,B\n"})
    found = read_archive(path)
    flaw, item = list(found.items)
    assert found.total == 2
    assert isinstance(flaw, Flaw)
    assert flaw.reason == "metadata.csv has no column file or file_name or filename or path; found: camera, lens"
    assert isinstance(item, Item)


@pytest.mark.parametrize(
    ("written", "flags", "read"),
    [
        ("größe.jpg".encode("cp437"), 0, "größe.jpg"),
        ("größe 照片.jpg".encode(), 0, "größe 照片.jpg"),
        ("größe 照片.jpg".encode(), 0x800, "größe 照片.jpg"),
        (b"bad\xff.jpg", 0x800, "bad�.jpg"),
        (b"line\nbreak\0.jpg", 0, "line�break�.jpg"),
        ("right\u202egpj.jpg".encode(), 0x800, "right�gpj.jpg"),
        (b"<b>&quot;x.jpg", 0, "<b>&quot;x.jpg"),
        (b"-rf.jpg", 0, "-rf.jpg"),
        (b"n" * 5000 + b".jpg", 0, "n" * 5000 + ".jpg"),
    ],
)
def test_names_are_data(tmp_path: Path, written: bytes, flags: int, read: str) -> None:
    assert list(split(read_archive(write_zip(tmp_path / "a.zip", [Packed(written, flags=flags)])))[0]) == [read]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"/abs.jpg", "refused: its name is an absolute path"),
        (b"C:/abs.jpg", "refused: its name is an absolute path"),
        (b"c:abs.jpg", "refused: its name is an absolute path"),
        (b"../x.jpg", "refused: its name leads out of the folder (..)"),
        (b"a/../../x.jpg", "refused: its name leads out of the folder (..)"),
        (b"./../x.txt", "refused: its name leads out of the folder (..)"),
        (b"a\\..\\x.jpg", "refused: its name holds a backslash"),
        (b"", "refused: it has no name"),
        (b"more.zip", "an archive inside the archive: unpack it and import it by itself"),
        (b"more.tar.gz", "an archive inside the archive: unpack it and import it by itself"),
    ],
)
def test_names_that_lead_astray_are_refused_and_the_rest_goes_on(tmp_path: Path, name: bytes, reason: str) -> None:
    path = write_zip(tmp_path / "a.zip", [Packed(b"a.jpg"), Packed(name), Packed(b"b.jpg")])
    pictures, reasons, error = split(read_archive(path))
    assert list(pictures) == ["a.jpg", "b.jpg"]
    assert list(reasons.values()) == [reason]
    assert error is None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Packed(b"x.jpg", attributes=(stat.S_IFLNK | 0o777) << 16), "refused: it is a symbolic link"),
        (Packed(b"x.jpg", attributes=(stat.S_IFBLK | 0o777) << 16), "refused: it is a device or special file"),
        (Packed(b"x.jpg", flags=1), "encrypted: unpack it with its password and import the folder"),
        (Packed(b"x.jpg", method=99), "packed in a way that is not read (method 99); unpack it and import the folder"),
        (Packed(b"x.jpg", size=101 * MIB), "too large: 101 MiB unpacked; the limit for one file is 100 MiB"),
        (Packed(b"x.jpg", at=1 << 30), "cut short: its bytes are not all in the archive; fetch or upload it again"),
        (
            Packed(b"x.jpg", size=0xFFFFFFFF, extra=struct.pack("<2HQ", 1, 8, 2**63)),
            "too large: 8,796,093,022,208 MiB unpacked; the limit for one file is 100 MiB",
        ),
    ],
)
def test_what_is_no_plain_file_is_refused_and_the_rest_goes_on(tmp_path: Path, entry: Packed, reason: str) -> None:
    path = write_zip(tmp_path / "a.zip", [Packed(b"a.jpg"), entry, Packed(b"b.jpg")])
    assert split(read_archive(path)) == ({"a.jpg": b"picture", "b.jpg": b"picture"}, {"x.jpg": reason}, None)


def test_what_lies_behind_a_link_is_refused(tmp_path: Path) -> None:
    link = Packed(b"a/link", attributes=(stat.S_IFLNK | 0o777) << 16)
    path = write_zip(tmp_path / "a.zip", [link, Packed(b"a/link/x/y.jpg"), Packed(b"a/linked.jpg")])
    pictures, reasons, _ = split(read_archive(path))
    assert list(pictures) == ["a/linked.jpg"]
    assert reasons["a/link/x/y.jpg"] == "refused: it lies behind a link in the archive"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Packed(b"x.jpg", b"x" * MIB, size=10), "it is not as long as the archive says"),
        (Packed(b"x.jpg", b"x" * 10, size=MIB), "it is not as long as the archive says"),
        (Packed(b"x.jpg", b"x" * 10, size=9, method=0), "it is not as long as the archive says"),
        (Packed(b"x.jpg", crc=1), "its checksum differs"),
        (Packed(b"x.jpg", packed=b"\xff" * 50), "it cannot be unpacked"),
        (Packed(b"x.jpg", packed=b"\xff" * 50, method=12), "it cannot be unpacked"),
        (Packed(b"x.jpg", packed=b""), "it is not as long as the archive says"),
    ],
)
def test_lies_in_the_headers_are_found_when_the_picture_is_read(tmp_path: Path, entry: Packed, reason: str) -> None:
    path = write_zip(tmp_path / "a.zip", [entry, Packed(b"b.jpg")])
    broken, good = [item for item in read_archive(path).items if isinstance(item, Item)]
    tracemalloc.start()
    with pytest.raises(PictureRefused, match=f"damaged in the archive: {reason}"):
        bytes_of(broken)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert bytes_of(good) == b"picture"


def test_an_entry_without_its_own_header_is_refused_when_it_is_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [Packed(b"a.jpg", b"x" * 500, method=0)])
    path.write_bytes(path.read_bytes().replace(b"PK\3\4", b"PK\3\5"))
    (item,) = read_archive(path).items
    assert isinstance(item, Item)
    with pytest.raises(PictureRefused, match="cannot be unpacked"):
        bytes_of(item)


def test_entries_that_share_bytes_are_all_refused(tmp_path: Path) -> None:
    whole = Packed(b"a.jpg", bytes(20 * MIB))
    others = (replace(whole, name=b"%d.jpg" % number, content=b"", size=20 * MIB, at=0) for number in range(100))
    path = write_zip(tmp_path / "a.zip", [whole, *others, Packed(b"z.jpg")])
    assert path.stat().st_size < 30_000
    pictures, reasons, error = split(read_archive(path))
    assert (pictures, error) == ({"z.jpg": b"picture"}, None)
    assert set(reasons.values()) == {"refused: its bytes are another entry's, too, as in bombs"}
    assert len(reasons) == 101


def test_ranges_that_overlap_are_found() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        starts = rng.integers(0, 60, 8)
        ends = starts + rng.integers(1, 12, 8)
        expected = [any(i != j and starts[i] < ends[j] and starts[j] < ends[i] for j in range(8)) for i in range(8)]
        assert find_overlaps(starts, ends).tolist() == expected
    assert find_overlaps(np.empty(0, np.int64), np.empty(0, np.int64)).tolist() == []


def test_what_unpacks_beyond_all_measure_is_refused_and_pictures_are_not(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).bytes(40_000)
    caps = Caps(ratio_from_bytes=4 * MIB)
    blank = [Packed(b"%d.bmp" % number, bytes(MIB)) for number in range(4)]
    photos = [Packed(b"%d.jpg" % number, noise) for number in range(3)]
    path = write_zip(tmp_path / "a.zip", [*blank, Packed(b"4.bmp", bytes(MIB)), *photos, Packed(b"5.bmp", bytes(MIB))])
    pictures, reasons, _ = split(read_archive(path, caps))
    assert list(pictures) == ["0.bmp", "1.bmp", "2.bmp", "3.bmp", "0.jpg", "1.jpg", "2.jpg", "5.bmp"]
    assert list(reasons) == ["4.bmp"]
    assert reasons["4.bmp"].startswith("refused: with it the archive unpacks to more than 100 times what it takes up")


def test_a_blank_page_of_any_size_is_a_picture(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [Packed(b"scan.bmp", b"\xff" * 99 * MIB)])
    assert path.stat().st_size < 110_000
    assert len(split(read_archive(path))[0]["scan.bmp"]) == 99 * MIB


def test_no_more_is_taken_than_the_caps_allow(tmp_path: Path) -> None:
    entries = [Packed(b"%d.jpg" % number, bytes(1000), method=0) for number in range(5)]
    path = write_zip(tmp_path / "a.zip", entries)
    assert len(split(read_archive(path, Caps(entries=5)))[0]) == 5
    with pytest.raises(DataSetError, match=r"a.zip holds more than 4 entries: divide it"):
        read_archive(path, Caps(entries=4))
    pictures, reasons, _ = split(read_archive(path, Caps(total_bytes=3000)))
    assert list(pictures) == ["0.jpg", "1.jpg", "2.jpg"]
    assert set(reasons) == {"3.jpg", "4.jpg"}


def test_three_hundred_archives_in_one_are_refused_each(tmp_path: Path) -> None:
    inner = plain_zip(tmp_path / "inner.zip", {"x.jpg": bytes(MIB)}).read_bytes()
    path = plain_zip(tmp_path / "a.zip", {f"{number}.zip": inner for number in range(300)})
    pictures, reasons, _ = split(read_archive(path))
    assert (len(pictures), len(reasons)) == (0, 300)


@pytest.mark.parametrize("kind", ["shared", "blank", "entries", "names"])
def test_bombs_are_told_in_two_seconds_and_little_memory(tmp_path: Path, kind: str) -> None:
    zeros = Packed(b"x.bmp", bytes(99 * MIB))
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(zeros.content) + compressor.flush()
    crc = zlib.crc32(zeros.content)
    small = Packed(b"x.bmp", b"", size=99 * MIB, crc=crc, packed=packed)
    bombs = {
        "shared": (small, *(Packed(b"%d.bmp" % n, size=99 * MIB, crc=crc, packed=packed, at=0) for n in range(60_000))),
        "blank": (small,) * 100,
        "entries": (Packed(b"x.bmp"),) * 250_000,
        "names": (Packed(b"n" * 300 + b".jpg"),) * 60_000,
    }
    cost = measure(write_zip(tmp_path / "bomb.zip", bombs[kind]))
    assert cost.mebibytes < 50
    assert cost.seconds < 2
    expected = {"shared": (0, 60_001), "blank": (2, 98), "entries": (0, 0), "names": (60_000, 0)}
    assert (cost.items, cost.flaws) == expected[kind]
    assert (cost.error is not None) == (kind == "entries")


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    peaks: list[int] = []
    for count in (500, 20_000):
        path = write_zip(tmp_path / "a.zip", (Packed(b"%06d.jpg" % number) for number in range(count)))
        tracemalloc.start()
        assert sum(1 for _ in read_archive(path).items) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 16 bytes an entry for the places, and twice that while they are sorted.
    assert peaks[1] - peaks[0] < 100 * 20_000


def test_a_program_that_unpacks_itself_is_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.exe", [Packed(b"a.jpg"), Packed(b"b.jpg")], prefix=b"MZ" + bytes(5000))
    assert list(split(read_archive(path))[0].values()) == [b"picture", b"picture"]


def test_a_comment_and_an_empty_archive_are_fine(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [Packed(b"a.jpg")], comment=b"PK\1\2" * 1000)
    assert list(split(read_archive(path))[0]) == ["a.jpg"]
    assert read_archive(write_zip(tmp_path / "b.zip", [])).total == 0


def test_archives_of_more_than_65535_entries_and_of_zip64_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(65_540):
            archive.writestr(f"{number}.jpg", b"")
    assert read_archive(tmp_path / "a.zip").total == 65_540
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("x.jpg", "w", force_zip64=True) as file:
        file.write(b"picture")
    data = buffer.getvalue()
    at = data.rfind(b"PK\5\6")
    length, start = struct.unpack_from("<2L", data, at + 12)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "b.zip").write_bytes(data[:at] + end64 + locator + end)
    assert zipfile.ZipFile(tmp_path / "b.zip").namelist() == ["x.jpg"]
    assert split(read_archive(tmp_path / "b.zip"))[0] == {"x.jpg": b"picture"}


def test_an_archive_that_is_cut_short_or_damaged_says_so_at_once(tmp_path: Path) -> None:
    whole = plain_zip(tmp_path / "a.zip", {f"{n}.jpg": bytes(1000) for n in range(5)}).read_bytes()
    for length in (len(whole) - 1, len(whole) - 22, len(whole) // 2, 40, 5):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        with pytest.raises(DataSetError, match=r"cut.zip is cut short or no ZIP: .*; fetch or upload it again"):
            read_archive(tmp_path / "cut.zip")
    at = whole.find(b"PK\1\2", whole.find(b"PK\1\2") + 4)
    (tmp_path / "hole.zip").write_bytes(whole[:at] + b"XXXX" + whole[at + 4 :])
    with pytest.raises(DataSetError, match=r"hole.zip is damaged: its directory cannot be read"):
        read_archive(tmp_path / "hole.zip")


def test_no_damage_ends_in_anything_but_a_sentence(tmp_path: Path) -> None:
    files = {"a/x.jpg": b"x" * 300, "y.jpg": b"y", "labels.csv": b"file,label\nx.jpg,cat\n"}
    whole = plain_zip(tmp_path / "a.zip", files).read_bytes()
    path = tmp_path / "b.zip"
    rng = np.random.default_rng(3)
    for _ in range(1500):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = (0, 1, 255, int(rng.integers(256)))[rng.integers(4)]
        path.write_bytes(data)
        with suppress(DataSetError, PictureRefused):
            for entry in read_archive(path).items:
                if isinstance(entry, Item):
                    bytes_of(entry)


def test_the_awkward_archives_come_to_what_their_manifest_says(test_data: Path) -> None:
    archives = test_data / "awkward" / "archives"
    junk, reasons, _ = split(read_archive(archives / "folders_and_junk.zip"))
    assert list(junk) == ["cat 0/größe 0.jpg", "cat 1/größe 1.jpg", "cat 2/größe 2.jpg"]
    assert reasons == {}
    slip, reasons, _ = split(read_archive(archives / "zip_slip.zip"))
    assert list(slip) == ["ok/a.jpg"]
    assert reasons == {"../../escape.jpg": "refused: its name leads out of the folder (..)"}
    cost = measure(archives / "zip_bomb_300MB.zip")
    assert (cost.items, cost.flaws) == (0, 1)
    assert cost.seconds < 2
    assert cost.mebibytes < 20
    names, reasons, _ = split(read_archive(test_data / "awkward" / "names.zip"))
    assert len(names) == 10  # 11 but for the hidden one
    assert reasons == {}
