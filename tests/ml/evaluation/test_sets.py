"""What is evaluated on: labelled folders, groups of copies, data sets as distributed; drawn, and refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml.datasets.items import DataSetError, Flaw
from ml.evaluation.sets import EvaluationError, PictureSet, read_set


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Two originals with a copy each, and a stranger."""
    folder = touch(tmp_path / "copies", "a.jpg", "a2.jpg", "b.jpg", "b2.jpg", "other.jpg")
    entries = [("a.jpg", "original"), ("a2.jpg", "crop_30pct")], [("b.jpg", "original"), ("b2.jpg", "hflip")]
    groups = [{"kind": "copy", "files": [{"file": file, "transform": how} for file, how in one]} for one in entries]
    groups.append({"kind": "singleton", "files": [{"file": "other.jpg", "transform": "original"}]})
    (folder / "groups.json").write_text(json.dumps({"groups": groups}))
    return folder


def labels_of(found: PictureSet) -> list[tuple[str, ...]]:
    return [item.labels for item in found.items]


def test_a_folder_has_the_nearest_folders_as_labels(tmp_path: Path) -> None:
    folder = touch(tmp_path / "birds", "sea/gull/1.jpg", "sea/gull/2.jpg", "sea/tern/3.jpg", "loose.jpg")
    found = read_set(folder)
    assert labels_of(found) == [("gull",), ("gull",), ("tern",)]
    assert found.about == "3 pictures of 2 labels; 1 more have no label and are left out"
    assert found.labelled
    assert found.asked is None


def test_a_limit_draws_as_many_of_each_label(tmp_path: Path) -> None:
    folder = touch(
        tmp_path / "set", *(f"{label}/{n}.jpg" for label, count in (("a", 9), ("b", 3)) for n in range(count))
    )
    found = read_set(folder, limit=6, seed=1)
    assert labels_of(found) == [("a",)] * 3 + [("b",)] * 3
    assert found.about.endswith("6 of them drawn with seed 1")
    assert found.items == read_set(folder, limit=6, seed=1).items
    assert found.items != read_set(folder, limit=6, seed=2).items
    assert len(read_set(folder, limit=8).items) == 8


def test_groups_of_copies_are_whole(copies: Path) -> None:
    found = read_set(copies, limit=1)
    assert [item.name for item in found.items] == ["a.jpg", "a2.jpg", "b.jpg", "b2.jpg", "other.jpg"]
    assert found.copied is not None
    assert (found.copied.copies.tolist(), found.copied.originals.tolist()) == ([1, 3], [0, 2])
    assert found.copied.kinds == ("crops", "turns")
    assert not found.labelled
    assert found.about == "2 copies of 2 originals, and 1 pictures of no group"


def test_copies_go_with_their_original(copies: Path) -> None:
    found = read_set(copies).keep(np.array([1, 2, 3, 4]), [Flaw("a.jpg", "no picture")])
    assert found.copied is not None
    assert (found.copied.copies.tolist(), found.copied.originals.tolist(), found.copied.kinds) == ([2], [1], ("turns",))
    assert [flaw.source for flaw in found.left_out] == ["a.jpg"]


def test_a_file_that_groups_name_has_to_be_there(copies: Path) -> None:
    (copies / "b2.jpg").unlink()
    with pytest.raises(EvaluationError, match=r"b2\.jpg, which is not there"):
        read_set(copies)


def test_pictures_without_labels_are_read_all_the_same(tmp_path: Path) -> None:
    found = read_set(touch(tmp_path / "photos", "1.jpg", "2.jpg"))
    assert (found.labelled, found.about) == (False, "2 pictures without labels")


@pytest.mark.parametrize(
    ("files", "message"), [(["a/1.jpg", "a/2.jpg"], "one class only, 'a'"), ([], "no pictures to evaluate with")]
)
def test_what_tells_nothing_is_refused(tmp_path: Path, files: list[str], message: str) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(EvaluationError, match=message):
        read_set(touch(tmp_path / "set", *files))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="is not a folder"):
        read_set(tmp_path / "none")


@pytest.mark.parametrize(
    ("path", "name", "pictures", "labels", "asked"),
    [
        ("cifar10/cifar-10-batches-py", "CIFAR-10", 10_000, 10, None),
        ("cifar10/mini/cifar-10-binary.tar.gz", "CIFAR-10", 800, 10, 300),
        ("cifar100/mini/cifar-100-python.tar.gz", "CIFAR-100", 1000, 100, 500),
        ("stl10/mini/stl10_binary.tar.gz", "STL-10", 10, 10, None),
        ("labelled/clothing", "clothing", 200, 10, None),
    ],
)
def test_data_sets_as_distributed(
    test_data: Path, path: str, name: str, pictures: int, labels: int, asked: int | None
) -> None:
    found = read_set(test_data / path)
    assert (found.name, len(found.items)) == (name, pictures)
    assert len({label for item in found.items for label in item.labels}) == labels
    assert all(len(item.labels) == 1 for item in found.items)
    assert (None if found.asked is None else int(found.asked.sum())) == asked


def test_coco_pictures_have_several_labels(test_data: Path) -> None:
    found = read_set(test_data / "coco" / "tiny_coco")
    assert len(found.items) == 48
    assert found.relevance.member is not None
    assert found.about.endswith("two are alike when they share one; 2 more have no label and are left out")
