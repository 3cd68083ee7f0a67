"""CIFAR from every version that is distributed: the same pictures, labels and sources; what is broken is told."""

import csv
import gzip
import io
import pickle
import tarfile
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from ml.datasets import checksums, cifar_survey
from ml.datasets.cifar import read_cifar
from ml.datasets.cifar_layout import LAYOUTS, Variant
from ml.datasets.items import DataSet, DataSetError, Flaw, Item
from tests.ml.datasets.distributions import (
    Rows,
    binary,
    cifar_files,
    pickled,
    python2_pickle,
    random_rows,
    write_folder,
    write_tar,
)

FOLDERS = {
    ("cifar10", True): "cifar-10-batches-py",
    ("cifar10", False): "cifar-10-batches-bin",
    ("cifar100", True): "cifar-100-python",
    ("cifar100", False): "cifar-100-binary",
}
VARIANTS: tuple[Variant, ...] = ("cifar10", "cifar100")
DIFFERS = "MD5 differs from the official one (another cut or order of the data set)"


def batches_of(variant: Variant) -> dict[str, Rows]:
    return {name: random_rows(variant, 3 + number, number) for number, name in enumerate(LAYOUTS[variant].batches)}


def items_of(data_set: DataSet) -> list[Item]:
    items = list(data_set.items)
    assert len(items) == data_set.total
    assert all(isinstance(item, Item) for item in items)
    return [item for item in items if isinstance(item, Item)]


def pixels_of(item: Item) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert isinstance(item.content, np.ndarray)
    assert item.content.shape == (32, 32, 3)
    assert item.content.dtype == np.uint8
    return item.content


def told(path: Path) -> tuple[list[Item | Flaw], str]:
    """What came, and the error that ended it."""
    came: list[Item | Flaw] = []
    with pytest.raises(DataSetError) as error:
        came.extend(read_cifar(path, "cifar10").items)  # keeps what came before the error
    return came, str(error.value)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("in_python", [True, False])
def test_every_version_gives_the_same_items(variant: Variant, in_python: bool, tmp_path: Path) -> None:
    batches = batches_of(variant)
    files = cifar_files(variant, batches, in_python=in_python)
    name = FOLDERS[variant, in_python]
    folder = write_folder(tmp_path / "unpacked" / name, files)
    # The official archive of CIFAR-10 is in no order either.
    packed = write_tar(tmp_path / "packed.tar.gz", name, dict(reversed(files.items())))
    bare = write_tar(tmp_path / "packed.tar", name, files, "w")
    for path in (folder, folder.parent, packed, bare):
        items = items_of(read_cifar(path, variant))
        expected = [(batch, rows, index) for batch, rows in batches.items() for index in range(len(rows.data))]
        assert len(items) == len(expected)
        for item, (batch, rows, index) in zip(items, expected, strict=True):
            assert item.source == f"{variant}/{batch}/{index:05}"
            assert item.name == (rows.names[index] if in_python else f"{batch}-{index:05}.png")
            assert item.split == LAYOUTS[variant].batches[batch]
            names = zip(LAYOUTS[variant].classes.values(), rows.labels.values(), strict=True)
            assert item.labels == tuple(classes[labels[index]] for classes, labels in names)
            red, green, blue = rows.data[index].reshape(3, 32, 32)
            np.testing.assert_array_equal(pixels_of(item), np.dstack([red, green, blue]))


def test_a_picture_does_not_keep_its_batch(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "py", {"test_batch": pickled(random_rows("cifar10", 2, 1))})
    for item in items_of(read_cifar(folder, "cifar10")):
        assert pixels_of(item).base is None
        assert pixels_of(item).flags.c_contiguous


@pytest.mark.parametrize(("split", "count"), [("train", 3), ("test", 4), ("all", 7)])
def test_a_split_is_all_that_is_read(split: Literal["train", "test", "all"], count: int, tmp_path: Path) -> None:
    batches = batches_of("cifar100")
    files = cifar_files("cifar100", batches, in_python=True)
    items = items_of(read_cifar(write_tar(tmp_path / "a.tar.gz", "c", files), "cifar100", split))
    assert len(items) == count
    assert {item.split for item in items} == ({split} if split != "all" else {"train", "test"})


def test_a_split_that_is_not_there_is_told(tmp_path: Path) -> None:
    files = {"test_batch": pickled(random_rows("cifar10", 2, 1))}
    for path in (write_folder(tmp_path / "py", files), write_tar(tmp_path / "a.tar.gz", "py", files)):
        with pytest.raises(DataSetError, match=r"holds none of data_batch_1, .*: name the folder or the archive"):
            read_cifar(path, "cifar10", "train")
        checks = read_cifar(path, "cifar10").checks
        assert [line for line in checks if "not there" in line] == [f"data_batch_{n}: not there" for n in range(1, 6)]


@pytest.mark.parametrize("in_python", [True, False])
def test_a_single_file_is_read_with_the_class_names_beside_it(in_python: bool, tmp_path: Path) -> None:
    rows = random_rows("cifar100", 6, 1)
    files = cifar_files("cifar100", {"test": rows}, in_python=in_python)
    if not in_python:
        files["coarse_label_names.txt"] = "\r\n".join(f"family {n}" for n in range(20)).encode()
    folder = write_folder(tmp_path / "f", files)
    items = items_of(read_cifar(folder / ("test" if in_python else "test.bin"), "cifar100"))
    assert {item.split for item in items} == {"test"}
    assert items[0].source == "cifar100/test/00000"
    coarse = [f"family {n}" for n in range(20)] if not in_python else LAYOUTS["cifar100"].classes["coarse_labels"]
    assert [item.labels[1] for item in items] == [coarse[label] for label in rows.labels["coarse_labels"]]


def test_a_file_of_another_name_has_the_split_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mine.bin").write_bytes(binary(random_rows("cifar10", 2, 1)))
    assert [item.split for item in items_of(read_cifar(tmp_path / "mine.bin", "cifar10"))] == ["", ""]
    items = items_of(read_cifar(tmp_path / "mine.bin", "cifar10", "test"))
    assert [(item.split, item.source, item.name) for item in items] == [
        ("test", f"cifar10/mine/{n:05}", f"mine-{n:05}.png") for n in range(2)
    ]


def test_names_are_text_that_can_be_shown(tmp_path: Path) -> None:
    rows = random_rows("cifar10", 3, 1)
    names = ["<script>alert(1)</script>\0\x1b[2J.png", "   ", "é\x85.png"]
    classes = [f"<img src=x onerror=alert({n})>\n" for n in range(10)]
    files = {
        "test_batch": pickled(Rows(rows.data, rows.labels, names)),
        "batches.meta": python2_pickle({"label_names": classes}),
    }
    items = items_of(read_cifar(write_folder(tmp_path / "py", files), "cifar10"))
    assert [item.name for item in items] == ["<script>alert(1)</script>��[2J.png", "test_batch-00001.png", "é�.png"]
    assert items[0].labels == (f"<img src=x onerror=alert({rows.labels['labels'][0]})>",)


@pytest.mark.parametrize(
    "meta", [python2_pickle({"label_names": ["a", ""]}), pickle.dumps({"label_names": Path()}), b"", b"x" * 70_000]
)
def test_class_names_that_cannot_be_read_are_told_and_replaced(meta: bytes, tmp_path: Path) -> None:
    rows = random_rows("cifar10", 2, 1)
    data_set = read_cifar(write_folder(tmp_path / "p", {"test_batch": pickled(rows), "batches.meta": meta}), "cifar10")
    assert [item.labels[0] for item in items_of(data_set)] == [
        LAYOUTS["cifar10"].classes["labels"][label] for label in rows.labels["labels"]
    ]
    assert any("batches.meta" in line and "the class names of CIFAR-10 are used" in line for line in data_set.checks)


def test_where_both_versions_lie_the_binary_one_is_read(tmp_path: Path) -> None:
    rows, other = random_rows("cifar10", 2, 1), random_rows("cifar10", 3, 2)
    folder = write_folder(tmp_path / "f", {"test_batch": pickled(other), "test_batch.bin": binary(rows)})
    assert [item.name for item in items_of(read_cifar(folder, "cifar10"))] == [
        "test_batch-00000.png",
        "test_batch-00001.png",
    ]


def test_md5s_are_told_and_refuse_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = cifar_files("cifar10", batches_of("cifar10"), in_python=True)
    packed = write_tar(tmp_path / "mine.tar.gz", "py", files)
    monkeypatch.setitem(checksums.CIFAR10, "test_batch", checksums.md5(files["test_batch"]).hexdigest())
    monkeypatch.setitem(checksums.ARCHIVES, "cifar-10-python.tar.gz", checksums.md5(packed.read_bytes()).hexdigest())
    checks = read_cifar(packed, "cifar10").checks
    assert checks == (
        "mine.tar.gz: MD5 confirmed",
        *(f"data_batch_{number}: {DIFFERS}" for number in range(1, 6)),
        "test_batch: MD5 confirmed",
        f"batches.meta: {DIFFERS}",
    )
    single = tmp_path / "test_batch.bin"
    single.write_bytes(binary(random_rows("cifar10", 2, 1)))
    assert read_cifar(single, "cifar10").checks == ("test_batch.bin: no official MD5 is known for this file",)


GOOD = random_rows("cifar10", 4, 9)


def batch_with(**fields: object) -> bytes:
    """A batch of four pictures, of which something is otherwise."""
    table = {"labels": GOOD.labels["labels"], "data": GOOD.data, "filenames": GOOD.names, **fields}
    return pickle.dumps({key: value for key, value in table.items() if value is not None}, 4)


BROKEN = {
    "a label too high": (batch_with(labels=[0, 10, 3, 4]), r"holds 10 among its labels, which end at 9 \(truck\)"),
    "a label in binary too high": (binary(Rows(GOOD.data, {"labels": [0, 10, 3, 4]}, [])), "holds 10 among its labels"),
    "a label far too high": (batch_with(labels=[0, 300, 3, 4]), "holds the label 300"),
    "a negative label": (batch_with(labels=[0, -1, 3, 4]), "holds the label -1"),
    "labels that are text": (batch_with(labels=["cat"] * 4), "no list of whole numbers under labels"),
    "fewer labels": (batch_with(labels=[1, 2, 3]), "holds 3 labels for 4 pictures"),
    "more labels": (batch_with(labels=[1, 2, 3, 4, 5]), "holds 5 labels for 4 pictures"),
    "no labels": (batch_with(labels=None, fine_labels=[1] * 4), "holds no labels, but data, filenames, fine_labels"),
    "no pictures": (batch_with(data=None), "holds no data, but"),
    "pictures that are a list": (batch_with(data=[1, 2]), "holds no pictures under data"),
    "pictures of numbers": (batch_with(data=GOOD.data.astype(np.int32)), "holds no pictures under data"),
    "pictures in a row": (batch_with(data=GOOD.data.ravel()), "holds no pictures under data"),
    "narrow rows": (batch_with(data=GOOD.data[:, :3000].copy()), "has rows of 3000 values"),
    "fewer names": (batch_with(filenames=["a.png"]), "file names that do not belong to its 4 pictures"),
    "a pickle cut short": (batch_with()[:-100], "is cut short"),
    "bytes too many": (binary(GOOD) + b"abc", "no multiple of 3073"),
    "nothing": (b"", "is empty"),
    "a page": (b"<!DOCTYPE html><html>", "no multiple of 3073"),
    "no picture": (batch_with(labels=[], data=GOOD.data[:0], filenames=[]), "holds no picture"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_at_once(case: str, tmp_path: Path) -> None:
    data, message = BROKEN[case]
    (tmp_path / "mine").write_bytes(data)
    with pytest.raises(DataSetError, match=f"mine .*({message})"):
        read_cifar(tmp_path / "mine", "cifar10")


@pytest.mark.parametrize("case", sorted(BROKEN.keys() - {"no picture"}))
def test_a_broken_batch_among_others_is_a_flaw(case: str, tmp_path: Path) -> None:
    good = pickled(GOOD)
    files = {"data_batch_1": good, "data_batch_2": BROKEN[case][0], "test_batch": good}
    for path in (write_folder(tmp_path / "f", files), write_tar(tmp_path / "a.tar.gz", "f", files)):
        data_set = read_cifar(path, "cifar10")
        came = list(data_set.items)
        assert len(came) == data_set.total == 9
        flaw = came[4]
        assert isinstance(flaw, Flaw)
        assert flaw.source == "cifar10/data_batch_2"
        assert flaw.reason.startswith("data_batch_2 ")
        assert Counter(item.split for item in came if isinstance(item, Item)) == {"train": 4, "test": 4}


def test_a_file_over_the_limit_is_told_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar_survey, "MAX_BYTES", 20_000)
    files = {"data_batch_1": pickled(GOOD), "test_batch": pickled(random_rows("cifar10", 10, 1))}
    came = list(read_cifar(write_tar(tmp_path / "a.tar.gz", "f", files), "cifar10").items)
    assert came[-1] == Flaw(
        "cifar10/test_batch", f"test_batch is too large: {len(files['test_batch']):,} bytes; the limit is 20,000"
    )
    assert len(came) == 5


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_of_an_archive_cut_short_what_is_whole_comes_first(mode: Literal["w", "w:gz"], tmp_path: Path) -> None:
    files = {
        "data_batch_2": pickled(random_rows("cifar10", 30, 2)),
        "data_batch_1": pickled(random_rows("cifar10", 20, 1)),
    }
    files |= {"test_batch": pickled(random_rows("cifar10", 30, 3))}
    whole = write_tar(tmp_path / "whole.tar", "f", files, mode).read_bytes()
    path = tmp_path / "cut.tar"
    counts: set[int] = set()
    end = len(whole.rstrip(b"\0"))  # what follows is padding and the end mark
    for length in (*range(0, end, end // 60), *range(end, end - 1600, -401)):
        path.write_bytes(whole[:length])
        came, message = told(path)
        assert "cut.tar" in message
        assert "fetch it again" in message
        assert all(isinstance(item, Item) for item in came)
        counts.add(len(came))
    assert counts == {0, 30, 50, 80}


def test_a_tar_that_ends_between_two_files_is_told(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", "f", {"data_batch_1": pickled(GOOD), "test_batch": pickled(GOOD)}, "w")
    with tarfile.open(path) as tar:
        second = tar.getmembers()[1].offset
    path.write_bytes(path.read_bytes()[:second])
    came, message = told(path)
    assert len(came) == 4
    assert "its end mark is missing" in message


def test_an_archive_with_a_bent_byte_is_told(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", "f", {"test_batch": pickled(GOOD), "readme.html": bytes(100_000)})
    data = bytearray(path.read_bytes())
    data[-6] ^= 1  # of the checksum at the end
    path.write_bytes(data)
    came, message = told(path)
    assert len(came) == 4
    assert "CRC check failed" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"no tar" * 1000), "is no tar that can be read"),
        (gzip.compress(b""), "is no tar that can be read"),
        (b"\x1f\x8bnonsense", "is no tar that can be read"),
        (b"PK\x03\x04" + bytes(100), "no multiple of 3073"),
    ],
)
def test_another_kind_of_archive_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(DataSetError, match=f"archive .*{message}"):
        read_cifar(tmp_path / "archive", "cifar10")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"gone cannot be read: No such file"):
        read_cifar(tmp_path / "gone", "cifar10")
    with pytest.raises(DataSetError, match=r"holds none of test, test.bin, train, train.bin"):
        read_cifar(tmp_path, "cifar100")


def test_a_batch_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for folder in ("a", "b"):
            entry = tarfile.TarInfo(f"{folder}/test_batch")
            entry.size = len(pickled(GOOD))
            tar.addfile(entry, io.BytesIO(pickled(GOOD)))
    with pytest.raises(DataSetError, match="holds test_batch twice"):
        read_cifar(path, "cifar10")


def test_links_and_names_that_lead_out_are_no_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            entry = tarfile.TarInfo("f/test_batch")
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)
    with pytest.raises(DataSetError, match="holds none of"):
        read_cifar(path, "cifar10")


def hurting_archives() -> dict[str, bytes]:
    """Tars by what is to be said of them."""
    big = tarfile.TarInfo("f/other")
    big.size = 10 * 1024**3
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 300 * 1024**2
    empty = tarfile.TarInfo("f/other").tobuf()
    back = bytearray(empty)
    back[124:136] = (-1024).to_bytes(12, "big", signed=True)  # after it, the archive would go back for ever
    back[148:156] = b"%06o\0 " % (sum(back[:148]) + 8 * ord(" ") + sum(back[156:]))
    return {
        "unpacks to more than 536,870,912 bytes": big.tobuf(),
        "header is too large": long.tobuf() + bytes(2 * 1024**2),
        "holds more than 1,000 files": empty * 300_000,
        "an entry has a negative size": bytes(back) * 4,
    }


@pytest.mark.parametrize("message", hurting_archives())
def test_archives_made_to_hurt_are_refused_soon_and_in_little_memory(message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(hurting_archives()[message], 1))
    tracemalloc.start()
    started = time.monotonic()
    try:
        with pytest.raises(DataSetError, match=f"a.tar.gz .*{message}"):
            read_cifar(path, "cifar10")
        assert tracemalloc.get_traced_memory()[1] < 10 * 1024**2
        assert time.monotonic() - started < 2
    finally:
        tracemalloc.stop()


def test_one_batch_is_in_memory_at_a_time(tmp_path: Path) -> None:
    batches = {name: random_rows("cifar10", 3000, 1) for name in LAYOUTS["cifar10"].batches}
    path = write_tar(tmp_path / "a.tar.gz", "f", cifar_files("cifar10", batches, in_python=True))
    size = len(pickled(batches["test_batch"]))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_cifar(path, "cifar10").items) == 18_000
        assert tracemalloc.get_traced_memory()[1] < 1.5 * size
    finally:
        tracemalloc.stop()


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", {"test_batch.bin": binary(GOOD)})
    items = read_cifar(folder, "cifar10").items
    (folder / "test_batch.bin").write_bytes(binary(Rows(GOOD.data, {"labels": [200] * 4}, [])))
    with pytest.raises(DataSetError, match="changed while it was read"):
        list(items)


def test_the_official_test_batch(test_data: Path) -> None:
    data_set = read_cifar(test_data / "cifar10/cifar-10-batches-py", "cifar10", "test")
    assert data_set.checks == ("test_batch: MD5 confirmed", "batches.meta: MD5 confirmed")
    items = items_of(data_set)
    with (test_data / "cifar10/test_labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(item.name, item.labels) for item in items] == [(row["filename"], (row["class"],)) for row in rows]
    assert set(Counter(item.labels for item in items).values()) == {1000}
    assert len(items) == 10_000


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_official_archives_in_small_agree(variant: Variant, test_data: Path) -> None:
    number = variant.removeprefix("cifar")
    in_python = items_of(read_cifar(test_data / f"{variant}/mini/cifar-{number}-python.tar.gz", variant))
    in_binary = items_of(read_cifar(test_data / f"{variant}/mini/cifar-{number}-binary.tar.gz", variant))
    twins = {pixels_of(item).tobytes(): item for item in in_python}
    assert len(in_python) == len(twins) == {"cifar10": 800, "cifar100": 1000}[variant]
    assert len(in_binary) == {"cifar10": 800, "cifar100": 600}[variant]
    for item in in_binary:
        twin = twins[pixels_of(item).tobytes()]
        assert (item.labels, item.split) == (twin.labels, twin.split)
        # The two archives of CIFAR-100 are cut from other rows.
        assert variant == "cifar100" or item.source == twin.source
    if variant == "cifar100":
        assert set(Counter(item.labels[0] for item in in_python).values()) == {10}
        assert len({item.labels for item in in_python}) == 100
        assert len({item.labels[1] for item in in_python}) == 20
        assert in_python[0].labels == ("cattle", "large_omnivores_and_herbivores")


def test_pictures_are_upright_and_of_the_right_colours(test_data: Path) -> None:
    known = {
        item.name: item for item in items_of(read_cifar(test_data / "cifar10/mini/cifar-10-python.tar.gz", "cifar10"))
    }
    official = items_of(read_cifar(test_data / "cifar10/cifar-10-batches-py", "cifar10", "test"))
    np.testing.assert_array_equal(pixels_of(official[0]), pixels_of(known[official[0].name]))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("label_out_of_range", "holds 10 among its labels"),
        ("labels_shorter_than_data", "holds 15 labels for 20 pictures"),
        ("rows_of_3000", "has rows of 3000 values"),
        ("bin_not_multiple_of_3073.bin", "61,463 bytes, which is no multiple of 3073"),
        ("malicious_batch.pkl", "asks for os.mkdir"),
        ("../../cifar10/broken/data_batch_1.truncated", "is cut short"),
        ("../../cifar10/broken/cifar-10-python.truncated.tar.gz", "is no tar that can be read"),
    ],
)
def test_awkward_files_are_refused(
    file: str, message: str, test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataSetError, match=message):
        read_cifar(test_data / "awkward/archives" / file, "cifar10")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["tiny_batch_20_rows", "tiny_20_rows.bin", "python3_protocol4_str_keys"])
def test_awkward_files_that_are_good_are_read(file: str, test_data: Path) -> None:
    items = items_of(read_cifar(test_data / "awkward/archives" / file, "cifar10"))
    first = items_of(read_cifar(test_data / "awkward/archives/tiny_batch_20_rows", "cifar10"))
    assert len(items) == 20
    for item, expected in zip(items, first, strict=True):
        assert item.labels == expected.labels
        np.testing.assert_array_equal(pixels_of(item), pixels_of(expected))
