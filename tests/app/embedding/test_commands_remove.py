"""`likeness models remove`: what goes, what stays, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import psycopg
import pytest
from safetensors.numpy import save_file

from app.embedding.store import EMBEDDING_LOCK
from ml.models import weights
from tests.app.embedding.test_commands import counts, found_first, listed, refused
from tests.conftest import Likeness


def test_files_are_removed_and_vectors_stay(filled: Likeness, mine: Path, conninfo: str) -> None:
    assert filled("models", "use", "mine").exit_code == 0
    assert filled("models", "use", "baseline").exit_code == 0
    size = sum(file.stat().st_size for file in mine.iterdir())
    result = filled("models", "remove", "mine", "--yes", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "name": "mine", "folder": str(mine), "freed_bytes": size, "vectors": 0, "files_stay": None,
    }  # fmt: skip
    assert not mine.exists()
    assert counts(conninfo, "embedding") == {"baseline": 4, "mine": 4}
    assert "no model named 'mine'" in listed(filled)["mine"]["problem"], "its vectors can still be erased"
    gone = filled("models", "remove", "mine", "--yes", "--embeddings")
    assert gone.stdout == "Removed 4 vectors of mine, with their indexes.\n", gone.output
    assert "mine" not in listed(filled)


def test_erasing_a_models_vectors_leaves_the_others(
    filled: Likeness, mine: Path, conninfo: str, tmp_path: Path
) -> None:
    assert filled("index", "build").exit_code == 0
    assert filled("models", "use", "mine").exit_code == 0
    with psycopg.connect(conninfo) as conn:
        conn.execute(
            """
            INSERT INTO query (model_id, vector, thumbnail, width, height, filename, expires_at)
            SELECT id, '', '', 1, 1, 'asked.png', now() + interval '1 day' FROM model
            """
        )
        conn.execute(
            """
            INSERT INTO embedding_attempt SELECT model.id, image.id, 3, 'why'
            FROM model, image WHERE name = 'baseline'
            """
        )
    before = {table: counts(conninfo, table) for table in ("embedding", "index_version", "query")}
    assert all(set(one) == {"baseline", "mine"} for one in before.values()), before
    result = filled("models", "remove", "baseline", "--embeddings", "--yes")
    assert result.stdout == "Removed 4 vectors of baseline, with their indexes.\n", result.output
    assert result.stderr == "likeness: it has no files here\n"
    for table, rows in before.items():
        assert counts(conninfo, table) == {"mine": rows["mine"]}
    assert counts(conninfo, "embedding_attempt") == {}
    assert found_first(filled, tmp_path) == ("mine", "2.png")
    assert filled("models", "use", "baseline").exit_code == 0, "it can be filled anew"
    assert counts(conninfo, "embedding") == {"baseline": 4, "mine": 4}


def test_what_the_gallery_needs_is_not_removed(filled: Likeness, mine: Path) -> None:
    assert filled("models", "use", "mine:tiles", "--no-wait").exit_code == 0
    for name in ("baseline", "mine:tiles", "mine:cls:tiles"):
        for flags in ((), ("--embeddings",)):
            refused(filled("models", "remove", name, "--yes", *flags), "this gallery needs", "models use NAME")
    refused(filled("models", "remove", "mine", "--yes"), "its files are also those of mine:tiles")
    assert mine.is_dir()


def test_the_network_of_an_adapter_that_is_needed_is_not_removed(
    filled: Likeness, mine: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = models_dir / "tuned"
    adapter.mkdir()
    (adapter / weights.ADAPTER_CONFIG).write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "mine"}))
    save_file({"lora": np.zeros(1)}, adapter / weights.ADAPTER_WEIGHTS)
    monkeypatch.setenv("LIKENESS_MODEL", "tuned:tiles")
    refused(filled("models", "remove", "mine", "--yes"), "its files are also those of tuned:tiles")
    refused(filled("models", "remove", "tuned", "--yes"), "its files are also those of tuned:tiles")


def test_files_that_are_not_the_gallerys_stay(
    filled: Likeness, tiny: Path, small: Path, models_dir: Path, tmp_path: Path
) -> None:
    refused(filled("models", "remove", tiny, "--yes"), f"its files lie in {tiny}", "delete them there")
    (models_dir / "linked").symlink_to(tiny)
    refused(filled("models", "remove", "linked", "--yes"), f"its files lie in {tiny}")
    repository = tmp_path / "hub" / "models--facebook--dinov2-small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    shutil.copytree(small, repository / "snapshots" / "abc")
    refused(filled("models", "remove", "dinov2-small", "--yes"), f"its files lie in {repository}/snapshots/abc")
    refused(filled("models", "remove", "dinov2-base", "--yes"), "it has no files here")
    refused(filled("models", "remove", "resnet50", "--yes"), "no model named 'resnet50'")
    assert (tiny / weights.WEIGHTS).is_file()
    assert (repository / "snapshots" / "abc" / weights.WEIGHTS).is_file()


def test_nothing_is_erased_while_somebody_embeds(filled: Likeness, mine: Path, conninfo: str) -> None:
    assert filled("models", "use", "mine").exit_code == 0
    with psycopg.connect(conninfo) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (EMBEDDING_LOCK,))
        refused(filled("models", "remove", "baseline", "--embeddings", "--yes"), "are being embedded right now")
    assert counts(conninfo, "embedding") == {"baseline": 4, "mine": 4}


def test_removing_asks(filled: Likeness, mine: Path) -> None:
    result = filled("models", "remove", "mine")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "use --yes" in result.stderr
    assert mine.is_dir()
