"""The search benchmark measures what it says, and a small run of all its parts ends with every figure in the file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts import bench_search
from scripts.bench_rivals import Rival
from scripts.bench_search_parts import Point, at_recall, by_turns
from scripts.bench_vectors import Floats, cached, exact_neighbours, generate

SCRIPT = Path(bench_search.__file__)


def test_the_same_seed_gives_the_same_vectors() -> None:
    first, second, other = (generate(500, 48, 20, seed) for seed in (1, 1, 2))
    assert (first.vectors == second.vectors).all()
    assert (first.queries == second.queries).all()
    assert not (first.vectors == other.vectors).all()
    assert np.linalg.norm(first.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    alike = first.vectors @ first.vectors.T
    same = first.classes[:, None] == first.classes
    assert alike[same].mean() > alike[~same].mean() + 0.2, "a class is a cluster"


def test_what_is_kept_is_named_by_what_made_it(tmp_path: Path) -> None:
    assert cached(tmp_path, "a", n=1) == cached(tmp_path, "a", n=1)
    assert len({cached(tmp_path, "a", n=1), cached(tmp_path, "a", n=2), cached(tmp_path, "b", n=1)}) == 3


def test_recall_is_counted_over_the_true_neighbours() -> None:
    data = generate(300, 16, 60, 1)
    truth = exact_neighbours(data.vectors, data.queries)
    order: list[str] = []

    def rival(name: str, found: int) -> Rival:
        def search(query: Floats) -> np.ndarray:
            order.append(name)
            row = int(np.flatnonzero((data.queries == query).all(axis=1))[0])
            return np.concatenate([truth[row, :found], np.full(10 - found, -1)])

        return Rival(name, [1], lambda _: search, None, 3_000)

    points = by_turns([rival("all", 10), rival("half", 5)], 300, data.queries, truth, rounds=2)
    assert [(point.name, point.recall, point.bytes_per_vector) for point in points] == [
        ("all", 1.0, 10.0),
        ("half", 0.5, 10.0),
    ]
    assert order.count("all") == order.count("half") == 120
    assert len(set(order[:100])) == 2, "they take turns, block by block"


def test_equal_recall_lies_between_two_settings() -> None:
    points = [Point("a", 1, 0.9, 1.0, 1, 1, None, 1), Point("a", 2, 0.98, 4.0, 1, 1, None, 1)]
    assert at_recall(points, 0.94) == pytest.approx(2.0)
    assert at_recall(points, 0.99) == pytest.approx(4.0)


def test_a_small_run_ends_with_every_figure(tmp_path: Path) -> None:
    told = tmp_path / "figures.json"
    arguments = ["--n", "25000", "--dim", "96", "--rounds", "1", "--cache", str(tmp_path), "--json", str(told)]
    run = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    assert run.returncode == 0, run.stderr
    figures = json.loads(told.read_text())
    assert {point["name"] for point in figures["field"]} >= {"Likeness", "FAISS Flat (exact)", "FAISS IVF-Flat"}
    assert all(point["recall"] == 1 for point in figures["field"] if "exact" in point["name"])
    assert figures["ours"]["recall"] >= 0.95
    assert len(figures["filters"]) == 9
    assert [row["fresh"] for row in figures["delta"]] == [0, 1_000, 10_000, 50_000]
    assert [row["threads"] for row in figures["threads"]] == [1, 2, 4]
    assert "at most 0.6" in run.stdout
