"""Measures training on this machine: LoRA self-distillation as it is done here beside the plain way, by turns.

plain          two full copies of the network, every crop by itself, float32: what everybody writes first
all            adapters on all blocks, student and teacher on one network, all local crops in one tensor
checkpointing  the same with gradient checkpointing
last 4         adapters on the last 4 blocks: what the others make of a global crop serves student and teacher

Each runs in a process of its own, so that its peak of memory is its own. The network has DINOv2's sizes and random
weights, pictures are drawn. Without arguments it ends in about two minutes on two cores. docs/benchmarks.md has
figures.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.bench_inputs import SIZES, make_checkpoint
from scripts.bench_machine import describe
from scripts.bench_peak import peak_bytes, reset_peak

CONTENDERS = ("plain", "all", "checkpointing", "last 4")
CPU_MATRIX, GPU_MATRIX = 2048, 8192


@dataclass(frozen=True, slots=True)
class Row:
    """The best of the rounds. Peaks are those of steps, above what the process held before the network was read.

    `share` is the part of what a large bfloat16 product reaches on the same device; None for the plain way.
    """

    name: str
    runs_on: str
    pictures_per_s: float
    speed: float
    peak_bytes: int
    memory: float
    share: float | None
    seconds: list[float]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all was measured."""
    asked = make_parser().parse_args(arguments)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if asked.only:
        print(json.dumps(measure(asked.only, Path(asked.checkpoint), asked.batch, asked.steps)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(make_checkpoint(Path(folder), asked.size), asked)
    table = Table(title=f"training {asked.size}, batches of {asked.batch}, 2 x 224 and 6 x 98 pixels")
    for name in ("", "on", "pictures/s", "speed", "peak, MiB", "memory", "of the device's best"):
        table.add_column(name, justify="right" if name not in ("", "on") else "left")
    for row in rows:
        share = "" if row.share is None else f"{row.share:.2f}"
        cells = (f"{row.pictures_per_s:.2f}", f"{row.speed:.2f}", f"{row.peak_bytes / 2**20:.0f}", f"{row.memory:.2f}")
        table.add_row(row.name, row.runs_on, *cells, share)
    Console().print(table)
    if asked.json:
        made = {"machine": describe(), "size": asked.size, "batch": asked.batch, "rows": [asdict(row) for row in rows]}
        asked.json.write_text(json.dumps(made, indent=1) + "\n")
    return 0


def compare(checkpoint: Path, asked: argparse.Namespace) -> list[Row]:
    """A row for each contender, against the plain way."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(asked.rounds):
        for name in CONTENDERS:
            options = [
                f"--only={name}",
                f"--checkpoint={checkpoint}",
                f"--batch={asked.batch}",
                f"--steps={asked.steps}",
            ]
            child = [sys.executable, "-m", "scripts.bench_training", *options]
            answer = subprocess.run(child, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
            found[name].append(json.loads(answer.stdout.splitlines()[-1]))
            print(f"{name}: {found[name][-1]['seconds']:.2f} s a step", file=sys.stderr)
    plain_s = min(one["seconds"] for one in found["plain"])
    plain_bytes = min(one["peak_bytes"] for one in found["plain"])
    rows: list[Row] = []
    for name, rounds in found.items():
        best = min(rounds, key=lambda one: one["seconds"])
        held = min(one["peak_bytes"] for one in rounds)
        flops = best["flops"]
        rows.append(
            Row(
                name=name,
                runs_on=best["runs_on"],
                pictures_per_s=asked.batch / best["seconds"],
                speed=plain_s / best["seconds"],
                peak_bytes=held,
                memory=held / plain_bytes,
                share=None if flops is None else flops / best["seconds"] / best["matrix_flops_per_s"],
                seconds=[one["seconds"] for one in rounds],
            )
        )
    return rows


def measure(name: str, checkpoint: Path, batch: int, steps: int) -> dict[str, Any]:
    """One contender in this process: seconds of the fastest step after the first, the peak, what it computed."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ml.models.checkpoint import read_network
    from ml.training.config import Machine
    from ml.training.network import device_of
    from scripts.bench_network import matrix_flops_per_s

    device = device_of(Machine())
    torch.manual_seed(0)
    globals_, locals_ = torch.randn(2, batch, 3, 224, 224), torch.randn(6, batch, 3, 98, 98)
    held = peak_bytes(device)
    step, runs_on = _contender(name, read_network(checkpoint, 0), globals_.to(device), locals_.to(device))
    reset_peak(device)
    step()
    seconds: list[float] = []
    for _ in range(steps):
        started = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    peak = peak_bytes(device) - held
    flops: float | None = None
    if name != "plain":
        with FlopCounterMode(display=False) as counter:
            step()
        flops = float(counter.get_total_flops())
    best = matrix_flops_per_s(device, CPU_MATRIX if device.type == "cpu" else GPU_MATRIX)
    told = {"seconds": min(seconds), "peak_bytes": peak, "runs_on": runs_on}
    return {**told, "flops": flops, "matrix_flops_per_s": best}


def _contender(name: str, network: Any, globals_: Any, locals_: Any) -> tuple[Callable[[], object], str]:
    """A function that makes a step, and what it runs on."""
    from ml.training.backbone import adapt, store_frozen_as
    from ml.training.config import Machine, TrainingConfig
    from ml.training.dino import Crops, Learner
    from ml.training.network import dtype_of
    from ml.training.schedule import Schedule

    config = TrainingConfig(last_blocks=4 if name == "last 4" else None)
    network = network.to(globals_.device)
    if name == "plain":
        return _plain(network, config, globals_, locals_), f"float32 on {globals_.device.type}"
    dtype = dtype_of(Machine(), globals_.device)
    backbone = adapt(network, config, gradient_checkpointing=name == "checkpointing")
    store_frozen_as(network, dtype)
    learner = Learner(config, backbone, globals_.device, dtype, Schedule(config, 10), part=globals_.shape[1])
    told = f"{str(dtype).removeprefix('torch.')} on {globals_.device.type}"
    return lambda: learner.step(Crops(globals_, locals_), 20), told


def _plain(network: Any, config: Any, globals_: Any, locals_: Any) -> Callable[[], object]:
    """Adapters, head and loss as ours; teacher a deep copy; a pass for every crop; nothing shared, float32."""
    import torch

    from ml.training.backbone import adapt
    from ml.training.head import Head
    from ml.training.loss import DinoLoss

    backbone = adapt(network, config)
    student = torch.nn.ModuleList([network, Head(network.config.hidden_size, config)]).to(globals_.device)
    teacher = copy.deepcopy(student).requires_grad_(False)
    loss = DinoLoss(config).to(globals_.device)
    learning = [*backbone.parameters().values(), *student[1].parameters()]
    optimiser = torch.optim.AdamW([one for one in learning if one.requires_grad], lr=1e-4)

    def scores(pair: Any, pixels: Any) -> Any:
        return pair[1](pair[0](pixel_values=pixels).last_hidden_state[:, 0])

    def step() -> None:
        with torch.no_grad():
            taught = torch.stack([scores(teacher, crop) for crop in globals_])
        crops = [*globals_, *locals_]
        total = loss(loss.targets(taught, 0.05), torch.stack([scores(student, crop) for crop in crops]))
        total.backward()
        torch.nn.utils.clip_grad_norm_(learning, 3.0)
        optimiser.step()
        optimiser.zero_grad()
        loss.update_centre(taught)
        with torch.no_grad():
            for mine, theirs in zip(teacher.parameters(), student.parameters(), strict=True):
                mine.lerp_(theirs, 0.004)

    return step


def make_parser() -> argparse.ArgumentParser:
    """The arguments, described."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = [size for size in SIZES if size != "tiny"]
    parser.add_argument("--size", choices=sizes, default="small", help="of DINOv2's (%(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="pictures in a batch (%(default)s)")
    parser.add_argument(
        "--steps", type=int, default=1, help="steps that are timed, after one that is not (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=1, help="turns of each; the best counts (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)  # what the children are told
    parser.add_argument("--checkpoint", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
