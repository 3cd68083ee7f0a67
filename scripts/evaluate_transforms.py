"""Which transform and which pooling find best, and at what speed: measured on pictures, with 95% intervals.

A folder is labelled by the folders in it, or holds altered copies, named by its groups.json. Gains are over the
first transform and pooling of the same model, paired by query. Pictures a second are those of one process.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets.items import DataSetError
from ml.decoder import prepare
from ml.embedder import Embedder, NoDirection
from ml.evaluation.metrics import bootstrap_interval
from ml.evaluation.tasks import Embeddings, PerQuery, Task, read_tasks
from ml.images import PictureRefused
from ml.models.model import Model, ModelError
from ml.models.names import POOLINGS, TRANSFORMS, parse
from ml.models.registry import load_model, resolve

CHUNK = 64  # pictures prepared at once: up to 250 MB as tiles


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over queries, and the mean gain over the first variant, with their intervals."""

    mean: float
    interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]
    queries: int


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of a model: its speed, and what it scores by task and measure."""

    model: str
    dim: int
    runs_on: str
    pictures: int
    prepared_per_s: float
    embedded_per_s: float
    tasks: dict[str, dict[str, Measure]]


def embed(model: Model, files: Sequence[Path]) -> tuple[Embeddings, float, float]:
    """Each file's embedding, and the seconds for decoding and preparing, and for the network.

    Refused pictures are told and left out; one without direction is all zeros, and finds nothing.
    """
    embedder = Embedder(model)
    embeddings: dict[Path, NDArray[np.float32]] = {}
    prepare_s = embed_s = 0.0
    wanted = list(dict.fromkeys(files))
    for chunk in (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)):
        started = time.perf_counter()
        inputs = dict(_prepared(model, chunk))
        ready = time.perf_counter()
        try:
            rows = embedder.embed(list(inputs.values()))
        except NoDirection as error:
            rows = np.nan_to_num(error.embeddings)
        embeddings.update(zip(inputs, rows, strict=True))
        prepare_s += ready - started
        embed_s += time.perf_counter() - ready
    return embeddings, prepare_s, embed_s


def measure(model: Model, tasks: Sequence[Task], first: Mapping[str, PerQuery]) -> tuple[Row, dict[str, PerQuery]]:
    """What a model scores, with its gains over `first` (if that is empty, over itself); and that query by query."""
    embeddings, prepare_s, embed_s = embed(model, [file for task in tasks for file in task.files])
    scores = {task.name: task.score(embeddings) for task in tasks}
    measures = {
        task: {name: _mean(values, values - first.get(task, by_name)[name]) for name, values in by_name.items()}
        for task, by_name in scores.items()
    }
    count, spec = len(embeddings), model.spec
    name = f"{parse(spec.name).base}:{spec.pooling}:{spec.transform}"  # in full, whatever the defaults are
    return Row(name, model.dim, model.runs_on, count, count / prepare_s, count / embed_s, measures), scores


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a table for speed and one for each task, in Markdown."""
    yield "| model | d | runs on | pictures | prepared/s | embedded/s |\n|---|--:|---|--:|--:|--:|"
    for row in rows:
        speeds = f"{row.prepared_per_s:.1f} | {row.embedded_per_s:.1f}"
        yield f"| {row.model} | {row.dim} | {row.runs_on} | {row.pictures} | {speeds} |"
    for task, by_name in rows[0].tasks.items():
        queries = next(iter(by_name.values())).queries
        yield f"\n{task}, {queries} queries\n\n| model | {' | '.join(f'{name} | gain' for name in by_name)} |"
        yield "|---|" + "--:|--:|" * len(by_name)
        for row in rows:
            yield f"| {row.model} | {' | '.join(_cells(one) for one in row.tasks[task].values())} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all was measured, 1 when a model or a folder cannot be used."""
    asked = _parser().parse_args(arguments)
    rows: list[Row] = []
    try:
        tasks = read_tasks(asked.folders)
        for base in asked.models:
            first: dict[str, PerQuery] = {}
            for name in _variants(base, asked.transforms, asked.poolings, asked.models_dir):
                row, scores = measure(load_model(name, cache_dir=asked.models_dir), tasks, first)
                first = first or scores
                rows.append(row)
                print(f"{row.model}: done", file=sys.stderr)
    except (DataSetError, ModelError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(table(rows)))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--models", type=_some_of(), default=["dinov2-small"], help="names, with commas between")
    parser.add_argument("--transforms", type=_some_of(TRANSFORMS), default=list(TRANSFORMS))
    parser.add_argument("--poolings", type=_some_of(POOLINGS), default=["cls"])
    parser.add_argument("--models-dir", type=Path, default=Path(".likeness/models"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to this file")
    return parser


def _some_of(known: Sequence[str] = ()) -> Callable[[str], list[str]]:
    def names_of(text: str) -> list[str]:
        names = text.split(",")
        if known and (odd := [name for name in names if name not in known]):
            raise argparse.ArgumentTypeError(f"{odd[0]!r} is none of {', '.join(known)}")
        return names

    return names_of


def _variants(base: str, transforms: Sequence[str], poolings: Sequence[str], models_dir: Path) -> list[str]:
    """The names of a network with each pooling and transform; a descriptor has but its own."""
    if resolve(base, cache_dir=models_dir).network.patch is None:
        return [base]
    return [f"{base}:{pooling}:{transform}" for pooling in poolings for transform in transforms]


def _prepared(model: Model, files: Sequence[Path]) -> Iterator[tuple[Path, NDArray[np.generic]]]:
    for file in files:
        try:
            yield file, prepare(file.read_bytes(), model.preprocess)
        except PictureRefused as error:
            print(f"{file}: {error}", file=sys.stderr)


def _mean(values: NDArray[np.floating], gains: NDArray[np.floating]) -> Measure:
    means = float(values.mean()), float(gains.mean())
    return Measure(means[0], bootstrap_interval(values), means[1], bootstrap_interval(gains), len(values))


def _cells(one: Measure) -> str:
    low, high = one.interval
    least, most = one.gain_interval
    return f"{one.mean:.3f} [{low:.3f}, {high:.3f}] | {one.gain:+.3f} [{least:+.3f}, {most:+.3f}]"


if __name__ == "__main__":
    sys.exit(main())
