"""What a benchmark runs on, and how it takes the time and the memory."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "transformers", "numpy", "pillow", "pebble")
# Those that decide how fast a network runs.
CAPABILITIES = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16")
PAGE = os.sysconf("SC_PAGE_SIZE")


def describe() -> dict[str, Any]:
    """The processor with what it can compute, the versions, and how busy the machine is with other work."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "capabilities": [name for name in CAPABILITIES if capabilities.get(name)],
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * PAGE,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY"),
        "load_before": os.getloadavg()[0],
    }


@dataclass(frozen=True, slots=True)
class Times:
    """Of each round: seconds, and this process's processor seconds, which other work on the machine hardly touches."""

    wall_s: list[float]
    cpu_s: list[float]


def take_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Times]:
    """The times of each contender: A B A B, so that other work on the machine slows all alike."""
    times = {name: Times([], []) for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            run()
            times[name].wall_s.append(time.perf_counter() - wall_s)
            times[name].cpu_s.append(time.process_time() - cpu_s)
    return times


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all below it; pages that several of them share count for each. Linux."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended meanwhile
        return 0
    return pages * PAGE + sum(map(resident_bytes, children))


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
