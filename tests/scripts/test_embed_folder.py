"""A folder to one file of embeddings: both formats, refusals, exit statuses, and nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.embedder import Embedder
from ml.models.registry import load_model
from scripts import embed_folder
from scripts.embed_folder import main, replacing
from tests.ml.checkpoints import make_network

SCRIPT = Path(embed_folder.__file__)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, one in a sub-folder with an awkward name, and two files that are none."""
    folder = tmp_path / "pictures"
    (folder / "näme\n2").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("a.png", "b.jpg", "näme\n2/c.png"):
        Image.fromarray(random.integers(0, 256, (40, 30, 3), np.uint8)).save(folder / name)
    (folder / "cut.jpg").write_bytes((folder / "b.jpg").read_bytes()[:300])
    (folder / "notes.doc").write_text("no picture")
    return folder


def run(folder: Path, output: Path, *more: str, model: str = "baseline") -> int:
    arguments = [str(folder), "--model", model, "--output", str(output), "--workers", "1", *more]
    return main(arguments)


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def expected(folder: Path, model: str = "baseline") -> np.ndarray:
    embedder = Embedder(load_model(model, cache_dir=folder))
    return np.stack([embedder.embed_bytes((folder / name).read_bytes()) for name in FILES])


FILES = ["a.png", "b.jpg", "näme\n2/c.png"]


def test_npy_with_its_ids(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, tmp_path / "x.npy", "--json") == 0
    embeddings = np.load(tmp_path / "x.npy")
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected(folder), atol=1e-6)
    told = last_line(capsys)
    assert told["embedded"] == 3
    assert told["pictures_per_s"] > 0
    assert [one["file"] for one in told["refused"]] == ["cut.jpg", "notes.doc"]
    assert told["refused"][0]["reason"] == "the file is cut short"
    ids = json.loads((tmp_path / "x.ids.json").read_text())
    assert ids == {"model": "baseline", "identity": told["identity"], "dim": 2480, "files": FILES}


def test_parquet(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    monkeypatch.setattr(embed_folder, "ROWS", 2)  # a full group, and what is left
    assert run(folder, tmp_path / "x.parquet") == 0
    table: Any = parquet.read_table(tmp_path / "x.parquet")
    assert table.schema.names == ["file", "embedding"]
    assert table.schema.field("embedding").type == pyarrow.list_(pyarrow.float32(), 2480)
    assert table.schema.metadata[b"model"] == b"baseline"
    assert table.schema.metadata[b"dim"] == b"2480"
    assert len(table.schema.metadata[b"identity"]) == 64
    assert table["file"].to_pylist() == FILES
    np.testing.assert_allclose(np.stack(table["embedding"].to_numpy()), expected(folder), atol=1e-6)


def test_a_network_with_pooling_and_transform(folder: Path, tmp_path: Path) -> None:
    network = f"{make_network(tmp_path / 'tiny')}:cls+mean:fit"
    assert run(folder, tmp_path / "x.npy", model=network) == 0
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected(folder, network), atol=2e-2)
    told = json.loads((tmp_path / "x.ids.json").read_text())
    assert (told["model"], told["dim"]) == (load_model(network, cache_dir=tmp_path).spec.name, 128)


def test_refusals_are_told_on_standard_error(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, tmp_path / "x.npy")
    told = capsys.readouterr()
    assert "cut.jpg: the file is cut short\n" in told.err
    assert "3 embedded, 2 refused" in told.out


def test_an_output_in_the_folder_is_no_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [run(folder, folder / "x.npy", "--json") for _ in range(2)] == [0, 0]
    assert len(last_line(capsys)["refused"]) == 2


def test_nothing_embedded_is_failure_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_text("no picture")
    assert run(tmp_path / "bad", tmp_path / "x.npy", "--json") == 1
    assert last_line(capsys)["embedded"] == 0
    assert [file.name for file in tmp_path.iterdir()] == ["bad"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"folder": "missing"}, "is no folder"),
        ({"output": "x.csv"}, "--output ends in .npy or .parquet"),
        ({"output": "missing/x.npy"}, "make it first"),
        ({"model": "baselin"}, "no model named 'baselin'"),
        ({"workers": "0"}, "--workers is 1 or more"),
    ],
)
def test_arguments_that_cannot_be_used(
    folder: Path, tmp_path: Path, changed: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"folder": folder.name, "model": "baseline", "output": "x.npy", "workers": "1"} | changed
    arguments = ["--model", asked["model"], "--workers", asked["workers"], "--output", str(tmp_path / asked["output"])]
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / asked["folder"]), *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_without_pyarrow_it_says_what_to_install(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embed_folder.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        run(folder, tmp_path / "x.parquet")
    assert ended.value.code == 2
    assert "pip install pyarrow" in capsys.readouterr().err


def test_weights_that_are_not_here(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, tmp_path / "x.npy", "--models-dir", str(tmp_path), model="dinov2-giant") == 1
    assert "the weights of dinov2-giant are not on this machine" in capsys.readouterr().err


def test_what_was_there_stays_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_text("before")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"half of")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["x.npy"]


def test_as_a_program(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, SCRIPT, folder, "--model", "baseline", "--output", tmp_path / "x.npy", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["embedded"] == 3
