"""Measures embedding on this machine: ours beside the same networks in plain transformers, in one run, by turns.

network  the network alone, at several batch sizes, against transformers in float32
files    files to vectors on all cores, against a DataLoader with transformers' processor and a float32 network
latency  one picture's bytes to its vector, alone and beside a process that embeds
memory   whether it stays flat over very many pictures
gpu      the network's share of a GPU's peak, where there is one

The networks have DINOv2's sizes and random weights. Photos and CIFAR-10 are read from LIKENESS_TEST_DATA, and drawn
where it names no folder. Without arguments it ends in about two minutes on two cores. docs/benchmarks.md has figures.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.bench_files import compare_files
from scripts.bench_inputs import SIZES, make_checkpoint, photos, small_pictures
from scripts.bench_latency import measure_latency
from scripts.bench_machine import describe
from scripts.bench_memory import measure_memory
from scripts.bench_network import compare_networks, measure_gpu

PARTS = ("network", "files", "latency", "memory", "gpu")
GPU_BATCH = 256


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `network` has the batch sizes of each network; `files` the networks fed from files."""

    network: Mapping[str, Sequence[int]]
    files: Sequence[str]
    photos: int
    small_pictures: int
    queries: int
    memory_pictures: int
    rounds: int
    threads: int = 1


SHORT = Plan({"small": (1, 8), "base": (1, 8)}, ["small"], 32, 64, 60, 2_000, 3)
FULL = Plan({"small": (1, 8, 32), "base": (1, 8, 32), "large": (1, 8)}, ["small", "base"], 96, 256, 300, 20_000, 5)


def measure(part: str, plan: Plan, folder: Path) -> Iterator[Any]:
    """The rows of one part, as they come; nothing for the part that this machine has no device for."""
    if part == "network":
        for size, batches in plan.network.items():
            yield from compare_networks(make_checkpoint(folder, size), batches, plan.threads, plan.rounds)
    elif part == "files":
        for size in plan.files:
            for pictures in (photos(folder, plan.photos), small_pictures(folder, plan.small_pictures)):
                yield compare_files(make_checkpoint(folder, size), pictures, plan.rounds)
    elif part == "latency":
        for size in plan.files:
            yield from measure_latency(
                make_checkpoint(folder, size), photos(folder, min(20, plan.photos)).files, plan.queries
            )
    elif part == "memory":
        yield measure_memory(make_checkpoint(folder, "tiny"), plan.memory_pictures)
    elif _has_gpu():
        yield measure_gpu(make_checkpoint(folder, "base"), GPU_BATCH, plan.rounds)


def table(part: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """The figures of a part for people; the times of single rounds are left to the JSON file."""
    names = [name for name, value in rows[0].items() if not isinstance(value, list | dict)]
    made = Table(title=part)
    for name in names:
        made.add_column(name, justify="right" if isinstance(rows[0][name], int | float) else "left")
    for row in rows:
        made.add_row(*(_shown(name, row[name]) for name in names))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """0: what a machine cannot measure is left out with a word."""
    asked = make_parser().parse_args(arguments)
    # Read when torch is loaded, which is after this line; without it the threads of both sides spin against the
    # decoding children (docs/benchmarks.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    plan = make_plan(asked)
    console = Console(width=None if sys.stdout.isatty() else 160)
    figures: dict[str, Any] = {"machine": describe(), "plan": asdict(plan)}
    console.print(", ".join(f"{name}: {value}" for name, value in figures["machine"].items()), highlight=False)
    with tempfile.TemporaryDirectory(prefix="likeness-bench-") as name:
        for part in asked.parts:
            rows = [asdict(row) for row in measure(part, plan, Path(name))]
            figures[part] = rows
            console.print(table(part, rows) if rows else f"{part}: left out, there is no such device here")
            if asked.json:
                asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def make_plan(asked: argparse.Namespace) -> Plan:
    """The short or the full plan, with what was asked for in its place."""
    plan = FULL if asked.full else SHORT
    if asked.models or asked.batches:
        network = {size: asked.batches or plan.network.get(size, (1, 8)) for size in asked.models or plan.network}
        plan = replace(plan, network=network, files=asked.models or plan.files)
    if asked.pictures:
        plan = replace(plan, photos=asked.pictures, small_pictures=asked.pictures, memory_pictures=asked.pictures)
    return replace(
        plan,
        queries=asked.queries or plan.queries,
        rounds=asked.rounds or plan.rounds,
        threads=asked.threads,
    )


def make_parser() -> argparse.ArgumentParser:
    """The arguments, described."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="larger batches and numbers: about half an hour")
    parser.add_argument("--parts", type=_some_of(PARTS), default=PARTS, help="some of the above, with commas between")
    parser.add_argument("--models", type=_some_of(tuple(SIZES)), help=f"some of {', '.join(SIZES)}")
    parser.add_argument("--batches", type=_numbers, metavar="N,N", help="batch sizes of the part network")
    parser.add_argument("--pictures", type=int, metavar="N", help="how many, in the parts files and memory")
    parser.add_argument("--queries", type=int, metavar="N", help="how many, in the part latency")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each side, of which the best counts")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="in the part network (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, and what they were taken on")
    return parser


def _some_of(known: Sequence[str]) -> Any:
    def names_of(text: str) -> list[str]:
        names = text.split(",")
        if odd := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{odd[0]!r} is none of {', '.join(known)}")
        return names

    return names_of


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _shown(name: str, value: object) -> str:
    if name.endswith("_bytes") and isinstance(value, int):
        return f"{value / 1e6:.0f} MB"
    if isinstance(value, float):
        return f"{value:.5f}" if name == "min_cosine" else f"{value:.3g}" if abs(value) < 10 else f"{value:,.1f}"
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
