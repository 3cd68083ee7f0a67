"""The processes that draw the sample end with the one that asked for it, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import multiprocessing
from ml.datasets.sample import draw_sample

if __name__ == "__main__":
    for _ in draw_sample(10_000):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
"""
PATIENCE_S = 20


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


@pytest.mark.skipif(os.cpu_count() == 1, reason="on one core the sample is drawn without children")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_child_outlives_a_killed_parent(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "draw.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as drawing:
        assert drawing.stdout is not None
        children = [int(pid) for pid in drawing.stdout.readline().split()]
        assert children
        drawing.send_signal(how)
    deadline = time.monotonic() + PATIENCE_S
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in children if is_running(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
