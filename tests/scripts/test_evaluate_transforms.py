"""The evaluation from pictures to figures, on a small network."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.evaluation.tasks import read_tasks
from ml.models.registry import load_model
from scripts.evaluate_transforms import embed, main
from tests.ml.checkpoints import make_network

COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200)}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_network(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Five pictures of each colour, of two shapes."""
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / "colours" / name).mkdir(parents=True)
        for number in range(5):
            shape = (40, 60, 3) if number % 2 else (60, 40, 3)
            pixels = np.clip(np.array(colour) + random.integers(-25, 25, shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "colours" / name / f"{number}.png")
    return tmp_path / "colours"


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Twelve pictures and their last sixths, which are not found so easily."""
    random = np.random.default_rng(1)
    folder = tmp_path / "copies"
    folder.mkdir()
    groups: list[dict[str, Any]] = []
    for number in range(12):
        picture = Image.fromarray(random.integers(0, 256, (4, 6, 3), np.uint8)).resize(
            (120, 80), Image.Resampling.BICUBIC
        )
        picture.save(folder / f"{number}.png")
        picture.crop((100, 0, 120, 80)).save(folder / f"{number}_crop.png")
        files = [
            {"file": f"{number}.png", "transform": "original"},
            {"file": f"{number}_crop.png", "transform": "crop_83pct"},
        ]
        groups.append({"kind": "copy", "files": files})
    (folder / "groups.json").write_text(json.dumps({"groups": groups}))
    return folder


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def test_every_variant_is_measured(
    network: Path, labelled: Path, copies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    models = f"baseline,{network}"
    assert run(labelled, copies, "--models", models, "--poolings", "cls,cls+mean", "--json", figures) == 0
    rows = json.loads(figures.read_text())
    assert [(row["model"].removeprefix(str(network.parent) + "/"), row["dim"]) for row in rows] == [
        ("baseline:parts:own", 2480),
        *((f"tiny:cls:{transform}", 64) for transform in ("reference", "fit", "tiles")),
        *((f"tiny:cls+mean:{transform}", 128) for transform in ("reference", "fit", "tiles")),
    ]
    for row in rows:
        assert row["pictures"] == 34
        assert min(row["prepared_per_s"], row["embedded_per_s"]) > 0
        assert {task: list(measures) for task, measures in row["tasks"].items()} == {
            "colours": ["P@5", "R@5", "mAP@R"],
            "copies: crops": ["rank 1", "MRR"],
        }
        for measure in (one for measures in row["tasks"].values() for one in measures.values()):
            assert measure["interval"][0] <= measure["mean"] <= measure["interval"][1]
    # Four others of each colour, so that four of the five first results are right at best.
    colours = rows[1]["tasks"]["colours"]
    assert (colours["P@5"]["mean"], colours["mAP@R"]["mean"], colours["P@5"]["queries"]) == pytest.approx((0.8, 1, 10))
    lines = capsys.readouterr().out.splitlines()
    assert "copies: crops, 12 queries" in lines
    assert sum(line.startswith("| baseline:parts:own |") for line in lines) == 3


def test_gains_are_over_the_first_variant_of_the_same_model(network: Path, copies: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    order = "reference,fit,tiles"
    assert run(copies, "--models", f"baseline,{network}", "--transforms", order, "--json", figures) == 0
    measures = [row["tasks"]["copies: crops"]["MRR"] for row in json.loads(figures.read_text())]
    baseline, reference, fit, tiles = measures
    assert (baseline["gain"], reference["gain"], reference["gain_interval"]) == (0, 0, [0, 0])
    assert len({one["mean"] for one in measures}) == 4
    assert [one["gain"] for one in (fit, tiles)] == [
        pytest.approx(one["mean"] - reference["mean"]) for one in (fit, tiles)
    ]


def test_what_cannot_be_read_is_told_and_left_out(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (labelled / "red" / "broken.jpg").write_bytes(b"no picture")
    assert run(labelled, "--models", "baseline") == 0
    told = capsys.readouterr()
    assert "broken.jpg" in told.err
    assert "| baseline:parts:own | 2480 | float32 on cpu | 10 |" in told.out


def test_a_picture_is_embedded_once(network: Path, copies: Path) -> None:
    model = load_model(str(network), cache_dir=network.parent)
    (task,) = read_tasks([copies])
    embeddings, prepare_s, embed_s = embed(model, [*task.files, *task.files])
    assert len(embeddings) == 24
    assert prepare_s > 0
    assert embed_s > 0
    assert all(abs(np.linalg.norm(embedding) - 1) < 1e-5 for embedding in embeddings.values())


def test_what_cannot_be_used_is_told(tmp_path: Path, labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = tmp_path / "models"
    assert run(labelled, "--models-dir", models) == 1
    assert "dinov2-small" in capsys.readouterr().err
    assert run(tmp_path / "nowhere", "--models", "baseline") == 1
    assert "nowhere" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(labelled, "--transforms", "fit,squash")
    assert "'squash' is none of reference, fit, tiles" in capsys.readouterr().err


def test_on_photographs_the_baseline_keeps_its_figures(test_data: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    sets = test_data / "labelled" / "clothing", test_data / "neardup"
    assert run(*sets, "--models", "baseline", "--json", figures) == 0
    (row,) = json.loads(figures.read_text())
    assert row["tasks"]["clothing"]["P@5"]["mean"] == pytest.approx(0.37, abs=0.02)
    assert row["tasks"]["neardup: aspect"]["rank 1"]["mean"] == 1
    assert row["tasks"]["neardup: crops"]["MRR"]["mean"] > 0.8
