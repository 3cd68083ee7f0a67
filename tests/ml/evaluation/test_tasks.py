"""Labelled pictures and altered copies: what is a query, what is searched, what each scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.datasets.items import DataSetError
from ml.evaluation.groups import kind_of
from ml.evaluation.tasks import Copies, Labelled, read_copies, read_tasks


def at(degrees: float) -> NDArray[np.float32]:
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def write_groups(folder: Path, *groups: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "groups.json").write_text(json.dumps({"groups": groups}))
    return folder


def group(kind: str, **files: str) -> dict[str, Any]:
    named = {name.replace("_jpg", ".jpg"): alteration for name, alteration in files.items()}
    return {"kind": kind, "files": [{"file": file, "transform": how} for file, how in named.items()]}


def test_labelled_pictures_worked_by_hand() -> None:
    a1, a2, b1, b2, refused = (Path(name) for name in ("a1", "a2", "b1", "b2", "refused"))
    task = Labelled("set", [a1, refused, a2, b1, b2], ["a", "a", "a", "b", "b"], k=1)
    scores = task.score({a1: at(0), a2: at(10), b1: at(13), b2: at(50)})
    # a1 -> a2, a2 -> b1, b1 -> a2, b2 -> b1; the refused one is no query, and nobody's answer.
    assert {name: values.tolist() for name, values in scores.items()} == {
        "P@1": [1, 0, 0, 1],
        "R@1": [1, 0, 0, 1],
        "mAP@R": [1, 0, 0, 1],
    }


def test_copies_worked_by_hand() -> None:
    names = ("original", "near", "far", "other", "second", "its copy", "refused", "stranger")
    original, near, far, other, second, its_copy, refused, stranger = (Path(name) for name in names)
    pairs = [(near, original), (far, original), (its_copy, second), (refused, second), (far, refused)]
    task = Copies("crops", pairs, others=[original, other, stranger])
    assert set(task.files) == {Path(name) for name in names}
    scores = task.score(
        {original: at(0), near: at(5), far: at(24), other: at(30), second: at(90), its_copy: at(89), stranger: at(20)}
    )
    # near is nearer to far than to anything else, but copies are not searched. far -> stranger, other, original.
    assert scores["rank 1"].tolist() == [1, 0, 1]
    assert scores["MRR"] == pytest.approx([1, 1 / 3, 1])


def test_a_picture_is_searched_once_however_often_it_is_named() -> None:
    copy, original, twice = Path("copy"), Path("original"), Path("twice")
    task = Copies("crops", [(copy, original)], others=[twice, original, twice])
    assert task.score({copy: at(0), original: at(9), twice: at(1)})["MRR"].tolist() == [0.5]


def test_groups_are_read_by_kind(tmp_path: Path) -> None:
    folder = write_groups(
        tmp_path / "copies",
        group("copy", a_jpg="original 20x20", b_jpg="crop_30pct", c_jpg="letterboxed", d_jpg="jpeg_q10"),
        group("copy", e_jpg="crop_50pct", f_jpg="original"),
        group("multiview", g_jpg="another viewpoint", h_jpg="another viewpoint"),
    )
    stranger = tmp_path / "stranger.jpg"
    tasks = {task.name: task for task in read_copies(folder, [stranger])}
    a, b, c, d, e, f, g, h = (folder / f"{name}.jpg" for name in "abcdefgh")
    assert {name: list(task.pairs) for name, task in tasks.items()} == {
        "copies: borders": [(c, a)],
        "copies: crops": [(b, a), (e, f)],
        "copies: other": [(d, a)],
    }
    assert all(list(task.others) == [stranger, a, f, g, h] for task in tasks.values())


@pytest.mark.parametrize(
    ("alteration", "kind"),
    [
        ("crop_80pct", "crops"),
        ("screenshot_frame", "borders"),
        ("collage_50pct_on_other", "borders"),
        ("aspect_squeeze", "aspect"),
        ("square-128x128", "aspect"),
        ("rotate_-5deg", "turns"),
        ("hflip", "turns"),
        ("scale_25pct", "other"),
    ],
)
def test_the_kind_of_an_alteration(alteration: str, kind: str) -> None:
    assert kind_of(alteration) == kind


def test_labelled_folders_are_what_copies_are_told_from(tmp_path: Path) -> None:
    for name in ("beach/1.jpg", "beach/2.jpg", "loose.jpg"):
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    copies = write_groups(tmp_path / "copies", group("copy", a_jpg="original", b_jpg="crop"))
    labelled, crops = read_tasks([copies, tmp_path / "set"])
    assert isinstance(labelled, Labelled)
    assert isinstance(crops, Copies)
    assert (labelled.name, list(labelled.labels)) == ("set", ["beach", "beach", "set"])
    assert list(crops.others) == [*labelled.files, copies / "a.jpg"]


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"groups": [{"kind": "copy", "files": [{"file": "a", "transform": "crop"}]}]}', "[1]"]
)
def test_a_list_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "groups.json").write_text(text)
    with pytest.raises(ValueError, match=r"groups\.json does not list"):
        read_tasks([tmp_path])


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no pictures"):
        read_tasks([tmp_path])
    with pytest.raises(DataSetError, match="is not a folder"):
        read_tasks([tmp_path / "none"])


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"looked at later")
    with pytest.raises(ValueError, match="no labels to go by"):
        read_tasks([tmp_path])
