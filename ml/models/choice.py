"""Which model a machine takes by itself, and why, in one line."""

import os
from dataclasses import dataclass
from pathlib import Path

from ml.models import weights
from ml.models.model import ModelSpec, WrongCheckpoint
from ml.models.registry import BASELINE, REGISTRY

BEST_FIRST = ("large", "base", "small")
COPIES = 4
"""Memory at load, in float32 copies of the weights: the file's, the network's, the checked one, and activations."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model chosen by itself, with one plain line that says why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What a network would run on: `kind` is `cuda`, `mps` or `cpu`; memory is that of the card, or this machine's."""

    kind: str
    memory_bytes: int
    has_bfloat16: bool

    def __str__(self) -> str:
        numbers = " with bfloat16" if self.has_bfloat16 else ""
        return f"{self.kind}{numbers}, {self.memory_bytes / 1e9:.0f} GB"


def choose(cache_dir: Path, machine: Machine | None = None) -> Choice:
    """The best model whose weights are at hand that this machine carries with ease, else one to fetch, else none's.

    With ease: a query's picture well within half a second. On one core with bfloat16 small takes 0.03 s, base 0.11 s
    and large 0.37 s; transformers' pass in float32 0.11, 0.43 and 1.5 s (docs/benchmarks.md).
    """
    machine = machine or this_machine()
    fitting = [size for size in BEST_FIRST if COPIES * REGISTRY[f"dinov2-{size}"].size_bytes <= machine.memory_bytes]
    easy = [size for size in fitting if size not in _slow_sizes(machine)]
    # What is slow is still taken when nothing else is at hand: somebody put it there.
    for size in [*easy, *reversed([size for size in fitting if size not in easy])]:
        for name in (f"dinov2-{size}", f"dinov2-with-registers-{size}"):
            if _is_usable(REGISTRY[name], cache_dir):
                return Choice(name, f"its weights are on this machine, and it suits it ({machine})")
    if not fitting:
        return Choice(BASELINE.name, f"{machine.memory_bytes / 1e6:.0f} MB of memory are too little for a network")
    fetched = "dinov2-base" if machine.kind == "cuda" and "base" in easy else "dinov2-small"
    size_mb = REGISTRY[fetched].size_bytes / 1e6
    if weights.hub_answers():
        return Choice(fetched, f"its weights can be fetched from the model hub ({size_mb:.0f} MB; {machine})")
    return Choice(BASELINE.name, f"the weights of {fetched} are not here and the hub does not answer")


def _is_usable(spec: ModelSpec, cache_dir: Path) -> bool:
    """Whether a model's files are at hand, whole, and its own; what is not is passed over."""
    folder = weights.find(spec, cache_dir)
    if folder is None:
        return False
    try:
        weights.check_whole(folder / weights.WEIGHTS)
        weights.check_card(folder, spec)
    except WrongCheckpoint:
        return False
    return True


def this_machine() -> Machine:
    """The device that networks run on here."""
    import torch

    if torch.cuda.is_available():
        memory_bytes = torch.cuda.get_device_properties(0).total_memory
        return Machine("cuda", memory_bytes, torch.cuda.is_bf16_supported(including_emulation=False))
    if torch.backends.mps.is_available():
        return Machine("mps", _memory_bytes(), has_bfloat16=False)
    capabilities = torch.cpu.get_capabilities()
    # Elsewhere bfloat16 is emulated, and slower than float32.
    has_bfloat16 = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return Machine("cpu", _memory_bytes(), has_bfloat16)


def _slow_sizes(machine: Machine) -> set[str]:
    if machine.kind == "cuda":
        return set()
    return {"large"} if machine.has_bfloat16 or machine.kind == "mps" else {"large", "base"}


def _memory_bytes() -> int:
    """This machine's memory, or this container's share of it."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    stated = limit.read_text().strip() if limit.is_file() else "max"
    return min(total, int(stated)) if stated.isdigit() else total
