"""Looks the locked versions up among known vulnerabilities; first proves, by a canary, that the lookup works."""

import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
# A release with published vulnerabilities. An audit that finds none in it has looked at nothing.
CANARY = "jinja2==2.4.1\n"


def audit(requirements: Path) -> "subprocess.CompletedProcess[str]":
    """Run pip-audit on pinned requirements, as they stand: nothing is resolved or installed."""
    command = [sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip", "--progress-spinner=off"]
    return subprocess.run([*command, "-r", requirements], capture_output=True, text=True, check=False)


def main() -> int:
    """0 when the lock is clean, 1 when it is not, 2 when nothing could be looked up."""
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(CANARY, encoding="utf-8")
        found = audit(canary)
    if found.returncode == 0 or "jinja2" not in found.stdout:
        print(
            f"The audit does not work: it finds nothing in {CANARY.strip()}.\n{found.stderr.strip()}", file=sys.stderr
        )
        return 2
    result = audit(LOCK)
    print(result.stdout + result.stderr, end="")
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
