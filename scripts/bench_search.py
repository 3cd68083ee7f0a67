"""Measures the search engine beside the field's other indexes: in one run, by turns, one thread, k = 10.

Ours is measured as the gallery uses it: built, published, opened under its map, asked through `Index.search`. The
others through their own libraries (`pip install -e .[bench]`). Every query is asked in several rounds, by turns with
the others, and its least time counts: other work on the machine lengthens some rounds, not all. Indexes that take
long to build are kept in --cache. docs/benchmarks.md has figures. `setting` is nprobe of IVF-Flat, ef of the graphs,
and the reach of ours in per cent of what its build chose.

field    recall, p50, p99, build time and bytes beside FAISS Flat, IVF-Flat, hnswlib (and Qdrant's engine: --qdrant)
filters  100, 50, 10, 1 and 0.1% allowed, drawn at random and along the classes
delta    0 to 50,000 fresh vectors
threads  queries per second from 1, 2 and 4 threads
"""

import argparse
import json
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from rich.console import Console
from rich.table import Table

from app.search.index import Index, build, publish
from app.search.index.ivf import LayoutChoice
from scripts import bench_rivals
from scripts.bench_machine import describe
from scripts.bench_rivals import Rival
from scripts.bench_search_parts import Point, at_recall, by_turns, measure_delta, measure_filters, measure_threads
from scripts.bench_vectors import HARD, MAIN, Floats, Generated, cached, exact_neighbours, generate

PARTS = ("field", "filters", "delta", "threads")
QUERIES = 1_000
_faiss: Any = faiss


@dataclass(frozen=True, slots=True)
class Goal:
    """What is aimed at, and what was seen: a ratio of p50 at equal recall."""

    name: str
    aim: str
    seen: float
    met: bool


def main() -> None:
    """Builds, measures, prints; `--json FILE` keeps all figures."""
    options = _options()
    console = Console(width=140)
    _faiss.omp_set_num_threads(options.threads)
    data, source = _vectors(options)
    truth = exact_neighbours(data.vectors, data.queries)
    ours, manifest = _ours(options, data, source)
    figures: dict[str, Any] = {"machine": describe(), "source": source, "ours": manifest}
    _faiss.omp_set_num_threads(1)
    if "field" in options.parts:
        points, goals = _field(options, data, source, truth, ours, manifest)
        figures["field"], figures["goals"] = [asdict(one) for one in points], [asdict(one) for one in goals]
        console.print(_table(f"{len(data.vectors):,} x {data.vectors.shape[1]}, one thread, k 10", points))
        console.print(_table("the goals, as ratios of p50 at equal recall", goals))
    for part, measure in (("filters", measure_filters), ("delta", measure_delta), ("threads", measure_threads)):
        if part in options.parts:
            rows = measure(ours, data, options.rounds)
            figures[part] = [asdict(one) for one in rows]
            console.print(_table(part, rows))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def _field(
    options: argparse.Namespace,
    data: Generated,
    source: dict[str, Any],
    truth: Any,
    ours: Index,
    manifest: dict[str, Any],
) -> tuple[list[Point], list[Goal]]:
    _faiss.omp_set_num_threads(options.threads)
    rivals = [bench_rivals.exact(data.vectors), bench_rivals.plain_ivf(data.vectors)]
    if find_spec("hnswlib"):
        rivals.append(bench_rivals.hnswlib(data.vectors, options.cache, **source))
    else:
        print("hnswlib is not installed, so it is left out: pip install -e '.[bench]'", file=sys.stderr)
    if options.qdrant:
        rivals.append(bench_rivals.qdrant(data.vectors, options.cache, **source))
    _faiss.omp_set_num_threads(1)
    view = ours._view  # pyright: ignore[reportPrivateUsage]  (what `_as_rival` changes is put back)
    rules = view.main.rules if view.main else None
    points = by_turns([_as_rival(ours, manifest), *rivals], len(data.vectors), data.queries, truth, options.rounds)
    if view.main and rules:
        view.main.rules = rules
    of = {name: [one for one in points if one.name == name] for name in {one.name for one in points}}
    us = of["Likeness"][0]
    flat = of["FAISS Flat (exact)"][0].p50_ms
    goals = [
        _goal("IVF-Flat", "at most 0.6", us.p50_ms / at_recall(of["FAISS IVF-Flat"], us.recall), most=0.6),
        _goal("exact scan is slower", "at least 20", flat / us.p50_ms, least=20),
    ]
    if "hnswlib" in of:
        goals.append(_goal("hnswlib", "at most 1.0", us.p50_ms / at_recall(of["hnswlib"], us.recall), most=1.0))
    if options.qdrant:
        goals.append(_goal("Qdrant's engine", "-", us.p50_ms / at_recall(of["Qdrant in-process"], us.recall), most=9))
    return points, goals


def _as_rival(index: Index, manifest: dict[str, Any]) -> Rival:
    """Ours at the setting of its build, and with its reach lengthened to see the curve."""
    view = index._view  # pyright: ignore[reportPrivateUsage]  (the setting in force is measured at others, too)
    rules = view.main.rules if view.main else None

    def at(per_cent: int) -> bench_rivals.Search:
        changed = replace(rules, reach=rules.reach * per_cent / 100) if rules else None

        def search(query: Floats) -> Any:
            if view.main and changed:
                view.main.rules = changed
            return index.search(query, bench_rivals.K).ids

        return search

    settings = [100, 90, 120, 140] if rules and manifest["layout"] != "exact" else [100]
    return Rival("Likeness", settings, at, manifest["build_s"], manifest["size_bytes"])


def _ours(options: argparse.Namespace, data: Generated, source: dict[str, Any]) -> tuple[Index, dict[str, Any]]:
    folder = cached(options.cache, "likeness", **source, layout=options.layout)
    shutil.rmtree(folder, ignore_errors=True)  # ours is built in every run

    def chunks() -> Any:
        for start in range(0, len(data.vectors), 20_000):
            rows = data.vectors[start : start + 20_000]
            yield np.arange(start, start + len(rows)), rows

    built = build(chunks, dim=data.vectors.shape[1], n=len(data.vectors), layout=options.layout)
    manifest = publish(built, folder, seq=0, model_identity="benchmark")
    told = asdict(manifest) | {"size_bytes": manifest.size_bytes, "built_at": manifest.built_at.isoformat()}
    return Index.open(folder), told


def _vectors(options: argparse.Namespace) -> tuple[Generated, dict[str, Any]]:
    if options.vectors:
        rows = np.load(options.vectors).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        order = np.random.default_rng(1).permutation(len(rows))
        held_out = min(QUERIES, len(rows) // 10)
        kept = rows[order[held_out:]]
        source = {"file": str(options.vectors), "n": len(kept), "bytes": options.vectors.stat().st_size}
        return Generated(kept, rows[order[:held_out]], np.zeros(len(kept), np.int64)), source
    kind = HARD if options.hard else MAIN
    source = {"n": options.n, "dim": options.dim, "seed": options.seed, "kind": asdict(kind)}
    return generate(options.n, options.dim, QUERIES, options.seed, kind), source


def _goal(name: str, aim: str, seen: float, *, most: float | None = None, least: float | None = None) -> Goal:
    met = (most is None or seen <= most) and (least is None or seen >= least)
    return Goal(name, aim, round(seen, 2), met)


def _table(title: str, rows: list[Any]) -> Table:
    table = Table(title=title, title_justify="left")
    names = list(asdict(rows[0]))
    for name in names:
        table.add_column(name, justify="right" if name not in ("name", "filter") else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in asdict(row).values()))
    return table


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"  # to read well
    return "" if value is None else str(value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all, without any")
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hard", action="store_true", help="vectors of a higher intrinsic dimension (24)")
    parser.add_argument("--vectors", type=Path, help="an .npy of real embeddings [n, dim] in place of synthetic ones")
    layouts: tuple[LayoutChoice, ...] = ("auto", "plain", "panorama", "float16")
    parser.add_argument("--layout", choices=layouts, default="auto")
    parser.add_argument("--qdrant", action="store_true", help="beside Qdrant's engine, too (80 s to build at 100k)")
    parser.add_argument("--rounds", type=int, default=4, help="how often each query is asked; its least time counts")
    parser.add_argument("--threads", type=int, default=0, help="to build with; 0 means one per core")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "likeness-bench", help="~/.cache/likeness-bench"
    )
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    if options.vectors and not options.vectors.is_file():
        parser.error(f"--vectors: there is no file {options.vectors}")
    options.parts = options.parts or list(PARTS)
    options.threads = options.threads or _faiss.omp_get_max_threads()
    if options.n < 1_000:  # calibration itself holds 500 out
        sys.exit("--n: at least 1,000")
    return options


if __name__ == "__main__":
    main()
