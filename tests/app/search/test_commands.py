"""`likeness search`, `index` and `evaluate`: what scripts read, and how they fail."""

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
            (root / family / f"{family}{number}.png").write_bytes(picture(seed, (96 + 16 * number, 64 + 10 * number)))
    return root


@pytest.fixture
def imported(likeness: Likeness, folder: Path) -> Path:
    command = ("import", "folder", folder, "--collection", "Birds", "--labels-from", "folder", "--visibility", "public")
    assert likeness(*command).exit_code == 0
    return folder


def test_search_tells_what_is_most_alike(likeness: Likeness, imported: Path) -> None:
    asked = imported / "gulls" / "gulls3.png"
    result = likeness("search", asked, "-k", "4", "--json")
    assert result.exit_code == 0, result.output
    body = json.loads(result.stdout)
    assert set(body) == {"model", "index", "background", "results", "next_cursor"}
    assert set(body["results"][0]) == {
        "image_id", "score", "likeness", "filename", "label", "labels", "collection", "url", "thumbnail_url",
    }  # fmt: skip
    assert body["results"][0]["filename"] == "gulls3.png"
    assert {one["label"] for one in body["results"]} == {"gulls"}
    narrowed = likeness("search", asked, "--label", "robins", "--collection", "birds", "--json")
    assert {one["label"] for one in json.loads(narrowed.stdout)["results"]} == {"robins"}
    people = likeness("search", asked, "-k", "1").stdout
    assert people.split()[-2:] == ["gulls", "gulls3.png"]


def test_search_among_pictures_with_copies(likeness: Likeness, imported: Path, tmp_path: Path) -> None:
    """The pictures of a family are one, scaled."""
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "owl.png").write_bytes(picture(3))
    likeness("import", "folder", alone, "--collection", "Birds")
    found = [
        {
            one["filename"]
            for one in json.loads(likeness("search", alone / "owl.png", "-k", "20", "--json", *flag).stdout)["results"]
        }
        for flag in ((), ("--has-copies",))
    ]
    assert (found[0] - found[1], len(found[1])) == ({"owl.png"}, 12)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("/nowhere.png",), 1, "cannot be read"),
        (("letter.jpg",), 1, "picture"),
        (("gulls/gulls0.png", "-k", "0"), 1, "1 to 1000"),
        (("gulls/gulls0.png", "--collection", "Nothing"), 1, "searched with --user NAME"),
        (("gulls/gulls0.png", "--user", "nobody"), 1, "nobody here is called nobody"),
        (("gulls/gulls0.png", "-k", "many"), 2, "many"),
        ((), 2, "PICTURE"),
    ],
)
def test_search_says_why_not(
    likeness: Likeness,
    imported: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    monkeypatch.chdir(imported)
    Path("letter.jpg").write_text("Dear all")
    result = likeness("search", *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr


def test_an_index_is_built_and_listed(likeness: Likeness, imported: Path) -> None:
    built = json.loads(likeness("index", "build", "--json").stdout)
    assert (built["version"], built["model"], built["active"]) == (built["version"], "baseline", True)
    assert (built["count"], built["nlist"], built["recall"]) == (12, 1, 1.0)
    listed = json.loads(likeness("index", "list", "--json").stdout)
    assert listed == {"indexes": [{**built, "problems": []}]}
    assert likeness("index", "list").stdout.startswith(f"* v{built['version']}  baseline  12 pictures")
    after = json.loads(likeness("search", imported / "gulls" / "gulls0.png", "--json").stdout)
    assert after["index"] == f"v{built['version']}"


def test_evaluation_leaves_the_query_out(likeness: Likeness, imported: Path) -> None:
    result = likeness("evaluate", "--quick", "--json")
    assert result.exit_code == 0, result.output
    body = json.loads(result.stdout)
    assert body["model"] == "baseline"
    (score,) = body["scores"]
    assert (score["collection"], score["group"], score["pictures"], score["labels"]) == ("Birds", None, 12, 2)
    assert score["p_at_5"] == 1.0
    assert score["chance"] == pytest.approx(5 / 11, abs=1e-4)
    assert likeness("evaluate", "--json").exit_code == 2, "a protocol has to be named"
    assert likeness("evaluate", "--quick", "--collection", "Nothing").exit_code == 1


def test_on_an_empty_gallery_each_says_what_is_missing(likeness: Likeness, folder: Path) -> None:
    for command in (("index", "build"), ("evaluate", "--quick"), ("search", folder / "gulls" / "gulls0.png")):
        result = likeness(*command)
        assert (result.exit_code, result.stdout) == (1, ""), command
        assert "no model is active yet" in result.stderr
    assert json.loads(likeness("index", "list", "--json").stdout) == {"indexes": []}
