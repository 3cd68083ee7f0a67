"""Embeds every picture below a folder into one file, without a gallery or a database.

X.npy      float32 [n, d], rows of length 1; beside it X.ids.json: model, identity, dim and the files, in order
X.parquet  the columns file and embedding (fixed-size lists of float32); model, identity and dim as metadata

Compare only embeddings of one identity: a cosine is the product of two rows. Files that cannot be used are named
on standard error with their reasons, and the rest goes in. The output appears under its name when it is whole.
Exit status: 0 when something was embedded, 1 when nothing was, 2 for arguments that cannot be used.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from ml.datasets.folder import read_folder
from ml.datasets.items import Item
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.models.model import Model, ModelError, UnknownModel
from ml.models.registry import load_model
from ml.pipeline import embed_files

ROWS = 4096  # a parquet row group: 12 MB of dinov2-base
NEEDS_PYARROW = "parquet needs pyarrow: pip install pyarrow (the extra `parquet` of this project)"

Append = Callable[[str, NDArray[np.float32]], None]


@dataclass(frozen=True, slots=True)
class About:
    """What makes embeddings comparable."""

    model: str
    identity: str
    dim: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A file without an embedding."""

    file: str
    reason: str


class NothingEmbedded(Exception):
    """No output is written."""


@contextmanager
def npy_output(path: Path, about: About) -> Generator[Append]:
    """Writes `path` row by row, and its ids; both take their names when the block ends without an error."""
    files: list[str] = []

    def write_header(file: IO[bytes]) -> None:
        # numpy leaves room in its header for the number of rows to grow.
        stated = {"descr": "<f4", "fortran_order": False, "shape": (len(files), about.dim)}
        np.lib.format.write_array_header_1_0(file, stated)

    with replacing(path) as file:
        write_header(file)

        def append(name: str, embedding: NDArray[np.float32]) -> None:
            file.write(embedding.astype("<f4").tobytes())
            files.append(name)

        yield append
        file.seek(0)
        write_header(file)
        with replacing(path.with_suffix(".ids.json")) as ids:
            ids.write(json.dumps({**asdict(about), "files": files}, indent=0).encode())


@contextmanager
def parquet_output(path: Path, about: About) -> Generator[Append]:
    """Writes `path` in groups of ROWS; it takes its name when the block ends without an error."""
    import pyarrow
    from pyarrow import parquet

    columns = [("file", pyarrow.string()), ("embedding", pyarrow.list_(pyarrow.float32(), about.dim))]
    schema = pyarrow.schema(columns, metadata={key: str(value) for key, value in asdict(about).items()})
    names: list[str] = []
    embeddings: list[NDArray[np.float32]] = []
    with replacing(path) as file, parquet.ParquetWriter(file, schema) as writer:

        def flush() -> None:
            values = pyarrow.array(np.concatenate(embeddings))
            arrays = [pyarrow.array(names), pyarrow.FixedSizeListArray.from_arrays(values, about.dim)]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            names.clear()
            embeddings.clear()

        def append(name: str, embedding: NDArray[np.float32]) -> None:
            # Names that are no UTF-8 cannot stand in a column of strings.
            names.append(name.encode(errors="replace").decode())
            embeddings.append(embedding)
            if len(names) == ROWS:
                flush()

        yield append
        if names:
            flush()


OUTPUTS = {".npy": npy_output, ".parquet": parquet_output}


@contextmanager
def replacing(path: Path) -> Generator[IO[bytes]]:
    """A file that takes `path`'s place, whole and on the disk, when the block ends; after an error nothing is left."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def embed_folder(
    model: Model, folder: Path, paths: Sequence[Path], output: Path, workers: int, report: Callable[[Refused], None]
) -> int:
    """Write the embeddings of files in `folder` to `output`; returns how many.

    Raises NothingEmbedded, OSError, ModelError.
    """
    about = About(model.spec.name, model.identity, model.dim)
    console = Console(stderr=True)
    count = 0
    with Decoder(workers) as decoder, OUTPUTS[output.suffix](output, about) as append:
        files = ((path.relative_to(folder).as_posix(), path) for path in paths)
        results = embed_files(Embedder(model), decoder, files)
        for name, found in track(results, "Embedding", len(paths), console=console, disable=not console.is_terminal):
            if isinstance(found, str):
                report(Refused(name, found))
            else:
                append(name, found)
                count += 1
        if not count:
            raise NothingEmbedded
    return count


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = make_parser()
    asked = parser.parse_args(arguments)
    check(parser, asked)
    # torch's threads would spin while they wait, on the very cores that the decoder's children need
    # (docs/benchmarks.md). Read when torch is loaded, which is now.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return run(asked, load_model(asked.model, cache_dir=asked.models_dir, local_only=not asked.fetch))
    except UnknownModel as error:
        parser.error(str(error))
    except (ModelError, OSError) as error:
        print(f"embed_folder: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("embed_folder: stopped; nothing was written", file=sys.stderr)
        return 130


def run(asked: argparse.Namespace, model: Model) -> int:
    """Embed and tell: 0 when something was embedded, else 1."""
    own = asked.output.resolve()
    # Their paths, and not their sources: those are for people, with what cannot be printed replaced.
    items = (one.content for one in read_folder(asked.folder).items if isinstance(one, Item))
    paths = [content for content in items if isinstance(content, Path) and content != own]
    refused: list[Refused] = []

    def report(one: Refused) -> None:
        refused.append(one)
        print(f"{one.file}: {one.reason}", file=sys.stderr)

    started = time.perf_counter()
    try:
        embedded = embed_folder(model, asked.folder.resolve(), paths, asked.output, asked.workers, report)
    except NothingEmbedded:
        embedded = 0
    per_s = round(embedded / (time.perf_counter() - started), 2)
    if asked.json:
        tally = {"embedded": embedded, "refused": [asdict(one) for one in refused]}
        print(json.dumps({**tally, "model": model.spec.name, "identity": model.identity, "pictures_per_s": per_s}))
    else:
        print(f"{embedded} embedded, {len(refused)} refused, {per_s} pictures/s, {model.dim} numbers each")
    return 0 if embedded else 1


def check(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> None:
    """End with a sentence when the arguments cannot be used."""
    if not asked.folder.is_dir():
        parser.error(f"{asked.folder} is no folder")
    if asked.output.suffix not in OUTPUTS:
        parser.error(f"--output ends in {' or '.join(OUTPUTS)}")
    if not asked.output.parent.is_dir():
        parser.error(f"{asked.output.parent} is no folder: make it first")
    if asked.output.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        parser.error(NEEDS_PYARROW)
    if asked.workers < 1:
        parser.error("--workers is 1 or more")


def make_parser() -> argparse.ArgumentParser:
    """The arguments, described."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="its subfolders are read too")
    parser.add_argument(
        "--model",
        required=True,
        metavar="NAME",
        help="dinov2-small, dinov2-base or dinov2-large, with pooling and transform as in dinov2-base:cls+mean:fit; "
        "a folder in the hub's or in peft's format; or baseline, which needs no weights",
    )
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="X.npy or X.parquet")
    parser.add_argument("--models-dir", type=Path, default=Path(".likeness/models"), help="weights (%(default)s)")
    parser.add_argument("--fetch", action="store_true", help="fetch weights that are not at hand")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="decoding processes (%(default)s)")
    parser.add_argument("--json", action="store_true", help="the last line on standard output is a JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
