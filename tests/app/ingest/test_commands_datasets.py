"""`likeness import cifar10|cifar100|stl10|coco|zip`: data sets as distributed, and a word for each that is not."""

import errno
import io
import itertools
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from app.ingest import commands_datasets
from ml.datasets.checksums import md5
from ml.datasets.download import Archive
from tests.app.ingest.test_commands import last_line
from tests.conftest import Likeness
from tests.factories import picture
from tests.ml.datasets.distributions import cifar_files, random_rows, stl10_files, write_folder, write_tar
from tests.ml.datasets.server import LocalServer

FLAGS = ("--no-wait", "--json")


@pytest.fixture
def rows(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """What the database holds."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        yield conn


@pytest.fixture
def cifar(tmp_path: Path) -> Path:
    batches = {name: random_rows("cifar10", 30, seed) for seed, name in enumerate(("data_batch_1", "test_batch"))}
    files = cifar_files("cifar10", batches, in_python=True)
    return write_tar(tmp_path / "cifar-10-python.tar.gz", "cifar-10-batches-py", files)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Three pictures, two of which are there; two boxes and two captions of the first."""
    root = tmp_path / "coco"
    (root / "val2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    for seed in (1, 2):
        (root / "val2017" / f"{seed}.jpg").write_bytes(picture(seed, (64, 48), "JPEG"))
    pictures = [{"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in (1, 2, 3)]
    boxes = [{"id": n, "image_id": 1, "category_id": n, "bbox": [n, 2, 30.5, 20], "iscrowd": 0} for n in (1, 2)]
    names = [{"id": 1, "name": "dog"}, {"id": 2, "name": "red bench"}]
    words = [{"id": n, "image_id": 1, "caption": text} for n, text in enumerate(("A dog sleeps.", "Nobody sits."))]
    instances = {"images": pictures, "annotations": boxes, "categories": names}
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(instances))
    (root / "annotations" / "captions_val2017.json").write_text(json.dumps({"images": pictures, "annotations": words}))
    return root


def test_cifar_comes_in_as_pictures_with_labels_and_split(
    likeness: Likeness, cifar: Path, rows: psycopg.Connection[Any]
) -> None:
    result = likeness("import", "cifar10", cifar, *FLAGS)
    assert last_line(result) == {"added": 60, "existing": 0, "refused": []}
    assert "test_batch: MD5 differs" in result.stderr
    kinds = rows.execute("SELECT split, format, width, height, count(*) FROM image GROUP BY 1, 2, 3, 4 ORDER BY 1")
    assert kinds.fetchall() == [("test", "PNG", 32, 32, 30), ("train", "PNG", 32, 32, 30)]
    assert rows.execute("SELECT count(*) FROM image_label").fetchone() == (60,)
    assert rows.execute("SELECT name FROM collection").fetchall() == [("CIFAR-10",)]
    assert last_line(likeness("import", "cifar10", cifar, *FLAGS)) == {"added": 0, "existing": 60, "refused": []}


def test_the_same_pixels_in_another_version_are_the_same_pictures(
    likeness: Likeness, cifar: Path, tmp_path: Path
) -> None:
    batches = {"test_batch": random_rows("cifar10", 30, 1)}
    folder = write_folder(tmp_path / "binary", cifar_files("cifar10", batches, in_python=False))
    assert last_line(likeness("import", "cifar10", cifar, "--split", "test", *FLAGS))["added"] == 30
    assert last_line(likeness("import", "cifar10", folder, *FLAGS)) == {"added": 0, "existing": 30, "refused": []}


def test_stl10_and_its_unlabeled_pictures(likeness: Likeness, tmp_path: Path, rows: psycopg.Connection[Any]) -> None:
    random = np.random.default_rng(1)
    pictures = {split: random.integers(0, 256, (4, 96, 96, 3), np.uint8) for split in ("test", "unlabeled")}
    folder = write_folder(tmp_path / "stl10_binary", stl10_files(pictures, {"test": [1, 2, 3, 10]}))
    assert last_line(likeness("import", "stl10", folder, *FLAGS))["added"] == 8
    labelled = rows.execute(
        "SELECT split, count(label_id) FROM image LEFT JOIN image_label ON id = image_id GROUP BY 1"
    )
    assert sorted(labelled.fetchall()) == [("test", 4), ("unlabeled", 0)]


def test_coco_keeps_boxes_and_all_captions(likeness: Likeness, coco: Path, rows: psycopg.Connection[Any]) -> None:
    found = last_line(likeness("import", "coco", coco, *FLAGS))
    assert (found["added"], [one["file"] for one in found["refused"]]) == (2, ["val2017/3.jpg"])
    assert rows.execute("SELECT caption, more_captions, split FROM image WHERE caption <> ''").fetchall() == [
        ("A dog sleeps.", ["Nobody sits."], "val2017")
    ]
    boxes = rows.execute(
        "SELECT label.name, x, y, width, height FROM image_box JOIN label ON label.id = label_id ORDER BY position"
    ).fetchall()
    assert boxes == [("dog", 1, 2, 30.5, 20), ("red bench", 2, 2, 30.5, 20)]


def test_an_archive_that_is_mended_goes_on(likeness: Likeness, cifar: Path, rows: psycopg.Connection[Any]) -> None:
    whole = cifar.with_name("pictures.tar.gz")
    with tarfile.open(whole, "w:gz", compresslevel=0) as tar:
        for seed in range(40):
            data = picture(seed, (96, 64))
            entry = tarfile.TarInfo(f"{seed:02}.png")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) // 2])
    broken = likeness("import", "zip", whole, "--collection", "Halves", *FLAGS)
    assert broken.exit_code == 1
    assert "pictures.tar.gz" in broken.stderr
    count = rows.execute("SELECT count(*) FROM image").fetchone()
    assert count is not None
    assert 10 < count[0] < 40
    assert json.loads(broken.stdout) == {"added": count[0], "existing": 0, "refused": []}
    whole.write_bytes(content)
    mended = last_line(likeness("import", "zip", whole, "--collection", "Halves", *FLAGS))
    assert mended == {"added": 40 - count[0], "existing": count[0], "refused": []}


def test_a_zip_with_hazards_takes_in_the_rest(likeness: Likeness, tmp_path: Path) -> None:
    path = tmp_path / "mixed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("birds/a.png", picture(1))
        archive.writestr("../a.png", picture(2))
        archive.writestr("fish/a.png", picture(3))
    found = last_line(likeness("import", "zip", path, "--collection", "Mixed", "--labels-from", "folder", *FLAGS))
    assert (found["added"], [one["file"] for one in found["refused"]]) == (2, ["../a.png"])


def test_a_download_is_checked_and_kept(
    likeness: Likeness, cifar: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = cifar.read_bytes()
    with LocalServer(content) as server:
        wrong = Archive(server.url, md5(b"another").hexdigest())
        monkeypatch.setitem(commands_datasets.OFFICIAL, "cifar10", wrong)
        damaged = likeness("import", "cifar10", "--download", *FLAGS)
        assert damaged.exit_code == 1
        assert "damaged" in damaged.stderr
        monkeypatch.setitem(commands_datasets.OFFICIAL, "cifar10", Archive(server.url, md5(content).hexdigest()))
        server.cut_after = len(content) // 2
        broken = likeness("import", "cifar10", "--download", *FLAGS)
        assert (broken.exit_code, "goes on where it broke off" in broken.stderr) == (1, True)
        server.cut_after = None
        assert last_line(likeness("import", "cifar10", "--download", *FLAGS))["added"] == 60
        server.status = 404
        assert last_line(likeness("import", "cifar10", "--download", *FLAGS))["existing"] == 60
    assert (tmp_path / "data" / "datasets" / "cifar10" / "archive.tar.gz").read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("cifar10",), 2, "PATH"),
        (("cifar10", ".", "--download"), 2, "not both"),
        (("cifar10", ".", "--split", "best"), 2, "best"),
        (("cifar10", "nowhere"), 1, "nowhere"),
        (("cifar10", "notes.txt"), 1, "notes.txt"),
        (("cifar100", "empty"), 1, "empty"),
        (("stl10", "notes.txt"), 1, "notes.txt"),
        (("coco", "notes.txt"), 1, "notes.txt"),
        (("coco", "empty"), 1, "empty"),
        (("coco", "empty", "--per-category", "0"), 2, "per-category"),
        (("zip", "notes.txt", "--collection", "A"), 1, "notes.txt"),
        (("zip", "empty", "--collection", "A"), 1, "empty"),
        (("folder", "empty", "--collection", "A"), 1, "empty holds no pictures"),
    ],
)
def test_the_wrong_thing_is_told(
    likeness: Likeness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    status: int,
    word: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("{ this is no JSON, and no archive either")
    monkeypatch.chdir(tmp_path)
    result = likeness("import", *arguments, "--no-wait")
    assert (result.exit_code, result.stdout) == (status, "")
    assert word in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("script", ["import_cifar.py", "import_coco.py", "import_stl10.py"])
def test_the_scripts_are_the_commands(script: str) -> None:
    path = Path(__file__).parents[3] / "scripts" / script
    told = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--download" in told or "cifar100" in told


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("cifar10", "cifar10/mini/cifar-10-python.tar.gz"), 800),
        (("cifar10", "cifar10/mini/cifar-10-binary.tar.gz", "--split", "test"), 300),
        (("cifar100", "cifar100/mini/cifar-100-python.tar.gz"), 1000),
        (("stl10", "stl10/mini/stl10_binary.tar.gz"), 208),
        (("coco", "coco/tiny_coco"), 50),
        (("coco", "coco/coco128"), 64),
        (("coco", "coco/coco128", "--per-category", "1"), None),
    ],
)
def test_the_real_ones(likeness: Likeness, test_data: Path, arguments: tuple[str, ...], count: int | None) -> None:
    kind, path, *rest = arguments
    found = last_line(likeness("import", kind, test_data / path, *rest, *FLAGS))
    assert found["refused"] == []
    assert found["added"] == count or (count is None and 20 < found["added"] < 64)


def zip_of(path: Path, count: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for seed in range(count):
            archive.writestr(f"{seed:03}.png", picture(seed, (48, 32)))
    return path


def test_f4_a_full_disk_keeps_what_is_in_and_goes_on_when_there_is_room(
    likeness: Likeness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: psycopg.Connection[Any]
) -> None:
    command = ("import", "zip", zip_of(tmp_path / "many.zip", 150), "--collection", "Many", *FLAGS)
    fsync, written = os.fsync, itertools.count()

    def filling(descriptor: int) -> None:
        if next(written) > 200:  # the file and its folder for each picture
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", filling)
    full = likeness(*command)
    assert full.exit_code == 1
    assert "no room left on the disk" in full.stderr
    kept = rows.execute("SELECT count(*) FROM image").fetchone()
    assert kept is not None
    assert 0 < kept[0] < 150
    monkeypatch.setattr(os, "fsync", fsync)
    assert last_line(likeness(*command)) == {"added": 150 - kept[0], "existing": kept[0], "refused": []}


def test_a31_a_quota_ends_an_import_with_a_word(
    likeness: Likeness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("import", "zip", zip_of(tmp_path / "many.zip", 12), "--collection", "Many", *FLAGS)
    monkeypatch.setenv("LIKENESS_QUOTA_FILES", "5")
    full = likeness(*command)
    assert (full.exit_code, json.loads(full.stdout)["added"]) == (1, 5)
    assert "quota" in full.stderr
    usage = json.loads(likeness("user", "quota", "admin", "--json").stdout)
    assert (usage["files"], usage["max_files"]) == (5, 5)
    likeness("user", "quota", "admin", "--files", "100")
    assert last_line(likeness(*command)) == {"added": 7, "existing": 5, "refused": []}


def test_labels_may_come_behind_their_pictures(
    likeness: Likeness, tmp_path: Path, rows: psycopg.Connection[Any]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(picture(seed))
    bare = ("import", "folder", folder, "--collection", "Bare", *FLAGS)
    assert last_line(likeness(*bare))["added"] == 3
    table = tmp_path / "labels.csv"
    table.write_text("file,label,caption\n0.png,zebra;stripe,A running zebra\n1.png,bike,\n")
    for collection, added in (("Bare", 0), ("Labelled", 3)):
        command = ("import", "folder", folder, "--collection", collection, "--labels-from", table, *FLAGS)
        assert last_line(likeness(*command))["added"] == added
        told = "SELECT filename, caption, ARRAY(SELECT name FROM label JOIN image_label ON label.id = label_id"
        told += " WHERE image_id = image.id ORDER BY position) FROM image ORDER BY filename"
        assert rows.execute(told).fetchall() == [
            ("0.png", "A running zebra", ["zebra", "stripe"]),
            ("1.png", "", ["bike"]),
            ("2.png", "", []),
        ]
    table.write_text("file,label,caption\n0.png,horse,No\n2.png,cat,\n")
    last_line(likeness("import", "folder", folder, "--collection", "Bare", "--labels-from", table, *FLAGS))
    names = rows.execute("SELECT name FROM label JOIN image_label ON label.id = label_id ORDER BY name").fetchall()
    assert names == [("bike",), ("cat",), ("stripe",), ("zebra",)], "what was said before stays"
    kinds = rows.execute("SELECT count(*) FROM change_log WHERE kind = 'labelled'").fetchone()
    assert kinds == (3,)
    found = rows.execute("SELECT filename FROM image WHERE document @@ to_tsquery('english', 'running')").fetchall()
    assert found == [("0.png",)]
