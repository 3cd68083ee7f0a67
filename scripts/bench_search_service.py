"""Measures search as a whole gallery answers it: from Postgres to HTTP, on real processes.

build     the index from Postgres, in a process of its own: seconds by phase, memory
memory    two web servers that map the same index: how much of it they share
requests  GET /api/v1/images/ID/similar, k = 10, from 1 to 8 connections, and the engine's part in that
load      eight clients, while the index is built and swapped, and pictures are trashed and restored

A gallery of synthetic vectors is put into a Postgres of its own below --folder, which is emptied at the end. Clients,
servers and Postgres share the machine's cores. With 20,000 vectors it ends in about a minute on two cores.
`scripts/bench_search.py` measures the engine alone; docs/benchmarks.md has figures.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.bench_build import finish_build, start_build
from scripts.bench_gallery import Gallery, fill, running_postgres
from scripts.bench_load import Drill
from scripts.bench_machine import describe
from scripts.bench_requests import measure_requests, warm_up
from scripts.bench_servers import serving

SERVERS = 2
LOAD_CLIENTS = 8
POINTS = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 2), (2, 4), (2, 8))
"""(servers, clients)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 when the drill under load saw a failure or an answer that was wrong."""
    asked = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    figures: dict[str, Any] = {"machine": describe(), "n": asked.n, "dim": asked.dim, "exact_below": asked.exact_below}
    with tempfile.TemporaryDirectory(prefix="likeness-bench-", dir=asked.folder) as name:
        folder = Path(name)
        with running_postgres(folder) as conninfo:
            started = time.perf_counter()
            gallery = asyncio.run(fill(folder, conninfo, asked.n, asked.dim, exact_below=asked.exact_below))
            figures["fill_s"] = time.perf_counter() - started
            _measure(gallery, asked, figures, console)
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    load = figures["load"][0]
    return 1 if load["failures"] + load["stale"] + load["missing"] + load["leaked"] else 0


def _measure(gallery: Gallery, asked: argparse.Namespace, figures: dict[str, Any], console: Console) -> None:
    def tell(part: str, rows: list[Any]) -> None:
        figures[part] = [asdict(row) for row in rows]
        console.print(_table(part, figures[part]))

    tell("build", [finish_build(start_build(gallery))])
    with serving(gallery, SERVERS) as servers:
        warm_up(gallery, servers)
        tell("memory", [server.memory(gallery.settings.indexes_dir) for server in servers])
        tell(
            "requests",
            [measure_requests(gallery, servers[:count], clients, asked.seconds) for count, clients in POINTS],
        )
        tell("load", [Drill(gallery, servers, LOAD_CLIENTS).run(asked.load)])


def _table(part: str, rows: Sequence[dict[str, Any]]) -> Table:
    """One line for each figure, and a column for each row: they have many figures."""
    table = Table(title=part, title_justify="left", show_header=False)
    for name in rows[0]:
        table.add_row(name, *(_shown(name, row[name]) for row in rows))
    return table


def _shown(name: str, value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(key, one)}" for key, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value / 1e6:,.1f} MB" if name.endswith("_bytes") and isinstance(value, int) else str(value)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20_000, help="pictures, at least 1,000 (%(default)s)")
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--exact-below", type=int, default=5_000, help="smaller galleries have no cells (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="for each line of the requests (%(default)s)")
    parser.add_argument("--load", type=float, default=10, help="seconds of the drill, at least (%(default)s)")
    parser.add_argument("--folder", type=Path, help="on the disk that is to hold it: 5 GB for a million pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, and what they were taken on")
    asked = parser.parse_args(arguments)
    if asked.n < 1_000:
        parser.error("--n: at least 1,000")
    return asked


if __name__ == "__main__":
    sys.exit(main())
