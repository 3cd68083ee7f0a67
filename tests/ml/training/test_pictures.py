"""The pictures of a run: from data sets, looked through once, and prepared ahead in order."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.datasets.folder import read_folder
from ml.datasets.items import DataSet, Flaw, Item
from ml.decoder import Decoder
from ml.models.preprocess import CentreCrop
from ml.training.config import TrainingError
from ml.training.pictures import Picture, Refused, Studio, fingerprint, read_pictures, survey


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with Decoder(1) as decoder:
        yield Studio(decoder)


def shade(value: int) -> np.ndarray:
    return np.full((20, 20, 3), value, np.uint8)


def test_a_folder_gives_labels_by_its_folders(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    Image.fromarray(shade(9)).save(tmp_path / "cats" / "a.png")
    Image.fromarray(shade(9)).save(tmp_path / "b.png")
    pictures, refused = read_pictures(read_folder(tmp_path, "folder"))
    assert {(one.name, one.label) for one in pictures} == {("b.png", ""), ("cats/a.png", "cats")}
    assert refused == []


def test_flaws_are_told_and_what_is_read_late_is_read() -> None:
    items = [Item("a", "z/a", lambda: b"bytes", labels=("x", "y")), Flaw("z/b", "broken"), Item("c", "z/c", shade(1))]
    pictures, refused = read_pictures(DataSet("z", items, total=3))
    assert pictures[0] == Picture("z/a", b"bytes", "x")
    assert isinstance(pictures[1].content, np.ndarray)
    assert refused == [Refused("z/b", "broken")]


def test_the_survey_parts_the_readable_from_the_others(studio: Studio, tmp_path: Path) -> None:
    good = [Picture(str(value), shade(value)) for value in (1, 2)]
    bad = [Picture("text", b"no picture"), Picture("gone", tmp_path / "gone.png")]
    kept, refused = survey([bad[0], *good, bad[1]], studio)
    assert [one.name for one in kept] == ["1", "2"]
    assert [one.name for one in refused] == ["text", "gone"]
    with pytest.raises(TrainingError, match=r"1 of 2 pictures can be used.*text: not a picture"):
        survey([bad[0], good[0]], studio)


def test_batches_come_in_order_without_what_cannot_be_read(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "four.png"
    Image.fromarray(shade(4)).save(file)
    pictures = [Picture("1", shade(1)), Picture("gone", tmp_path / "gone.png"), Picture("4", file)]
    crop = CentreCrop(8, 8)
    batches = list(studio.batches([[(one, crop) for one in pictures]] * 5))
    assert [[int(np.asarray(one)[0, 0, 0]) for one in batch] for batch in batches] == [[1, 4]] * 5


def test_a_fingerprint_knows_order_names_and_labels() -> None:
    first, second = Picture("a", b"", "x"), Picture("b", b"", "y")
    prints = {
        fingerprint(one)
        for one in (
            [first, second],
            [second, first],
            [first],
            [first, Picture("b", b"", "z")],
            [Picture("ab", b"", "x")],
        )
    }
    assert len(prints) == 5
    assert fingerprint([Picture("odd\udce4", b"")]) == fingerprint([Picture("odd\udce4", b"other bytes")])
