"""STL-10: pictures upright and in their colours, with the labels of their split, from the archive and the folder."""

import tracemalloc
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml.datasets import checksums
from ml.datasets.items import DataSet, DataSetError, Flaw, Item
from ml.datasets.stl10 import CLASSES, read_stl10
from tests.ml.datasets.distributions import stl10_files, write_folder, write_tar

LABELS = {"train": [1, 10, 5], "test": [2, 2]}


def pictures(count: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 96, 96, 3), np.uint8)


PICTURES = {"train": pictures(3, 1), "test": pictures(2, 2), "unlabeled": pictures(4, 3)}


def files_with(**others: bytes | None) -> dict[str, bytes]:
    """The files of a small STL-10, of which some (named without .bin or .txt) are otherwise or missing."""
    files = stl10_files(PICTURES, LABELS)
    for name in list(files):
        other = others.get(name.partition(".")[0], files[name])
        if other is None:
            del files[name]
        else:
            files[name] = other
    return files


def items_of(data_set: DataSet) -> list[Item]:
    items = list(data_set.items)
    assert len(items) == data_set.total
    assert all(isinstance(item, Item) for item in items)
    return [item for item in items if isinstance(item, Item)]


def pixels_of(item: Item) -> NDArray[np.uint8]:
    assert isinstance(item.content, np.ndarray)
    assert item.content.flags.c_contiguous
    return item.content


@pytest.mark.parametrize("backwards", [False, True])
def test_the_archive_and_the_folder_give_the_same_items(backwards: bool, tmp_path: Path) -> None:
    files = files_with()
    folder = write_folder(tmp_path / "unpacked" / "stl10_binary", files)
    ordered = dict(reversed(files.items())) if backwards else files
    packed = write_tar(tmp_path / "stl10.tar.gz", "stl10_binary", ordered)
    for path in (folder, folder.parent, packed):
        items = items_of(read_stl10(path))
        assert [item.source for item in items] == [
            f"stl10/{split}/{index:05}" for split, many in PICTURES.items() for index in range(len(many))
        ]
        assert [item.split for item in items] == ["train"] * 3 + ["test"] * 2 + ["unlabeled"] * 4
        assert [item.labels for item in items] == [("airplane",), ("truck",), ("deer",), ("bird",), ("bird",)] + [
            ()
        ] * 4
        assert items[0].name == "train_X-00000.png"
        for item, pixels in zip(items, np.concatenate([*PICTURES.values()]), strict=True):
            np.testing.assert_array_equal(pixels_of(item), pixels)


@pytest.mark.parametrize("split", ["train", "test", "unlabeled"])
def test_a_split_is_all_that_is_read(split: Literal["train", "test", "unlabeled"], tmp_path: Path) -> None:
    for path in (write_folder(tmp_path / "f", files_with()), write_tar(tmp_path / "a.tar.gz", "f", files_with())):
        data_set = read_stl10(path, split)
        assert {item.split for item in items_of(data_set)} == {split}
        assert not any(
            other in line for line in data_set.checks for other in {"train_", "test_", "unlabeled_"} - {f"{split}_"}
        )


def test_class_names_of_the_archive_are_used_or_the_official_ones(tmp_path: Path) -> None:
    own = "\r\n".join(f"kind {number}" for number in range(1, 11)).encode()
    items = items_of(read_stl10(write_folder(tmp_path / "own", files_with(class_names=own)), "train"))
    assert [item.labels[0] for item in items] == ["kind 1", "kind 10", "kind 5"]
    items = items_of(read_stl10(write_folder(tmp_path / "none", files_with(class_names=None)), "train"))
    assert [item.labels[0] for item in items] == [CLASSES[0], CLASSES[9], CLASSES[4]]


FLAWS = {
    "half a picture": ({"train_X": bytes(27_648 + 5)}, "train_X.bin has 27,653 bytes, which is no multiple of 27,648"),
    "labels missing": ({"train_y": None}, "train_X.bin has no labels: train_y.bin must lie beside it"),
    "labels too large": ({"train_y": bytes(2 * 1024**2)}, "train_X.bin has no labels: train_y.bin must"),
    "fewer labels": ({"train_y": b"\1\2"}, "train_y.bin holds 2 labels for 3 pictures"),
    "a label 0": ({"train_y": b"\1\0\2"}, "train_y.bin holds labels from 0 to 2; 1 to 10 are"),
    "a label 11": ({"train_y": b"\1\13\2"}, "train_y.bin holds labels from 1 to 11; 1 to 10 are"),
    "few classes": ({"class_names": b"one\ntwo\n"}, "train_y.bin holds labels from 1 to 10; 1 to 2 are"),
}


@pytest.mark.parametrize("case", FLAWS)
def test_a_split_that_cannot_be_read_is_a_flaw_and_alone_an_error(case: str, tmp_path: Path) -> None:
    others, message = FLAWS[case]
    folder = write_folder(tmp_path / "f", files_with(**others))
    packed = write_tar(tmp_path / "a.tar.gz", "f", files_with(**others))
    for path in (folder, packed):
        data_set = read_stl10(path)
        came = list(data_set.items)
        assert len(came) == data_set.total == 7
        assert isinstance(came[0], Flaw)
        assert came[0].source == "stl10/train"
        assert came[0].reason.startswith(message)
        with pytest.raises(DataSetError, match=f"^{message}"):
            read_stl10(path, "train")


def test_of_an_archive_cut_short_whole_splits_come_first(tmp_path: Path) -> None:
    files = files_with()
    ordered = {name: files[name] for name in ("test_X.bin", "test_y.bin", "train_X.bin", "train_y.bin")}
    path = write_tar(tmp_path / "a.tar", "f", {**ordered, "unlabeled_X.bin": files["unlabeled_X.bin"]}, "w")
    path.write_bytes(path.read_bytes()[:-50_000])
    data_set = read_stl10(path)
    came: list[Item | Flaw] = []
    with pytest.raises(DataSetError, match=r"a\.tar is cut short or damaged"):
        came.extend(data_set.items)
    assert [item.source for item in came] == [f"stl10/train/0000{n}" for n in range(3)] + [
        "stl10/test/00000",
        "stl10/test/00001",
    ]


def test_what_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x")
    with pytest.raises(DataSetError, match=r"is neither a folder nor a tar: name stl10_binary\.tar\.gz"):
        read_stl10(tmp_path / "a.bin")
    with pytest.raises(DataSetError, match=r"holds none of test_X.bin, train_X.bin, unlabeled_X.bin"):
        read_stl10(tmp_path)
    with pytest.raises(DataSetError, match=r"holds none of train_X.bin: name the folder or the archive that does"):
        read_stl10(write_tar(tmp_path / "a.tar", "f", {"test_X.bin": bytes(27_648)}), "train")
    with pytest.raises(DataSetError, match="gone cannot be read"):
        read_stl10(tmp_path / "gone")


def test_md5s_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = files_with(unlabeled_X=None)
    monkeypatch.setitem(checksums.STL10, "train_X.bin", checksums.md5(files["train_X.bin"]).hexdigest())
    differs = "MD5 differs from the official one (another cut or order of the data set)"
    assert set(read_stl10(write_folder(tmp_path / "f", files)).checks) == {
        "train_X.bin: MD5 confirmed",
        *(f"{name}: {differs}" for name in ("train_y.bin", "test_X.bin", "test_y.bin")),
        "unlabeled_X.bin: not there",
    }


def test_pictures_are_streamed(tmp_path: Path) -> None:
    files = {"unlabeled_X.bin": bytes(2000 * 27_648)}
    for path in (write_folder(tmp_path / "f", files), write_tar(tmp_path / "a.tar.gz", "f", files)):
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_stl10(path).items) == 2000
            assert tracemalloc.get_traced_memory()[1] < 8 * 1024**2
        finally:
            tracemalloc.stop()


def test_the_official_layout_in_small(test_data: Path) -> None:
    data_set = read_stl10(test_data / "stl10/mini/stl10_binary.tar.gz")
    items = items_of(data_set)
    known: dict[bytes, Path] = {}
    for file in (test_data / "stl10").rglob("*.png"):
        with Image.open(file) as image:
            known[np.asarray(image.convert("RGB")).tobytes()] = file
    assert len(items) == len(known) == 208
    for item in items:
        file = known.pop(pixels_of(item).tobytes())
        assert item.labels == ((file.parent.name,) if item.split == "test" else ())
        assert file.is_relative_to(test_data / "stl10" / ("images_test_split" if item.split == "test" else "images"))
    assert not known
    assert "train_X.bin: not there" in data_set.checks
