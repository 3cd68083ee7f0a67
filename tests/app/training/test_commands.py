"""`likeness train`: a run, stopped and killed and gone on with, and what cannot be used."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file

from ml.training import checkpoint
from tests.app.training.conftest import LABELS, draw
from tests.conftest import Likeness

SMALL = (
    *("--batch-size", "4", "--global-size", "56", "--local-size", "28", "--local-crops", "2"),
    *("--hidden", "32", "--bottleneck", "16", "--prototypes", "24", "--warmup-epochs", "1", "--probe-every", "20"),
    *("--device", "cpu", "--precision", "float32", "--workers", "1", "--checkpoint-minutes", "0.005"),
)
EPOCHS = 60
STEPS = EPOCHS * 3
PATIENCE_S = 120


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 pictures in folders of two labels, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    for label in LABELS:
        (folder / label).mkdir()
        for number in range(6):
            (folder / label / f"{number}.png").write_bytes(draw(label, number))
    (folder / "spots" / "torn.png").write_bytes(draw("spots", 1)[:90])
    return folder


@dataclass(frozen=True, slots=True)
class Trainer:
    """Runs `likeness train` in a process of its own."""

    pictures: Path
    network: Path
    data_dir: Path

    def spawn(self, output: Path, *further: str) -> subprocess.Popen[str]:
        arguments = ("--model", str(self.network), "--epochs", str(EPOCHS), "--output", str(output), "--json", *further)
        environment = {**os.environ, "LIKENESS_DATA_DIR": str(self.data_dir), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli", "train", str(self.pictures), *SMALL, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, output: Path, *further: str) -> tuple[dict[str, Any], str]:
        """What the last line says, and standard error."""
        return ended(self.spawn(output, *further))


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1]), err


def has_checkpoint(output: Path, process: subprocess.Popen[str]) -> None:
    """Wait for the first."""
    deadline = time.monotonic() + PATIENCE_S
    while not checkpoint.list_steps(output):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def trainer(pictures: Path, network: Path, tmp_path: Path) -> Trainer:
    return Trainer(pictures, network, tmp_path / "data")


def test_b22_stopped_and_killed_it_goes_on_to_the_same_loss(trainer: Trainer, tmp_path: Path) -> None:
    whole, told = trainer.run(tmp_path / "whole")
    assert (whole["state"], whole["step"], whole["steps"]) == ("done", STEPS, STEPS)
    assert [one["epoch"] for one in whole["probes"]] == [0, 20, 40, 60]
    assert [one["name"] for one in whole["refused"]] == ["spots/torn.png"]
    assert f"{whole['trainable']:,} trainable parameters" in told
    assert "spots/torn.png: " in told
    assert "12 pictures of 2 labels, which only the probes see; 180 steps of 4, 4 at once" in told
    assert f"step {STEPS} of {STEPS}" in told

    output = tmp_path / "halted"
    process = trainer.spawn(output)
    has_checkpoint(output, process)
    process.send_signal(signal.SIGTERM)
    stopped, _ = ended(process)
    assert stopped["state"] == "stopped"
    assert checkpoint.list_steps(output)[-1] == stopped["step"] < STEPS

    process = trainer.spawn(output)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, "go on with --resume" in err) == (1, True), err

    process = trainer.spawn(output, "--resume")
    first = checkpoint.list_steps(output)[-1]
    deadline = time.monotonic() + PATIENCE_S
    while checkpoint.list_steps(output)[-1] == first:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()

    resumed, told = trainer.run(output, "--resume")
    assert "on from step" in told
    assert (resumed["state"], resumed["loss"]) == ("done", whole["loss"])
    assert resumed["probes"] == whole["probes"], "also those before it was stopped"
    weights = [load_file(folder / "adapter_model.safetensors") for folder in (output, tmp_path / "whole")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])


def refused(result: Result, status: int, words: str) -> None:
    assert result.exit_code == status, result.output
    assert words in result.output, result.output
    assert "Traceback" not in result.output


def test_what_cannot_be_used_is_told_in_a_sentence(
    likeness: Likeness, pictures: Path, network: Path, tmp_path: Path
) -> None:
    usual = ("--model", network, "--output", tmp_path / "out")
    refused(likeness("train", *usual), 2, "name the pictures once")
    refused(likeness("train", pictures, "--collection", "Birds", *usual), 2, "name the pictures once")
    refused(likeness("train", pictures, "--output", tmp_path / "out"), 2, "--model says what to begin with")
    refused(likeness("train", pictures, "--model", network), 2, "--output FOLDER or --name NAME")
    refused(likeness("train", pictures, *usual, "--epochs", "0"), 2, "epochs is 0")
    refused(likeness("train", pictures, *usual, "--centring", "none"), 2, "Invalid value for '--centring'")
    refused(likeness("train", pictures, "--model", network, "--name", "a b"), 2, "cannot be a model's name")
    refused(likeness("train", tmp_path / "nothing", *usual), 1, "is not a folder")
    refused(
        likeness("train", pictures, "--model", "nobody", "--output", tmp_path / "out"), 1, "no model named 'nobody'"
    )
    refused(likeness("train", pictures, "--model", "baseline", "--output", tmp_path / "out"), 1, "no network to train")
    refused(likeness("train", "collection:Birds", *usual), 1, "no collection is called 'Birds'")
    (tmp_path / "empty").mkdir()
    refused(likeness("train", tmp_path / "empty", *usual), 1, "0 of 0 pictures can be used")


def test_without_a_gallery_there_is_no_collection(
    likeness: Likeness, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIKENESS_DATABASE_URL")
    result = likeness("train", "--collection", "Birds", "--model", network, "--output", tmp_path / "out")
    refused(result, 1, "there is no gallery in")
    assert not (tmp_path / "data").exists()


def test_every_setting_has_a_flag(likeness: Likeness) -> None:
    told = likeness("train", "--help").output
    for flag in ("--rank", "--last-blocks", "--koleo", "--global-scale LOW HIGH", "--from-scratch", "--momentum-start"):
        assert flag in told
