"""`likeness import`: safe to run again, and its last line is one that scripts read."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app.accounts import service as accounts
from app.accounts.records import NOBODY, Viewer
from app.core.database import Database
from app.images import service as images
from app.images.records import Filters, Image
from tests.app.ingest.hostile import REFUSED
from tests.conftest import Likeness
from tests.factories import picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two families of drawn pictures, and a file that is none."""
    root = tmp_path / "pictures"
    for seed in range(6):
        family = root / ("robins" if seed < 3 else "gulls")
        family.mkdir(parents=True, exist_ok=True)
        (family / f"{seed}.png").write_bytes(picture(seed))
    (root / "letter.jpg").write_bytes(REFUSED["letter.jpg"])
    return root


def last_line(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def kept(conninfo: str, viewer: str | None) -> list[Image]:
    """The pictures that somebody may see."""

    async def read() -> list[Image]:
        async with Database(conninfo) as db:
            who = NOBODY
            if viewer is not None:
                account = await accounts.get_account(db, viewer)
                who = Viewer(account.id, account.name, account.is_admin)
            return (await images.list_images(db, who, Filters())).images

    return asyncio.run(read())


def test_a_folder_comes_in_with_labels_and_a_second_time_adds_none(
    likeness: Likeness, folder: Path, conninfo: str
) -> None:
    command = ("import", "folder", folder, "--collection", "Birds", "--labels-from", "folder", "--json")
    first = last_line(likeness(*command))
    assert (first["added"], first["existing"]) == (6, 0)
    assert [one["file"] for one in first["refused"]] == ["letter.jpg"]
    assert set(first["refused"][0]) == {"file", "reason"}
    again = last_line(likeness(*command))
    assert (again["added"], again["existing"], again["refused"]) == (0, 6, first["refused"])
    assert kept(conninfo, None) == [], "private without a word"
    pictures = kept(conninfo, "admin")
    assert {(image.filename, image.label) for image in pictures} == {
        (f"{seed}.png", "robins" if seed < 3 else "gulls") for seed in range(6)
    }
    found = likeness("search", folder / "robins" / "1.png", "-k", "2", "--user", "admin", "--json")
    results = json.loads(found.stdout)["results"]
    assert (results[0]["filename"], results[0]["label"], len(results)) == ("1.png", "robins", 2)
    assert results[0]["score"] == pytest.approx(1, abs=1e-3)


def test_labels_and_captions_come_from_a_csv(likeness: Likeness, folder: Path, conninfo: str, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,label,caption\nrobins/0.png,red;small,At dusk\nnowhere.png,lost,\n")
    command = ("import", "folder", folder, "--collection", "Birds", "--labels-from", table, "--visibility", "public")
    result = likeness(*command, "--no-wait", "--json")
    assert last_line(result)["added"] == 6
    assert "nowhere.png" in [one["file"] for one in last_line(result)["refused"]]
    described = {image.filename: (image.labels, image.caption) for image in kept(conninfo, None)}
    assert described["0.png"] == (["red", "small"], "At dusk")
    assert described["1.png"] == ([], "")


def test_pictures_are_the_named_owners(likeness: Likeness, folder: Path, conninfo: str) -> None:
    async def add() -> None:
        async with Database(conninfo) as db:
            await accounts.add_account(db, "anna", None)

    asyncio.run(add())
    command = ("import", "folder", folder, "--collection", "Birds", "--no-wait", "--json")
    last_line(likeness(*command, "--owner", "anna"))
    assert len(kept(conninfo, "anna")) == 6
    unknown = likeness(*command, "--owner", "nobody")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "nobody here is called nobody" in unknown.stderr


def test_the_sample_is_drawn_once(likeness: Likeness, conninfo: str) -> None:
    command = ("import", "sample", "--count", "17", "--collection", "Sample", "--visibility", "public")
    first = last_line(likeness(*command, "--once", "--no-wait", "--json"))
    assert (first["added"], first["refused"]) == (17, [])
    again = likeness(*command, "--once", "--no-wait", "--json")
    assert (again.exit_code, again.stdout) == (0, "")
    assert len({image.label for image in kept(conninfo, None)}) >= 15


def test_people_read_a_summary_and_the_reasons(likeness: Likeness, folder: Path) -> None:
    result = likeness("import", "folder", folder, "--collection", "Birds", "--no-wait")
    assert result.stdout == "6 added, 0 there already, 1 refused\n"
    assert "letter.jpg: " in result.stderr


def test_an_import_is_a_job_that_ends(likeness: Likeness, folder: Path, conninfo: str) -> None:
    likeness("import", "folder", folder, "--collection", "Birds", "--no-wait")

    async def read() -> list[Any]:
        async with Database(conninfo) as db, db.transaction() as conn:
            cursor = await conn.execute("SELECT state, done, total FROM job WHERE kind = 'import'")
            return await cursor.fetchall()

    assert asyncio.run(read()) == [("done", 7, 7)]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("folder", "/nowhere", "--collection", "Birds"), 1),
        (("folder", ".", "--collection", "12", "--no-wait"), 1),
        (("folder", "."), 2),
        (("folder", ".", "--collection", "Birds", "--labels-from", "nowhere.csv"), 2),
        (("folder", ".", "--collection", "Birds", "--visibility", "secret"), 2),
        (("nothing",), 2),
    ],
)
def test_what_cannot_be_is_refused_without_a_traceback(
    likeness: Likeness, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], status: int
) -> None:
    monkeypatch.chdir(folder)
    result = likeness("import", *arguments)
    assert result.exit_code == status
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_an_unreachable_database_is_told_in_a_sentence(
    likeness: Likeness, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIKENESS_DATABASE_URL", "postgresql://127.0.0.1:1/nothing")
    result = likeness("import", "folder", folder, "--collection", "Birds")
    assert result.exit_code == 1
    assert "the database cannot be reached" in result.stderr
