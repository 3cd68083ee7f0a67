"""The drill knows right answers from wrong ones, and the benchmark counts the memory that processes share."""

import json
import mmap
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.settings import Settings
from app.embedding.records import ModelRow
from scripts.bench_gallery import COPY_COSINE, PAIRS, Gallery, with_copies
from scripts.bench_ledger import GRACE_S, Ledger, Search, Seen, judge
from scripts.bench_search_service import POINTS, main
from scripts.bench_servers import Client, Server

COPY, OTHER, PRIVATE = 2, 15, 19


@pytest.fixture
def gallery() -> Gallery:
    model = ModelRow(1, "baseline", "", 8, datetime.now(UTC))
    return Gallery(Settings(Path("unused")), "", 2_000, model, "")


def moved(*, is_trashed: bool, ago_s: float) -> Ledger:
    """A ledger in which COPY was moved so long ago."""
    ledger = Ledger()
    move = ledger.begin(COPY, is_trashed=is_trashed)
    move.began = move.done = time.perf_counter() - ago_s
    return ledger


def judged(gallery: Gallery, ledger: Ledger, *found: int) -> Seen:
    """What is said of a search for COPY that has just ended."""
    seen, now = Seen(), time.perf_counter()
    judge(Search(now - 0.01, now, list(found), COPY), ledger, gallery, seen)
    return seen


def test_a_picture_long_in_the_trash_must_not_be_found(gallery: Gallery) -> None:
    ledger = moved(is_trashed=True, ago_s=GRACE_S + 0.1)
    right, wrong = judged(gallery, ledger, OTHER), judged(gallery, ledger, OTHER, COPY)
    assert (right.gone_checks, right.stale, right.missing, right.reasons) == (1, 0, 0, [])
    assert (wrong.gone_checks, wrong.stale, wrong.reasons) == (1, 1, [f"{COPY} is in the trash, and was found"])


@pytest.mark.parametrize("ledger", [Ledger(), moved(is_trashed=False, ago_s=GRACE_S + 0.1)], ids=["never", "restored"])
def test_a_picture_long_out_of_the_trash_must_be_found(gallery: Gallery, ledger: Ledger) -> None:
    right, wrong = judged(gallery, ledger, COPY), judged(gallery, ledger, OTHER)
    assert (right.back_checks, right.missing, right.reasons) == (COPY in ledger, 0, [])
    assert (wrong.back_checks, wrong.missing) == (COPY in ledger, 1)


@pytest.mark.parametrize("is_trashed", [True, False])
def test_just_moved_both_answers_are_right(gallery: Gallery, *, is_trashed: bool) -> None:
    ledger = moved(is_trashed=is_trashed, ago_s=GRACE_S / 2)
    for found in ((COPY,), ()):
        seen = judged(gallery, ledger, *found)
        assert (seen.gone_checks, seen.back_checks, seen.stale, seen.missing) == (0, 0, 0, 0)


def test_a_move_that_is_not_done_leaves_it_open(gallery: Gallery) -> None:
    ledger = moved(is_trashed=True, ago_s=GRACE_S + 0.1)
    ledger.begin(COPY, is_trashed=False)
    assert judged(gallery, ledger, COPY).stale == 0
    assert judged(gallery, ledger).missing == 0


def test_a_move_that_began_after_the_search_does_not_count(gallery: Gallery) -> None:
    ledger = moved(is_trashed=True, ago_s=GRACE_S + 0.1)
    now = time.perf_counter()
    ledger.begin(COPY, is_trashed=False)
    assert ledger.stands(COPY, now - 0.01, now) is False


def test_a_private_picture_is_told(gallery: Gallery) -> None:
    assert judged(gallery, Ledger(), COPY, PRIVATE).leaked == 1


def test_pairs_are_public_near_copies(gallery: Gallery) -> None:
    vectors = np.random.default_rng(3).normal(size=(gallery.count, 384)).astype(np.float32)
    vectors = with_copies(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    assert len(gallery.pairs) == PAIRS
    for original, copy in gallery.pairs:
        assert not gallery.is_private(original)
        assert not gallery.is_private(copy)
        assert vectors[original - 1] @ vectors[copy - 1] == pytest.approx(COPY_COSINE, abs=0.003)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_what_is_drawn_is_public_and_stays(gallery: Gallery) -> None:
    random, copies = np.random.default_rng(1), {copy for _, copy in gallery.pairs}
    drawn = {gallery.draw(random) for _ in range(2_000)}
    assert not drawn & copies
    assert not any(map(gallery.is_private, drawn))


def test_memory_that_two_processes_map_is_shared(tmp_path: Path) -> None:
    file = tmp_path / "index"
    file.write_bytes(b"x" * 10_000_000)
    read = f"f = open({str(file)!r}, 'rb'); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); m[:]"
    hold = f"import mmap, sys; {read}; print(flush=True); sys.stdin.read()"
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:] == file.read_bytes()
        me = Server(os.getpid(), 0)
        alone = me.memory(tmp_path)
        with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdin is not None
            other.stdout.readline()
            shared = me.memory(tmp_path)
            other.stdin.close()
    assert alone.rss_bytes == shared.rss_bytes == pytest.approx(10_000_000, abs=5_000)
    assert (alone.shared_part, shared.shared_part) == (0, 1)
    assert shared.pss_bytes == pytest.approx(alone.pss_bytes / 2, abs=5_000)


def test_a_server_that_is_not_there_is_a_failure_and_no_crash() -> None:
    with Client(1) as client:
        assert client.similar(1, 10).status == 0


@pytest.mark.heavy
def test_a_small_run_of_all_parts(tmp_path: Path) -> None:
    small = ["--n", "2000", "--exact-below", "1000", "--dim", "64", "--seconds", "0.2", "--load", "5"]
    assert main([*small, "--json", str(tmp_path / "figures.json")]) == 0
    figures: dict[str, Any] = json.loads((tmp_path / "figures.json").read_text())
    assert figures["build"][0]["count"] == 2_000
    assert [one["shared_part"] for one in figures["memory"]] == pytest.approx([1, 1], abs=0.05)
    assert [(one["servers"], one["clients"]) for one in figures["requests"]] == list(POINTS)
    assert all(0 < one["engine_part"] < 1 for one in figures["requests"])
    assert figures["load"][0]["builds"] >= 1


def test_too_few_pictures_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--n", "999"])
    assert ended.value.code == 2
    assert "at least 1,000" in capsys.readouterr().err
