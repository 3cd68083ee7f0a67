"""Writes requirements.lock: the versions that pyproject.toml resolves to, with the tools of development."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HEADER = "# The versions that are tested together; pip takes them as constraints (-c). Made by `make lock`.\n"
# Whether torch is a CUDA build is the machine's affair: neither its local version nor its libraries are pinned.
CUDA = re.compile(r"(nvidia-|cuda-|triton)")


def resolve() -> str:
    """What pip-compile chooses, a line per package; versions in the present lock are kept where they still fit."""
    options = ["--extra=dev", "--extra=bench", "--strip-extras", "--no-annotate", "--no-header", "--no-emit-options"]
    anonymous = ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / LOCK.name
        if LOCK.exists():
            output.write_bytes(LOCK.read_bytes())
        command = [sys.executable, "-m", "piptools", "compile", "--quiet", *options, *anonymous, "-o", output]
        subprocess.run([*command, "pyproject.toml"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return output.read_text(encoding="utf-8")


def clean(text: str) -> str:
    """The pins alone, without local versions (`+cpu`) and without CUDA's libraries."""
    pins = [line.split("+")[0] for line in text.splitlines() if "==" in line and not line.startswith("#")]
    return HEADER + "".join(f"{pin}\n" for pin in pins if not CUDA.match(pin))


if __name__ == "__main__":
    LOCK.write_text(clean(resolve()), encoding="utf-8")
    print(f"wrote {LOCK}")
