"""`likeness index`: what scripts read, and how it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.app.search.building import flip
from tests.conftest import Likeness
from tests.factories import picture


@pytest.fixture
def indexes(likeness: Likeness, tmp_path: Path) -> Path:
    """Two versions of the index of six public pictures, v1 and v2, and where their files lie."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(6):
        (folder / f"{seed}.png").write_bytes(picture(seed))
    assert likeness("import", "folder", folder, "--collection", "Birds", "--visibility", "public").exit_code == 0
    for _ in range(2):
        assert likeness("index", "build").exit_code == 0
    return tmp_path / "data" / "indexes"


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def in_force(likeness: Likeness) -> list[int]:
    return [one["version"] for one in told(likeness("index", "list", "--json"))["indexes"] if one["active"]]


def test_versions_are_put_in_force_and_taken_back(likeness: Likeness, indexes: Path) -> None:
    assert in_force(likeness) == [2]
    back = told(likeness("index", "rollback", "--json"))
    assert (back["version"], back["active"], back["below_target"]) == (1, True, False)
    assert back["reason"] == "asked for on the command line"
    assert in_force(likeness) == [1]
    again = likeness("index", "rollback")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "no version before v1" in again.stderr
    assert likeness("index", "activate", "2").stdout.startswith("* v2  baseline  6 pictures")
    assert told(likeness("search", indexes.parents[1] / "pictures" / "3.png", "--json"))["index"] == "v2"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("activate", "9"), 1, "there is no version v9"),
        (("delete", "2"), 1, "v2 is the index of baseline in force"),
        (("delete", "9"), 1, "there is no version v9"),
        (("activate", "newest"), 2, "newest"),
        (("activate", "0"), 2, "they begin at 1"),
        (("delete", "v9223372036854775808"), 2, "they begin at 1"),
        (("activate",), 2, "VERSION"),
    ],
)
def test_refusals_are_sentences(
    likeness: Likeness, indexes: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    result = likeness("index", *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr
    assert in_force(likeness) == [2]


def test_a_build_may_keep_the_cells(likeness: Likeness, indexes: Path) -> None:
    built = told(likeness("index", "build", "--compact", "--json"))
    assert (built["version"], built["active"], built["trained_count"]) == (3, True, 6)
    assert built["reason"] == "asked for on the command line", "an exact index has no cells to tell of"


def test_a_version_is_deleted_with_its_files(likeness: Likeness, indexes: Path) -> None:
    assert told(likeness("index", "delete", "1", "--json")) == {"deleted": 1}
    assert [path.name for path in indexes.iterdir()] == ["2"]


def test_a_check_tells_everything_and_ends_with_0(likeness: Likeness, indexes: Path) -> None:
    body = told(likeness("index", "check", "--json"))
    assert (body["ok"], body["problems"]) == (True, [])
    assert [(one["version"], one["active"]) for one in body["versions"]] == [(2, True), (1, False)]
    assert (body["active"]["version"], body["active"]["nprobe"], body["active"]["layout"]) == (2, 1, "exact")
    measured = body["measured"]
    assert (measured["indexed"], measured["living"], measured["missing"], measured["surplus"]) == (6, 6, 0, 0)
    assert measured["recall"][0] == {"of": "all", "collection": None, "queries": 6, "recall": 1.0}
    people = likeness("index", "check").stdout
    assert "* v2  baseline  whole" in people
    assert "recall of all pictures: 1.000 (6 queries)" in people


def test_a_check_that_finds_damage_ends_with_1(likeness: Likeness, indexes: Path) -> None:
    flip(indexes / "1" / "index.faiss")
    result = likeness("index", "check", "--json")
    assert result.exit_code == 1
    body = json.loads(result.stdout)
    assert body["ok"] is False
    assert "SHA-256" in body["problems"][0]
    assert body["measured"]["missing"] == 0, "the one in force is whole, and is measured"
    assert "wrong: v1: " in likeness("index", "check").stderr


def test_a_list_tells_which_files_are_damaged_or_missing(likeness: Likeness, indexes: Path) -> None:
    assert [one["problems"] for one in told(likeness("index", "list", "--json"))["indexes"]] == [[], []]
    flip(indexes / "1" / "index.faiss")
    (indexes / "2" / "manifest.json").unlink()
    gone, changed = told(likeness("index", "list", "--json"))["indexes"]
    assert "manifest cannot be read" in gone["problems"][0]
    assert "SHA-256" in changed["problems"][0]
    people = likeness("index", "list").stdout.splitlines()
    assert people[0].startswith("* v2  baseline")
    assert people[1].startswith("      2: the manifest cannot be read")
    assert "SHA-256" in people[3]


def test_without_an_index_a_check_is_content(likeness: Likeness) -> None:
    result = likeness("index", "check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No index has been built yet" in result.stderr
