"""Measures how fast pictures come in, end to end: read, decoded, stored, embedded, searchable.

The reference is the bare sum of what has to be computed, on the same cores: every picture decoded once for its three
thumbnails, then embedded (which decodes it again, at its own size), from memory, without a database or a disk. The
two are run by turns. `ratio` is the reference's time in ours: 1 would mean that storing costs nothing.

cifar    bare pixels of 32 x 32: CIFAR-10's test batch from LIKENESS_TEST_DATA, else drawn ones
photos   JPEG files, each with its own bytes: real ones from LIKENESS_TEST_DATA, else drawn ones of 12 megapixels

`peak_mib` is the most memory of this process and all below it (Postgres, decoders), `start_mib` the most around a tenth
of the time. docs/benchmarks.md has figures.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np

from app.accounts import service as accounts
from app.accounts.records import Viewer
from app.collections import service as collections
from app.core.blobs import THUMBNAIL_WIDTHS
from app.core.database import Database
from app.core.runtime import open_blobs
from app.core.settings import Settings
from app.embedding.filling import Workshop
from app.embedding.models import Embedders, register
from app.embedding.service import embed_pending
from app.ingest import service
from app.ingest.pipeline import Intake
from app.ingest.records import NewImport
from app.search import builds
from ml.datasets.cifar import read_cifar
from ml.datasets.items import DataSet, Item, Pixels
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.models.registry import load_model
from ml.pipeline import embed_files
from scripts.bench_gallery import running_postgres
from scripts.bench_inputs import make_checkpoint, photos
from scripts.bench_machine import describe
from scripts.bench_memory import most_around, sampling

MIB = 1024**2
PARTS = ("cifar", "photos")


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of pictures. Seconds are the best of the rounds."""

    part: str
    title: str
    model: str
    pictures: int
    import_s: float
    embed_s: float
    reference_inspect_s: float
    reference_embed_s: float
    pictures_per_s: float
    ratio: float
    start_mib: int
    peak_mib: int


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of one run, and the memory while it went on."""

    inspect_s: float
    embed_s: float
    start_bytes: int = 0
    peak_bytes: int = 0

    @property
    def total_s(self) -> float:
        return self.inspect_s + self.embed_s


def main(arguments: Sequence[str] | None = None) -> None:
    asked = _parser().parse_args(arguments)
    machine = describe()
    with tempfile.TemporaryDirectory(prefix="likeness-bench-") as name:
        folder = Path(name)
        model = "baseline" if asked.model == "baseline" else str(make_checkpoint(folder, asked.model))
        rows = [_measure(part, folder, model, asked) for part in asked.parts or PARTS]
    for row in rows:
        print(
            f"{row.title}, {row.model}: {row.pictures} pictures, {row.pictures_per_s:.1f}/s, ratio {row.ratio:.2f}"
            f" (import {row.import_s:.1f} s + embedding {row.embed_s:.1f} s; bare {row.reference_inspect_s:.1f} +"
            f" {row.reference_embed_s:.1f} s), memory {row.start_mib} MiB at a tenth, {row.peak_mib} at most"
        )
    if asked.json:
        asked.json.write_text(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=1))


def _measure(part: str, folder: Path, model: str, asked: argparse.Namespace) -> Row:
    title, items = _items(part, folder, asked)
    ours: list[Round] = []
    bare: list[Round] = []
    for number in range(asked.rounds):
        bare.append(_reference(items, model, folder))
        place = folder / f"{part}{number}"
        place.mkdir()
        ours.append(asyncio.run(_end_to_end(items, title, model, place)))
    best, least = min(ours, key=lambda one: one.total_s), min(bare, key=lambda one: one.total_s)
    return Row(
        part=part,
        title=title,
        model=asked.model,
        pictures=len(items),
        import_s=best.inspect_s,
        embed_s=best.embed_s,
        reference_inspect_s=least.inspect_s,
        reference_embed_s=least.embed_s,
        pictures_per_s=len(items) / best.total_s,
        ratio=least.total_s / best.total_s,
        start_mib=best.start_bytes // MIB,
        peak_mib=best.peak_bytes // MIB,
    )


def _items(part: str, folder: Path, asked: argparse.Namespace) -> tuple[str, list[Item]]:
    if part == "photos":
        found = photos(folder, asked.photos)
        # The same photo again is another picture by what stands behind its end.
        contents = [file.read_bytes() + number.to_bytes(4) for number, file in enumerate(found.files)]
        return found.title, [Item(f"{n}.jpg", f"{n}.jpg", content) for n, content in enumerate(contents)]
    data = os.environ.get("LIKENESS_TEST_DATA")
    if data:
        read = read_cifar(Path(data) / "cifar10" / "cifar-10-batches-py", "cifar10", "test").items
        return "CIFAR-10", [one for one in islice(read, asked.cifar) if isinstance(one, Item)]
    random = np.random.default_rng(1)
    drawn = random.integers(0, 256, (asked.cifar, 32, 32, 3), np.uint8)
    return "noise of 32 x 32", [Item(f"{n}.png", f"{n}", pixels) for n, pixels in enumerate(drawn)]


def _reference(items: Sequence[Item], model: str, folder: Path) -> Round:
    embedder = Embedder(load_model(model, cache_dir=folder))
    contents = [cast("bytes | Pixels", item.content) for item in items]
    with Decoder(os.cpu_count() or 1) as decoder:
        decoder.submit_inspect(contents[0], THUMBNAIL_WIDTHS).result()  # starts a child
        started = time.perf_counter()
        ahead = decoder.submit_inspect_many(contents, THUMBNAIL_WIDTHS)
        encoded = [one.result().original or content for one, content in zip(ahead, contents, strict=True)]
        inspected = time.perf_counter()
        files = enumerate(cast("list[bytes]", encoded))
        for _ in embed_files(embedder, decoder, files):
            pass
        return Round(inspected - started, time.perf_counter() - inspected)


async def _end_to_end(items: Sequence[Item], title: str, model: str, folder: Path) -> Round:
    settings = Settings(data_dir=folder, model=model)
    with running_postgres(folder) as conninfo, Decoder(settings.decoders) as decoder:
        async with Database(conninfo) as db:
            intake = Intake.of(settings, db, await open_blobs(db, settings), decoder)
            shop = Workshop(db, intake.blobs, decoder, Embedders(settings.models_dir))
            embedder = await shop.embedders.get(model)
            await builds.ensure_active(db, await register(db, model, embedder))
            import_id = await _begin(db, title, len(items))
            with sampling() as samples:
                started = time.perf_counter()
                await service.run(intake, import_id, DataSet(title, iter(items), len(items)))
                imported = time.perf_counter()
                await embed_pending(shop, model)
                ended = time.perf_counter()
    return Round(imported - started, ended - imported, most_around(samples, 0.1), max(samples))


async def _begin(db: Database, title: str, total: int) -> int:
    account = await accounts.add_account(db, "bench", None)
    into = await collections.create(db, Viewer(account.id, account.name, is_admin=False), "Bench")
    async with db.transaction() as conn:
        return await service.begin(
            conn, NewImport(account.id, into.id, into.name, "folder", title, {"path": ""}, total=total)
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help="of cifar, photos; both without")
    parser.add_argument("--model", choices=["baseline", "tiny", "small", "base"], default="baseline")
    parser.add_argument(
        "--cifar", type=int, default=2000, help="how many small pictures (CIFAR's test batch has 10,000)"
    )
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the rows here")
    return parser


if __name__ == "__main__":
    main()
