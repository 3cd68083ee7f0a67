"""Models by name: where weights are found, how they are fetched, what is chosen, what is said when not."""

import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ml.models import registry
from ml.models.model import ModelUnavailable, UnknownModel, WrongCheckpoint
from ml.models.registry import REGISTRY


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network and an empty cache, whatever the machine holds."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def hub(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A hub on this machine that serves the small checkpoint as dinov2-small."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.wfile.write(self.answer())

        def answer(self) -> bytes:
            """Send the header; the file's content, or nothing."""
            file = checkpoint / self.path.rpartition("/")[2]
            found = self.path.startswith("/facebook/dinov2-small/resolve/main/") and file.is_file()
            content = file.read_bytes() if found else b""
            self.send_response(200 if found or self.path == "/" else 404)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            return content

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    yield address
    server.shutdown()
    server.server_close()


def test_names_are_those_of_the_cards() -> None:
    assert {name: (spec.name, spec.dim) for name, spec in REGISTRY.items()} == {
        "baseline": ("baseline", 1464),
        "dinov2-small": ("dinov2-small", 384),
        "dinov2-base": ("dinov2-base", 768),
        "dinov2-large": ("dinov2-large", 1024),
    }


def test_the_baseline_is_always_at_hand(tmp_path: Path) -> None:
    assert registry.load_model("baseline", cache_dir=tmp_path).spec is REGISTRY["baseline"]


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="baseline, dinov2-small, dinov2-base, dinov2-large"):
        registry.load_model("resnet50", cache_dir=tmp_path)


def test_a_model_without_weights_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=rf"put config\.json.* into {tmp_path}/dinov2-small"):
        registry.load_model("dinov2-small", cache_dir=tmp_path)


def test_weights_in_the_cache_folder_are_found(checkpoint: Path, tmp_path: Path) -> None:
    assert registry.find_weights("dinov2-small", tmp_path) is None
    shutil.copytree(checkpoint, tmp_path / "dinov2-small")
    assert registry.find_weights("dinov2-small", tmp_path) == tmp_path / "dinov2-small"


def test_weights_in_the_hubs_own_cache_are_found(checkpoint: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--facebook--dinov2-small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    shutil.copytree(checkpoint, repository / "snapshots" / "abc")
    assert registry.find_weights("dinov2-small", tmp_path) == repository / "snapshots" / "abc"


def test_weights_of_another_size_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "dinov2-small")
    with pytest.raises(WrongCheckpoint, match="embeddings of 64 numbers; dinov2-small has 384"):
        registry.load_model("dinov2-small", cache_dir=tmp_path)


def test_a_local_folder_is_a_model(checkpoint: Path, tmp_path: Path) -> None:
    assert registry.resolve(str(checkpoint), cache_dir=tmp_path).folder == checkpoint
    assert registry.find_weights(str(checkpoint), tmp_path) == checkpoint


@pytest.mark.usefixtures("hub")
def test_weights_are_fetched_with_progress(checkpoint: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    folder = registry.fetch_weights("dinov2-small", tmp_path, lambda done, total: steps.append((done, total)))
    assert registry.find_weights("dinov2-small", tmp_path) == folder
    for file in registry.FILES:
        assert (folder / file).read_bytes() == (checkpoint / file).read_bytes()
    assert steps[-1][0] == sum((checkpoint / file).stat().st_size for file in registry.FILES)
    assert steps == sorted(steps)


@pytest.mark.usefixtures("hub")
def test_what_the_hub_does_not_hold_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=rf"try again, or put config\.json.* into {tmp_path}/dinov2-base"):
        registry.fetch_weights("dinov2-base", tmp_path, lambda _done, _total: None)


def test_offline_fetching_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE is set: unset it, or put"):
        registry.fetch_weights("dinov2-small", tmp_path, lambda _done, _total: None)


def test_the_automatic_choice(checkpoint: Path, tmp_path: Path) -> None:
    assert registry.choose_automatically(tmp_path).name == "baseline"
    shutil.copytree(checkpoint, tmp_path / "dinov2-small")
    choice = registry.choose_automatically(tmp_path)
    assert (choice.name, choice.reason) == ("dinov2-small", "its weights are on this machine")


@pytest.mark.usefixtures("hub")
def test_a_hub_that_answers_is_chosen(tmp_path: Path) -> None:
    assert registry.hub_answers()
    assert registry.choose_automatically(tmp_path).name == "dinov2-small"


def test_a_hub_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    assert not registry.hub_answers()


def test_importing_the_registry_is_light() -> None:
    program = "import sys, ml.models.registry; print({'torch', 'transformers', 'skimage'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
