"""`likeness models`: what each command does and prints, and how it says why not."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from click.testing import Result
from psycopg import sql
from safetensors.numpy import load_file, save_file

from app.core.database import with_search_path
from ml.models import weights
from tests.conftest import Likeness
from tests.factories import picture
from tests.ml.checkpoints import edit_json
from tests.ml.hub import LocalHub


def listed(likeness: Likeness) -> dict[str, dict[str, Any]]:
    result = likeness("models", "list", "--json")
    assert result.exit_code == 0, result.output
    return {row["name"]: row for row in json.loads(result.stdout)["models"]}


def in_force(likeness: Likeness) -> tuple[str, str]:
    """The names of the active and of the wanted model."""
    rows = listed(likeness).values()
    (active,) = (row["name"] for row in rows if row["active"])
    (wanted,) = (row["name"] for row in rows if row["wanted"])
    return active, wanted


def found_first(likeness: Likeness, tmp_path: Path) -> tuple[str, str]:
    """The model that answers a search for the third picture, and what it finds first."""
    (tmp_path / "asked.png").write_bytes(picture(2))
    found = json.loads(likeness("search", tmp_path / "asked.png", "-k", "1", "--json").stdout)
    return found["model"], found["results"][0]["filename"]


def counts(conninfo: str, table: str) -> dict[str, int]:
    """Rows of a table by the name of their model."""
    with psycopg.connect(conninfo) as conn:
        query = sql.SQL("SELECT model.name, count(*) FROM {} JOIN model ON model.id = model_id GROUP BY 1")
        rows = conn.execute(query.format(sql.Identifier(table))).fetchall()
    return {str(row[0]): int(row[1]) for row in rows}


def refused(result: Result, *words: str) -> None:
    """A failure is one sentence on standard error, and nothing on standard output."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert result.stderr.startswith("likeness: ")
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_models_are_listed_with_what_is_at_hand_and_wanted(likeness: Likeness) -> None:
    result = likeness("models", "list", "--json")
    assert result.exit_code == 0, result.output
    body = json.loads(result.stdout)
    rows = {row["name"]: row for row in body["models"]}
    assert {"baseline", "dinov2-small", "dinov2-base", "dinov2-large"} <= set(rows)
    assert rows["baseline"]["at_hand"]
    assert rows["baseline"]["wanted"]
    assert not rows["baseline"]["active"], "nothing was embedded yet"
    assert rows["dinov2-small"]["dim"] == 384
    assert rows["dinov2-small"]["licence"] == "Apache-2.0"
    assert body["reason"] == "named by LIKENESS_MODEL"
    words = likeness("models", "list").stdout
    assert "+ baseline" in words
    assert "88 MB  to fetch" in words


def test_the_list_tells_of_folders_and_of_what_is_wrong_with_them(filled: Likeness, mine: Path) -> None:
    shutil.copytree(mine, mine.parent / "cut")
    _cut_short(mine.parent / "cut")
    rows = listed(filled)
    assert (rows["mine"]["at_hand"], rows["mine"]["dim"], rows["mine"]["folder"]) == (True, 64, str(mine))
    assert not rows["cut"]["at_hand"]
    assert "cut short" in rows["cut"]["problem"]
    words = filled("models", "list").stdout
    assert "* baseline" in words
    assert "  cut" in words
    assert "cut short" in words
    assert "* in force: baseline (" in words


def test_listing_chooses_nothing(likeness: Likeness, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_MODEL", "auto")
    result = likeness("models", "list")
    assert "the first start chooses one" in result.stdout
    assert not any(row["wanted"] for row in listed(likeness).values())
    assert not hub.sent


def test_a_model_is_shown_in_full(filled: Likeness, mine: Path) -> None:
    shown = json.loads(filled("models", "show", "baseline", "--json").stdout)
    assert (shown["embedded"], shown["waiting"], shown["failed"]) == (4, 0, 0)
    assert (shown["patch"], shown["folder"], shown["runs_on"]) == (None, None, "float32 on cpu")
    shown = json.loads(filled("models", "show", "mine:cls+mean:tiles", "--json").stdout)
    assert (shown["dim"], shown["pooling"], shown["transform"]) == (128, "cls+mean", "tiles")
    assert (shown["patch"], shown["input_size"], shown["folder"]) == (14, 56, str(mine))
    assert len(shown["identity"]) == 64
    assert (shown["embedded"], shown["waiting"]) == (0, 4)
    words = filled("models", "show", "mine").stdout
    for word in ("64", "patches of 14", str(mine), "runs as", "0 embedded, 4 waiting, 0 failed"):
        assert word in words


def test_a_model_that_is_not_at_hand_is_shown_by_its_card(filled: Likeness) -> None:
    shown = json.loads(filled("models", "show", "dinov2-base", "--json").stdout)
    assert (shown["at_hand"], shown["hub_id"], shown["identity"]) == (False, "facebook/dinov2-base", None)
    assert "likeness models fetch dinov2-base" in filled("models", "show", "dinov2-base").stdout
    refused(filled("models", "show", "resnet50"), "no model named 'resnet50'; known are baseline, dinov2-small")


def test_weights_are_fetched_without_a_database(
    likeness: Likeness, hub: LocalHub, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIKENESS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    result = likeness("models", "fetch", "dinov2-small", "--json")
    assert result.exit_code == 0, result.output
    folder = models_dir / "dinov2-small"
    assert json.loads(result.stdout)["folder"] == str(folder)
    assert "Fetching dinov2-small" in result.stderr, "the bar is on standard error"
    weights.check_whole(folder / weights.WEIGHTS)
    hub.sent.clear()
    again = likeness("models", "fetch", "dinov2-small:tiles")
    assert (again.stdout, hub.sent) == (f"dinov2-small:tiles is at hand, in {folder}\n", {})
    assert "always at hand" in likeness("models", "fetch", "baseline").stdout


def test_a_fetch_that_broke_off_goes_on(likeness: Likeness, hub: LocalHub, small: Path, models_dir: Path) -> None:
    whole = (small / weights.WEIGHTS).stat().st_size
    hub.cut_after = whole // 2
    refused_by = likeness("models", "fetch", "dinov2-small")
    assert (refused_by.exit_code, refused_by.stdout) == (1, "")
    assert "goes on where it broke off" in refused_by.stderr
    hub.repair()
    assert likeness("models", "fetch", "dinov2-small").exit_code == 0
    assert hub.sent[weights.WEIGHTS] < 1.2 * whole
    assert (models_dir / "dinov2-small" / weights.WEIGHTS).read_bytes() == (small / weights.WEIGHTS).read_bytes()


def test_a_damaged_file_is_fetched_again(likeness: Likeness, hub: LocalHub, small: Path, models_dir: Path) -> None:
    shutil.copytree(small, models_dir / "dinov2-small")
    _cut_short(models_dir / "dinov2-small")
    assert likeness("models", "fetch", "dinov2-small").exit_code == 0
    weights.check_whole(models_dir / "dinov2-small" / weights.WEIGHTS)


def test_a_folder_elsewhere_is_checked_and_left_alone(likeness: Likeness, tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "elsewhere"))
    assert likeness("models", "fetch", folder).exit_code == 0
    _cut_short(folder)
    refused(likeness("models", "fetch", folder), f"{folder}/model.safetensors is damaged or cut short")


def test_fetching_says_why_not(likeness: Likeness, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(likeness("models", "fetch", "resnet50"), "no model named 'resnet50'")
    refused(likeness("models", "fetch", "dinov2-base"), "facebook/dinov2-base cannot be fetched", "404")
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:1/{repo_id}")
    refused(likeness("models", "fetch", "dinov2-small"), "or put config.json")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    refused(likeness("models", "fetch", "dinov2-small"), "the disk is full", "make room")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused(likeness("models", "fetch", "dinov2-small"), "HF_HUB_OFFLINE is set")
    assert likeness("models", "fetch").exit_code == 2


def test_using_a_model_switches_when_every_picture_is_embedded(
    filled: Likeness, mine: Path, conninfo: str, tmp_path: Path
) -> None:
    assert in_force(filled) == ("baseline", "baseline")
    result = filled("models", "use", "mine", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "name": "mine", "dim": 64, "active": True, "embedded": 4, "waiting": 0, "failed": 0,
    }  # fmt: skip
    assert in_force(filled) == ("mine", "mine")
    assert "chosen by an admin" in filled("models", "list").stdout
    assert counts(conninfo, "embedding") == {"baseline": 4, "mine": 4}
    assert found_first(filled, tmp_path) == ("mine", "2.png")
    back = filled("models", "use", "baseline")
    assert back.stdout == "baseline is in force: it finds 4 pictures.\n", back.output


def test_without_waiting_it_is_wanted_and_the_other_goes_on(filled: Likeness, mine: Path) -> None:
    result = filled("models", "use", "mine:tiles", "--no-wait")
    assert result.exit_code == 0, result.output
    assert "mine:tiles is wanted. It embeds 4 pictures beside the model in force" in result.stdout
    assert in_force(filled) == ("baseline", "mine:tiles")
    assert "* in force until + mine:tiles has embedded every picture" in filled("models", "list").stdout


def test_a_model_is_fetched_when_it_is_used(filled: Likeness, hub: LocalHub) -> None:
    result = filled("models", "use", "dinov2-small")
    assert result.exit_code == 0, result.output
    assert "Fetching dinov2-small" in result.stderr
    assert in_force(filled) == ("dinov2-small", "dinov2-small")


def test_a_relative_folder_is_stored_whole(
    filled: Likeness, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    assert filled("models", "use", f"./{tiny.name}:mean", "--no-wait").exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert in_force(filled) == ("baseline", f"{tiny}:mean")


def test_auto_is_what_suits_this_machine(filled: Likeness, mine: Path) -> None:
    assert filled("models", "use", "mine").exit_code == 0
    assert filled("models", "use", "auto").exit_code == 0
    assert in_force(filled) == ("baseline", "baseline")


def test_the_variable_wins(filled: Likeness, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_MODEL", "baseline")
    refused(filled("models", "use", "mine"), "LIKENESS_MODEL is set to baseline and wins: unset it, or set it")
    assert filled("models", "use", "baseline", "--no-wait").exit_code == 0
    assert "LIKENESS_MODEL names it" in filled("models", "list").stdout


def _cut_short(folder: Path) -> None:
    os.truncate(folder / weights.WEIGHTS, (folder / weights.WEIGHTS).stat().st_size - 1)


def _as_another_architecture(folder: Path) -> None:
    edit_json(folder / "config.json", model_type="vit")


def _wider_than_it_is(folder: Path) -> None:
    edit_json(folder / "config.json", hidden_size=128)


def _without_a_layer(folder: Path) -> None:
    tensors = load_file(folder / weights.WEIGHTS)
    save_file({name: one for name, one in tensors.items() if "layernorm" not in name}, folder / weights.WEIGHTS)


def _without_numbers(folder: Path) -> None:
    tensors = load_file(folder / weights.WEIGHTS)
    save_file({name: one * float("nan") for name, one in tensors.items()}, folder / weights.WEIGHTS)


SPOILT = (
    (_cut_short, "is damaged or cut short"),
    (_as_another_architecture, "holds a vit model; dinov2"),
    (_wider_than_it_is, "model.safetensors"),
    (_without_a_layer, "lacks 2 weights of DINOv2"),
    (_without_numbers, "gives no embeddings"),
)


def test_a_model_that_cannot_be_changes_nothing(filled: Likeness, tiny: Path, models_dir: Path, conninfo: str) -> None:
    with psycopg.connect(with_search_path(conninfo)) as conn:
        conn.execute("DELETE FROM procrastinate_jobs")
    for spoil, words in SPOILT:
        spoil(Path(shutil.copytree(tiny, models_dir / "spoilt")))
        refused(filled("models", "use", "spoilt"), words)
        assert in_force(filled) == ("baseline", "baseline")
        shutil.rmtree(models_dir / "spoilt")
    with psycopg.connect(conninfo) as conn:
        known = conn.execute("SELECT name FROM model").fetchall()
        queued = conn.execute("SELECT count(*) FROM procrastinate.procrastinate_jobs").fetchone()
    assert (known, queued) == ([("baseline",)], (0,))


def test_weights_of_another_size_and_unknown_names_change_nothing(
    filled: Likeness, mine: Path, models_dir: Path, hub: LocalHub
) -> None:
    shutil.copytree(mine, models_dir / "dinov2-small")
    refused(filled("models", "use", "dinov2-small"), "tokens of 64 numbers", "dinov2-small has 384")
    refused(filled("models", "use", "resnet50"), "no model named 'resnet50'")
    refused(filled("models", "use", "baseline:tiles"), "baseline has its own pooling and transform")
    refused(filled("models", "use", "dinov2-base"), "facebook/dinov2-base cannot be fetched")
    assert in_force(filled) == ("baseline", "baseline")
    assert filled("models", "use").exit_code == 2
