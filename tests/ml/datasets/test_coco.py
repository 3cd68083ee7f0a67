"""COCO: sets that are found, labels, boxes and captions, and what is wrong told picture by picture."""

import json
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.datasets.coco import read_coco
from ml.datasets.coco_sampling import sample_balanced
from ml.datasets.items import Box, DataSet, DataSetError, Flaw, Item

CATEGORIES = [{"id": 3, "name": "cat", "supercategory": "animal"}, {"id": 7, "name": "dog"}, {"id": 9, "name": "pan"}]
IMAGES = [{"id": 11, "file_name": "a.jpg", "width": 9, "height": 9}, {"id": 12, "file_name": "b.jpg"}]


def annotation(number: int, picture: Any, category: Any, bbox: Any = (0, 1.5, 2, 3), **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": picture,
        "category_id": category,
        "bbox": bbox,
        "segmentation": [[1.5] * 8],
        "area": 6,
        **more,
    }


def lay_out(root: Path, name: str = "val2017", *, folder: str | None = None, **lists: Any) -> Path:
    """A set with two pictures; returns its file of instances."""
    pictures = root / (folder or name)
    pictures.mkdir(parents=True, exist_ok=True)
    for file in ("a.jpg", "b.jpg"):
        (pictures / file).write_bytes(file.encode())
    (root / "annotations").mkdir(exist_ok=True)
    path = root / "annotations" / f"instances_{name}.json"
    path.write_text(json.dumps({"images": IMAGES, "annotations": [], "categories": CATEGORIES, **lists}))
    return path


def captions(root: Path, name: str, texts: list[tuple[Any, Any]], images: list[Any] = IMAGES) -> Path:
    path = root / "annotations" / f"captions_{name}.json"
    told = [{"id": number, "image_id": picture, "caption": text} for number, (picture, text) in enumerate(texts)]
    path.write_text(json.dumps({"images": images, "annotations": told}))
    return path


def split(found: DataSet) -> tuple[list[Item], list[Flaw]]:
    entries = list(found.items)
    assert found.total == len(entries)
    return [one for one in entries if isinstance(one, Item)], [one for one in entries if isinstance(one, Flaw)]


def test_categories_captions_and_boxes_are_kept(tmp_path: Path) -> None:
    boxes = [
        annotation(1, 12, 7),
        annotation(2, 12, 3, (4, 5, 6, 7), iscrowd=1),
        annotation(3, 12, 3),
        annotation(4, 12, 9),
    ]
    lay_out(tmp_path, annotations=boxes)
    captions(tmp_path, "val2017", [(12, " A cat. "), (12, "Zwei Hunde – 🐕"), (12, "A cat."), (11, ""), (11, "One.")])
    (tmp_path / "annotations" / "person_keypoints_val2017.json").write_text("{}")
    found = read_coco(tmp_path)
    assert found.title == tmp_path.name
    assert found.checks == (
        "instances_val2017.json: 2 pictures, 4 boxes, 3 categories used",
        "captions_val2017.json: 4 captions",
        "person_keypoints_val2017.json: left out, keypoints are not kept",
    )
    (a, b), flaws = split(found)
    assert flaws == []
    assert a == Item("a.jpg", "val2017/a.jpg", tmp_path / "val2017/a.jpg", (), ("One.",), "val2017")
    assert (b.labels, b.captions, b.split) == (("cat", "dog", "pan"), ("A cat.", "Zwei Hunde – 🐕"), "val2017")
    assert b.boxes == (
        Box("dog", 0, 1.5, 2, 3),
        Box("cat", 4, 5, 6, 7),
        Box("cat", 0, 1.5, 2, 3),
        Box("pan", 0, 1.5, 2, 3),
    )


def test_the_most_frequent_label_comes_first(tmp_path: Path) -> None:
    lay_out(tmp_path, annotations=[annotation(n, 11, category) for n, category in enumerate([7, 9, 3, 3, 9, 3])])
    assert split(read_coco(tmp_path))[0][0].labels == ("cat", "pan", "dog")


def test_all_sets_are_read_those_without_pictures_left_out(tmp_path: Path) -> None:
    lay_out(tmp_path, "train2017", annotations=[annotation(1, 11, 3)])
    lay_out(tmp_path, "val2017", annotations=[annotation(1, 11, 7)])
    lay_out(tmp_path, "test2017", folder="elsewhere")
    found = read_coco(tmp_path)
    assert [item.source for item in split(found)[0]] == [
        "train2017/a.jpg",
        "train2017/b.jpg",
        "val2017/a.jpg",
        "val2017/b.jpg",
    ]
    assert found.checks[-1] == "instances_test2017.json: left out, its pictures are not there"
    one = read_coco(tmp_path, annotations=tmp_path / "annotations/instances_val2017.json")
    assert [item.labels for item in split(one)[0]] == [("dog",), ()]
    elsewhere = read_coco(
        tmp_path, annotations=tmp_path / "annotations/instances_test2017.json", images=tmp_path / "elsewhere"
    )
    assert [item.source for item in split(elsewhere)[0]] == ["test2017/a.jpg", "test2017/b.jpg"]
    by_pictures = read_coco(tmp_path, images=tmp_path / "val2017")
    assert [item.split for item in split(by_pictures)[0]] == ["val2017", "val2017"]


@pytest.mark.parametrize("folder", ["val2017", "images/val2017", "images"])
def test_the_pictures_folder_is_found(tmp_path: Path, folder: str) -> None:
    path = lay_out(tmp_path, folder=folder)
    for given in (tmp_path, tmp_path / "annotations", path):
        contents = [item.content for item in split(read_coco(given))[0]]
        assert contents == [tmp_path / folder / "a.jpg", tmp_path / folder / "b.jpg"]


def test_one_file_with_its_pictures_around_it_is_a_set(tmp_path: Path) -> None:
    path = lay_out(tmp_path, folder="all").rename(tmp_path / "all" / "labels.json")
    items, _ = split(read_coco(path))
    assert [(item.source, item.split) for item in items] == [("labels/a.jpg", "labels"), ("labels/b.jpg", "labels")]
    with pytest.raises(
        DataSetError, match=r"all has no instances_\*.json.*: name the annotation file by --annotations"
    ):
        read_coco(tmp_path / "all")


def test_captions_may_be_named_or_stand_alone(tmp_path: Path) -> None:
    lay_out(tmp_path)
    file = captions(tmp_path, "val2017", [(12, "Other.")]).rename(tmp_path / "mine.json")
    assert split(read_coco(tmp_path, captions=file))[0][1].captions == ("Other.",)
    file = captions(tmp_path, "val2017", [(12, "Alone.")])
    items, _ = split(read_coco(file))
    assert [(item.labels, item.captions) for item in items] == [((), ()), ((), ("Alone.",))]
    lay_out(tmp_path, "train2017")
    with pytest.raises(DataSetError, match=r"holds train2017, val2017: name the one of mine.json by --annotations"):
        read_coco(tmp_path, captions=tmp_path / "mine.json")
    assert len(split(read_coco(tmp_path, captions=file))[0]) == 2


def test_every_wrong_annotation_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    wrong = [
        annotation(1, 99, 3),
        annotation(2, 11, 99),
        annotation(3, 11, 3, (1, 2, 3)),
        annotation(4, 11, 3, (1, 2, 3, "4")),
        annotation(5, 11, 3, None),
        annotation(6, None, 3),
        "what",
        annotation(8, 11, 7),
        {"id": 9, "image_id": 11, "category_id": 7},
    ]
    lay_out(tmp_path, annotations=wrong)
    captions(tmp_path, "val2017", [(99, "Lost."), (11, 5), (11, "Kept.")])
    (a, _), flaws = split(read_coco(tmp_path))
    assert (a.labels, a.captions) == (("dog",), ("Kept.",))
    told = {flaw.source: flaw.reason for flaw in flaws}
    assert told["annotation 1"] == "it is of picture 99, which instances_val2017.json does not list"
    assert told["annotation 2"] == "it is of category 99, which instances_val2017.json does not list"
    for number in (3, 4, 5, 9):
        assert told[f"annotation {number}"] == "its box (bbox) is not four finite numbers"
    assert told["annotation number 6"].startswith(
        "instances_val2017.json says it in a way that is not COCO's: Expected"
    )
    assert told["annotation number 7"].startswith(
        "instances_val2017.json says it in a way that is not COCO's: Expected"
    )
    assert told["annotation 0"] == "its caption in captions_val2017.json is of picture 99, which is not listed"
    assert told["annotation number 2"].startswith("captions_val2017.json says it")
    assert len(flaws) == 10


def test_numbers_without_end_are_no_box(tmp_path: Path) -> None:
    path = lay_out(tmp_path, annotations=[annotation(1, 11, 3, (1, 2, 3, 77)), annotation(2, 11, 7)])
    path.write_text(path.read_text().replace("77", "1e999"))
    (a, _), flaws = split(read_coco(tmp_path))
    assert a.labels == ("dog",)
    assert [flaw.source for flaw in flaws] == ["annotation 1"]


def test_pictures_that_cannot_be_had_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    names = ["a.jpg", "gone.jpg", "../secret.jpg", "/etc/passwd", "..\\x.jpg", "leak.jpg", "loop.jpg", "nul\0.jpg"]
    names += ["n" * 300 + ".jpg", "", "deep/leak.jpg", "b.jpg"]
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    lay_out(tmp_path, images=[*images, {"id": 0, "file_name": "b.jpg"}, {"file_name": "x.jpg"}])
    (tmp_path / "val2017" / "leak.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "val2017" / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "val2017" / "deep").symlink_to(tmp_path)
    (tmp_path / "leak.jpg").write_bytes(b"secret")
    items, flaws = split(read_coco(tmp_path))
    assert [item.source for item in items] == ["val2017/a.jpg", "val2017/b.jpg"]
    told = {flaw.source: flaw.reason for flaw in flaws}
    root = tmp_path / "val2017"
    assert told["val2017/gone.jpg"] == f"its file is not in {root}"
    assert told["val2017/../secret.jpg"] == "refused: its name leads out of the folder (..)"
    assert told["val2017//etc/passwd"] == "refused: its name is an absolute path"
    assert told["val2017/..\\x.jpg"] == "refused: its name holds a backslash"
    assert told["val2017/leak.jpg"] == f"refused: its file is a link that leads out of {root}"
    assert told["val2017/deep/leak.jpg"] == f"refused: its file is a link that leads out of {root}"
    assert told["b.jpg"] == "instances_val2017.json lists two pictures with the id 0; this is the second"
    assert told["picture number 14"].startswith("instances_val2017.json says it in a way that is not COCO's")
    assert len(flaws) == len(names) - 2 + 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON"),
        ("hello", "is not JSON"),
        ('{"images": [', "is not JSON"),
        ('{"images": [], "annotations": [NaN]}', "is not JSON"),
        ('{"images": ' + "[" * 200_000, "is not JSON"),
        ("[]", "is not of COCO: Expected `object`, got `array`"),
        ('{"annotations": []}', "is not of COCO: Object missing required field `images`"),
        ('{"images": {}}', "is not of COCO: Expected `array`, got `object`"),
    ],
)
def test_what_is_no_coco_file_is_told_at_once(tmp_path: Path, text: str, told: str) -> None:
    lay_out(tmp_path).write_text(text)
    with pytest.raises(DataSetError, match=f"instances_val2017.json {told}.*has the lists `images`, `annotations`"):
        read_coco(tmp_path)


def test_what_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="there is no folder or file"):
        read_coco(tmp_path / "gone")
    with pytest.raises(DataSetError, match=r"has no instances_\*.json"):
        read_coco(tmp_path)
    path = lay_out(tmp_path, folder="elsewhere")
    for given in (tmp_path, path):
        with pytest.raises(
            DataSetError, match=r"has no pictures of val2017: looked for the folders val2017, images/val2"
        ):
            read_coco(given)
    with pytest.raises(DataSetError, match=r"gone is not a folder of pictures"):
        read_coco(tmp_path, images=tmp_path / "gone")
    with pytest.raises(DataSetError, match=r"there is no file .*gone.json"):
        read_coco(tmp_path, captions=tmp_path / "gone.json")
    keypoints = path.rename(tmp_path / "annotations" / "person_keypoints_val2017.json")
    with pytest.raises(DataSetError, match=r"tells of keypoints, which are not kept: name the instances_\*.json"):
        read_coco(keypoints)


def test_a_balanced_sample_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    images = [{"id": number, "file_name": f"{number}.jpg"} for number in range(400)]
    boxes = [annotation(n, int(rng.integers(400)), int(rng.choice([3, 3, 3, 3, 7, 7, 9]))) for n in range(600)]
    lay_out(tmp_path, images=images, annotations=boxes)
    for image in images:
        (tmp_path / "val2017" / str(image["file_name"])).touch()
    sources = [
        [item.source for item in split(read_coco(tmp_path, per_category=20, seed=seed))[0]] for seed in (1, 1, 2)
    ]
    assert sources[0] == sources[1] != sources[2]
    items, _ = split(read_coco(tmp_path, per_category=20, seed=1))
    shown = Counter(label for item in items for label in item.labels)
    assert min(shown.values()) >= 20
    assert max(shown.values()) < 40  # of 60 to 340 that there are; one picture may show several
    assert len(items) < 50
    assert [item.source for item in items] == sorted(sources[0], key=lambda one: int(one[8:-4]))
    assert (
        read_coco(tmp_path, per_category=20, seed=1).checks[-1] == f"val2017: {len(items)} pictures drawn with seed 1"
    )


def test_sampling_counts_a_picture_for_all_that_it_shows() -> None:
    def sample(pairs: list[tuple[int, int]], per_category: int) -> list[int]:
        pictures, categories = np.array(pairs, np.int64).reshape(-1, 2).T
        return sample_balanced(pictures, categories, per_category, seed=0).tolist()

    assert sample([], 5) == []
    assert sample([(4, 0), (4, 0), (4, 1), (9, 2)], 5) == [4, 9]
    # Picture 0 shows the rare category 1, and so is the one of category 0, too.
    assert sample([(0, 0), (0, 1), *((picture, 0) for picture in range(1, 50))], 1) == [0]
    assert len(sample([(picture, 0) for picture in range(50)], 20)) == 20
    with pytest.raises(ValueError, match="at least 1"):
        sample([], 0)


def test_captions_alone_cannot_be_balanced(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with pytest.raises(DataSetError, match="val2017 has captions only"):
        read_coco(captions(tmp_path, "val2017", []), per_category=1)


def test_memory_stays_near_the_size_of_the_file(tmp_path: Path) -> None:
    boxes = [annotation(number, 11, 3, segmentation=[[number + 0.25] * 60]) for number in range(20_000)]
    path = lay_out(tmp_path, annotations=boxes)
    del boxes
    tracemalloc.start()
    found = read_coco(path)
    current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.total == 2
    # Of 9 MB of JSON 20,000 boxes remain, 48 bytes each; `json.load` would peak at 50 MB.
    assert current < 2_000_000
    assert peak < path.stat().st_size * 1.5


def test_the_real_ones_give_what_is_known_of_them(test_data: Path) -> None:
    found = read_coco(test_data / "coco" / "tiny_coco")
    items, flaws = split(found)
    assert (len(items), flaws) == (50, [])
    assert sum(len(item.boxes) for item in items) == 382
    assert sum(len(item.captions) for item in items) == 250
    assert sum(not item.labels for item in items) == 2
    assert found.checks == (
        "instances_val2017.json: 50 pictures, 382 boxes, 48 categories used",
        "captions_val2017.json: 250 captions",
        "person_keypoints_val2017.json: left out, keypoints are not kept",
    )
    kitchen = next(item for item in items if item.name == "000000397133.jpg")
    assert kitchen.boxes[0] == Box("bottle", 217.62, 240.54, 38.99, 57.75)
    items, flaws = split(read_coco(test_data / "coco" / "coco128"))
    assert (len(items), flaws) == (64, [])
    assert sum(len(item.boxes) for item in items) == 430
    assert len({label for item in items for label in item.labels}) == 63


def test_the_awkward_ones_come_to_what_their_manifest_says(test_data: Path) -> None:
    archives = test_data / "awkward" / "archives"
    items, flaws = split(read_coco(archives / "coco_path_traversal.json"))
    assert items == []
    assert [flaw.reason for flaw in flaws] == ["refused: its name leads out of the folder (..)"]
    items, flaws = split(read_coco(archives / "coco_dangling_ids.json"))
    assert items == []
    assert [flaw.source for flaw in flaws] == ["annotation 1", "coco_dangling_ids/missing.jpg"]
