"""The most memory that this process has held: of the device, or resident on the CPU (Linux)."""

import re
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


def peak_bytes(device: Any) -> int:
    """Since the last `reset_peak`."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    return int(found.group(1)) * 1024 if found else 0


def reset_peak(device: Any) -> None:
    """Begin anew from what is held now."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    else:
        CLEAR_REFS.write_text("5")  # resets VmHWM (man 5 proc)
