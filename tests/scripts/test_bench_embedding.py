"""The benchmark measures what it says, and a small run of all its parts ends with every figure in the JSON file."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import Dinov2Model

from scripts import bench_embedding
from scripts.bench_embedding import make_parser, make_plan
from scripts.bench_inputs import CROP, draw_jpeg, make_checkpoint, photos, small_pictures
from scripts.bench_machine import resident_bytes, take_turns
from scripts.bench_network import compare_networks, flops

SCRIPT = Path(bench_embedding.__file__)


def test_the_contenders_take_turns() -> None:
    order: list[str] = []
    times = take_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert [(len(taken.wall_s), len(taken.cpu_s)) for taken in times.values()] == [(3, 3)] * 2


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_flops_are_those_that_torch_counts(size: str, tmp_path: Path) -> None:
    network = Dinov2Model.from_pretrained(make_checkpoint(tmp_path, size), attn_implementation="eager")
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(pixel_values=torch.zeros(1, 3, CROP, CROP))
    assert flops(size) == pytest.approx(counter.get_total_flops(), rel=1e-3)


def test_memory_counts_the_children() -> None:
    alone = resident_bytes(os.getpid())
    hold = "import sys; held = b'x' * 200_000_000; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        assert resident_bytes(os.getpid()) > alone + 190_000_000
        child.stdin.close()


def test_both_networks_agree(tmp_path: Path) -> None:
    (row,) = compare_networks(make_checkpoint(tmp_path, "tiny"), [2], threads=1, rounds=1)
    assert row.min_cosine > 0.999
    assert row.ratio == pytest.approx(row.reference.wall_s[0] / row.ours.wall_s[0])
    assert (row.size, row.batch, row.threads) == ("tiny", 2, 1)


def test_pictures_are_drawn_where_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKENESS_TEST_DATA", raising=False)
    assert len(small_pictures(tmp_path, 40).files) == 40
    assert len(set(photos(tmp_path, 2).files)) == 2
    assert draw_jpeg((64, 48), 1) != draw_jpeg((64, 48), 2)


def test_real_photos_are_repeated(test_data: Path) -> None:
    pictures = photos(test_data, 50)
    assert len(pictures.files) == 50
    assert pictures.title == f"{len(set(pictures.files))} photos"


def test_the_full_plan_has_the_largest_network() -> None:
    parse = make_parser().parse_args
    assert "large" not in make_plan(parse([])).network
    assert 8 in make_plan(parse(["--full"])).network["large"]
    asked = make_plan(parse(["--models", "large", "--batches", "8", "--pictures", "5", "--queries", "7"]))
    assert asked.network == {"large": [8]}
    assert (asked.files, asked.photos, asked.queries) == (["large"], 5, 7)


@pytest.mark.parametrize("arguments", [["--parts", "speed"], ["--models", "huge"], ["--batches", "x"]])
def test_arguments_that_cannot_be_used(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(arguments)
    assert ended.value.code == 2


def test_a_small_run_of_all_parts(tmp_path: Path) -> None:
    small = ["--models", "tiny", "--batches", "1", "--pictures", "3", "--queries", "3", "--rounds", "1"]
    environment = {name: value for name, value in os.environ.items() if name != "LIKENESS_TEST_DATA"}
    command = [sys.executable, SCRIPT, *small, "--json", tmp_path / "figures.json"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=280)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    figures: dict[str, Any] = json.loads((tmp_path / "figures.json").read_text())
    assert figures["machine"]["omp_wait_policy"] == "passive"
    assert figures["machine"]["torch"]
    assert [row["batch"] for row in figures["network"]] == [1]
    assert [row["count"] for row in figures["files"]] == [3, 3]
    assert [row["beside"] for row in figures["latency"]] == ["nothing", "embedding"]
    assert figures["memory"][0]["end_bytes"] > 50_000_000
    assert bool(figures["gpu"]) == bool(figures["machine"]["gpu"])
    assert all(np.isfinite(row["ratio"]) for part in ("network", "files") for row in figures[part])
