"""Folders and processes for the tests of the embedded Postgres."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import pytest

REPOSITORY = Path(__file__).parents[3]
PROLOGUE = """
import os, resource, signal, sys
from pathlib import Path
from app.core.postgres import *
data_dir = Path(sys.argv[1])
"""


class Spawn(Protocol):
    """Run a script that uses the module, in a process of its own; `line` is the first line that it prints."""

    def __call__(self, script: str, data_dir: Path) -> "Spawned": ...


class Spawned(subprocess.Popen[str]):
    """A script under way, which talks over its standard input and output."""

    def line(self) -> str:
        assert self.stdout is not None
        return self.stdout.readline().strip()

    def let_go(self) -> None:
        assert self.stdin is not None
        self.stdin.close()


@pytest.fixture
def spawn() -> Generator[Spawn]:
    """Starts such scripts; those that are left over are killed."""
    with contextlib.ExitStack() as stack:

        def start(script: str, data_dir: Path) -> Spawned:
            process = Spawned(
                [sys.executable, "-c", f"{PROLOGUE}{script}", str(data_dir)],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def open_dir() -> Generator[Path]:
    """A temporary folder that other users may pass through, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
