"""Drills of search on running processes: index builds and swaps, trash and restore, while clients search."""

import asyncio
from pathlib import Path

import pytest

from scripts.bench_build import finish_build, start_build
from scripts.bench_gallery import fill
from scripts.bench_load import Drill, Load
from scripts.bench_servers import serving


def drill(folder: Path, conninfo: str, count: int, *, dim: int, servers: int, clients: int, seconds: float) -> Load:
    """A gallery that is searched by cells, built and served by processes of their own, under load."""
    gallery = asyncio.run(fill(folder, conninfo, count, dim, exact_below=count // 2))
    build = finish_build(start_build(gallery))
    assert (build.count, build.nlist > 1) == (count, True)
    assert set(build.phases_s) == {"opening", "sampling", "training", "adding", "measuring", "publishing"}
    assert sum(build.phases_s.values()) == pytest.approx(build.total_s, rel=0.05)
    with serving(gallery, servers) as running:
        load = Drill(gallery, running, clients).run(seconds)
    assert (load.failures, load.stale, load.missing, load.leaked) == (0, 0, 0, 0), load.reasons
    assert load.searches > 100
    assert load.gone_checks > 10
    assert load.back_checks > 10
    return load


def test_no_search_fails_or_is_stale_while_an_index_is_swapped(conninfo: str, tmp_path: Path) -> None:
    assert drill(tmp_path, conninfo, 2_000, dim=64, servers=1, clients=4, seconds=4).builds >= 1


@pytest.mark.heavy
def test_no_search_fails_or_is_stale_for_a_minute(conninfo: str, tmp_path: Path) -> None:
    assert drill(tmp_path, conninfo, 10_000, dim=384, servers=2, clients=8, seconds=60).builds >= 1
