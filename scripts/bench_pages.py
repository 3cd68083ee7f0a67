"""Measures the pages that people look at most: the gallery, a collection, results, more like this.

Each page is asked of a real web server, by somebody who is not signed in, with synthetic rows and vectors, and stands
beside what it cannot do without in the same run: the SQL that reads its rows and, for a search, the engine's answer.
Both are asked by turns, in this process and on the same database; each round asks for another place of the gallery.

With 20,000 pictures it ends in about a minute on two cores. docs/benchmarks.md has figures.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from app.accounts.records import NOBODY
from app.core.database import Database
from app.embedding import store as embedding_store
from app.embedding.models import Embedders
from app.images import store as image_store
from app.images.records import Filters, Mark, Order
from app.images.service import PAGE_SIZE
from app.search import store_queries
from app.search.finders import FaissFinder
from app.search.live import Live
from app.search.records import NewQuery
from app.search.service import DEFAULT_K
from app.search.service_scopes import resolve_scopes
from scripts.bench_build import finish_build, start_build
from scripts.bench_gallery import Gallery, fill, running_postgres
from scripts.bench_machine import describe
from scripts.bench_servers import Client, serving

WARM_UP = 5
FIRST_DAY = date(2024, 1, 1)
Bare = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its address and the bare work behind it, of round n."""

    name: str
    path: Callable[[int], str]
    bare: Bare


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of one page; `bytes` is the page's length."""

    page: str
    page_ms: float
    bare_ms: float
    ratio: float
    slowest_ms: float
    bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 when a page was not answered."""
    asked = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    told: dict[str, Any] = {"machine": describe(), "rows": asked.rows, "dim": asked.dim, "rounds": asked.rounds}
    with tempfile.TemporaryDirectory(prefix="likeness-bench-", dir=asked.folder) as name:
        folder = Path(name)
        with running_postgres(folder) as conninfo:
            started = time.perf_counter()
            gallery = asyncio.run(fill(folder, conninfo, asked.rows, asked.dim, exact_below=asked.exact_below))
            told["fill_s"] = time.perf_counter() - started
            told["build"] = asdict(finish_build(start_build(gallery)))
            with serving(gallery, 1) as servers:
                figures = asyncio.run(_measure(gallery, servers[0].port, asked.rounds))
    told["pages"] = [asdict(one) for one in figures]
    console.print(_table(figures))
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


async def _measure(gallery: Gallery, port: int, rounds: int) -> list[Figures]:
    figures: list[Figures] = []
    with ThreadPoolExecutor(1) as threads:
        async with Database(gallery.conninfo) as db:
            live = Live(db, gallery.settings, Embedders(gallery.settings.models_dir))
            await live.refresh()
            for page in await _list_pages(gallery, db, live, FaissFinder(live, threads)):
                figures.append(await _take(page, port, rounds))
                await asyncio.sleep(0)
    return figures


async def _take(page: Page, port: int, rounds: int) -> Figures:
    """The page and its bare work by turns. Raises RuntimeError where the page is not answered."""
    page_s: list[float] = []
    bare_s: list[float] = []
    size = 0
    with Client(port) as client:
        for place in range(WARM_UP + rounds):
            started = time.perf_counter()
            answer = client.ask("GET", page.path(place), {"Accept": "text/html"})
            page_s.append(time.perf_counter() - started)
            if answer.status != 200:
                raise RuntimeError(f"{page.path(place)} was answered by {answer.status}: {answer.body[:200]!r}")
            size = len(answer.body)
            started = time.perf_counter()
            await page.bare(place)
            bare_s.append(time.perf_counter() - started)
    page_ms, bare_ms = (1000 * statistics.median(one[WARM_UP:]) for one in (page_s, bare_s))
    return Figures(page.name, page_ms, bare_ms, page_ms / bare_ms, 1000 * max(page_s[WARM_UP:]), size)


async def _list_pages(gallery: Gallery, db: Database, live: Live, finder: FaissFinder) -> list[Page]:
    count, random = gallery.count, np.random.default_rng(5)
    drawn = [gallery.draw(random) for _ in range(1000)]
    last_day = FIRST_DAY + timedelta(minutes=count)
    middle = FIRST_DAY + timedelta(minutes=count // 2)

    def listed(filters: Filters, order: Order = "newest", mark: Callable[[int], Mark | None] = lambda _: None) -> Bare:
        async def read(place: int) -> object:
            async with db.transaction() as conn:
                return await image_store.list_page(conn, NOBODY, filters, order, mark(place), PAGE_SIZE + 1)

        return read

    async def searched(place: int) -> object:
        searcher, _ = live.current()
        async with db.transaction() as conn:
            scopes = await resolve_scopes(conn, NOBODY, Filters(), [drawn[place]])
            _, vectors = await embedding_store.list_embeddings(
                conn, gallery.model.id, gallery.model.dim, [drawn[place]]
            )
        found = await finder.nearest(searcher, vectors[0], DEFAULT_K, scopes.narrowed)
        async with db.transaction() as conn:
            return await image_store.list_placed(conn, NOBODY, found.ids.tolist(), Filters())

    queries = await _keep_queries(gallery, db, drawn[: WARM_UP + 200])
    filtered = [
        ("a collection", "collection=2", Filters(2)),
        ("a frequent label", "label=label+201", Filters(label="label 201")),
        ("a rare label", "label=label+199", Filters(label="label 199")),
        ("a collection and a label", "collection=2&label=label+3", Filters(2, "label 3")),
        ("a frequent word", "text=tower", Filters(words=("tower",))),
        ("a rare word", "text=4711", Filters(words=("4711",))),
        ("the older half", f"before={middle}", Filters(before=middle)),
        ("the newest month", f"after={last_day - timedelta(30)}", Filters(after=last_day - timedelta(30))),
        ("a shape", "shape=panorama", Filters(shape="panorama")),
        ("a size", "size=medium", Filters(size="medium")),
        ("a format", "format=HEIF", Filters(format="HEIF")),
    ]
    return [
        Page("gallery", lambda _: "/", listed(Filters())),
        Page(
            "gallery, further down", lambda n: f"/?cursor={drawn[n]}", listed(Filters(), mark=lambda n: Mark(drawn[n]))
        ),
        *(Page(f"gallery: {name}", lambda _, q=query: f"/?{q}", listed(filters)) for name, query, filters in filtered),
        Page("gallery by file name", lambda _: "/?order=name", listed(Filters(), "name")),
        Page("gallery, largest first", lambda _: "/?order=largest", listed(Filters(), "largest")),
        Page("collection", lambda _: "/collections/2", listed(Filters(2))),
        Page("more like this", lambda n: f"/images/{drawn[n]}/similar", searched),
        Page("results", lambda n: f"/queries/{queries[n]}", searched),
    ]


async def _keep_queries(gallery: Gallery, db: Database, image_ids: Sequence[int]) -> list[str]:
    """Kept questions by the vectors of these pictures, as uploads of them would have made."""
    async with db.transaction() as conn:
        ids, vectors = await embedding_store.list_embeddings(conn, gallery.model.id, gallery.model.dim, image_ids)
        by_id = dict(zip(ids.tolist(), vectors, strict=True))
        return [
            str(
                await store_queries.insert_query(
                    conn,
                    None,
                    gallery.model.id,
                    NewQuery(by_id[one].astype("<f4").tobytes(), b"\0", 640, 480, "asked.jpg"),
                )
            )
            for one in image_ids
        ]


def _table(figures: Sequence[Figures]) -> Table:
    table = Table(title="pages", title_justify="left")
    for name in ("page", "page ms", "bare ms", "ratio", "slowest ms", "kB"):
        table.add_column(name, justify="left" if name == "page" else "right")
    for one in figures:
        numbers = (one.page_ms, one.bare_ms, one.ratio, one.slowest_ms, one.bytes / 1000)
        table.add_row(one.page, *(f"{number:.1f}" for number in numbers))
    return table


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000, help="pictures, at least 1,000 (%(default)s)")
    parser.add_argument("--dim", type=int, default=64, help="of their vectors (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="of each page (%(default)s)")
    parser.add_argument("--exact-below", type=int, default=5_000, help="smaller galleries have no cells (%(default)s)")
    parser.add_argument("--folder", type=Path, help="on the disk that is to hold it: 4 GB for a million pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, and what they were taken on")
    asked = parser.parse_args(arguments)
    if asked.rows < 1_000:
        parser.error("--rows: at least 1,000")
    if not 1 <= asked.rounds <= 200:
        parser.error("--rounds: 1 to 200")
    return asked


if __name__ == "__main__":
    sys.exit(main())
