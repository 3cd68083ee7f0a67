"""`likeness evaluate`: a report from the command line, and how it fails; the quick form is tested with the search."""

import json
from pathlib import Path

import pytest

from tests.conftest import Likeness
from tests.factories import picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two families of six, alike inside a family: the same picture at several sizes."""
    root = tmp_path / "pictures"
    for family, seed in (("robins", 1), ("gulls", 2)):
        (root / family).mkdir(parents=True)
        for number in range(6):
            (root / family / f"{number}.png").write_bytes(picture(seed, (96 + 16 * number, 64 + 10 * number)))
    return root


def test_a_report_is_written_and_told(likeness: Likeness, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "report"
    result = likeness("evaluate", "--data", folder, "--models", "baseline", "--output", output, "--limit", "10")
    assert result.exit_code == 0, result.output
    assert "retrieval: P@5 0.800" in result.stdout, "ten pictures: four others of each family"
    assert "original (flattering): P@5 1.000" in result.stdout
    assert result.stdout.rstrip().endswith("report.html")
    assert "pictures, baseline" in result.stderr
    assert sorted(file.name for file in output.iterdir()) == ["pictures", "report.html", "results.json"]


def test_json_is_what_the_report_holds(likeness: Likeness, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "report"
    asked = (
        "--data",
        folder,
        "--models",
        "baseline",
        "--protocols",
        "knn,retrieval",
        "--output",
        output,
        "--seed",
        "7",
    )
    result = likeness("evaluate", *asked, "--json")
    told, kept = json.loads(result.stdout), json.loads((output / "results.json").read_text())
    assert told["sets"] == kept["sets"]
    assert (told["settings"]["seed"], told["settings"]["protocols"]) == (7, ["knn", "retrieval"])
    assert list(told["sets"][0]["outcomes"][0]["protocols"]) == ["retrieval", "knn"]


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"--models": "nope"}, 1, "no model named 'nope'"),
        ({"--models": "dinov2-small"}, 1, "are not on this machine"),
        ({"--data": "gulls"}, 1, "has no labels"),
        ({"--data": "nowhere"}, 1, "is not a folder"),
        ({"--output": "."}, 1, "holds other files"),
        ({"--protocols": "copies"}, 1, "no groups.json"),
        ({"--protocols": "recall"}, 2, "'recall' is none of retrieval"),
        ({"--limit": "0"}, 2, "--limit"),
        ({"--models": ","}, 2, "name at least one"),
        ({"--output": None}, 2, "give --quick, or --output"),
        ({"--collection": "Birds"}, 2, "are of --quick"),
        ({"--quick": ""}, 2, "of the gallery itself"),
    ],
)
def test_what_cannot_be_done_is_told(
    likeness: Likeness,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str | None],
    status: int,
    words: str,
) -> None:
    monkeypatch.chdir(folder)
    asked = {"--data": ".", "--models": "baseline", "--output": "../report", **changed}
    flags = [
        word for name, value in asked.items() if value is not None for word in ((name, value) if value else (name,))
    ]
    result = likeness("evaluate", *flags)
    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr
    assert not (folder.parent / "report").exists()


def test_one_class_only_is_refused(likeness: Likeness, folder: Path, tmp_path: Path) -> None:
    for file in (folder / "gulls").iterdir():
        file.unlink()
    result = likeness("evaluate", "--data", folder, "--models", "baseline", "--output", tmp_path / "report")
    assert (result.exit_code, "one class only, 'robins'" in result.stderr) == (1, True)
