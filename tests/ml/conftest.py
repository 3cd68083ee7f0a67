"""Small networks, made once and only ever read; no network connection but to a hub on this machine."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from ml.models import formats
from ml.models.choice import Machine
from tests.ml.checkpoints import KINDS, make_adapter, make_network
from tests.ml.hub import LocalHub

UseFormat = Callable[[str], None]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from more, and lose much where others compute too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network and an empty cache, whatever the machine holds."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A network of each make: as DINOv2 small to large, with registers, with SwiGLU as giant."""
    folder = tmp_path_factory.mktemp("networks")
    return {kind: make_network(folder / kind, kind) for kind in KINDS}


@pytest.fixture(scope="session")
def checkpoint(networks: dict[str, Path]) -> Path:
    """64 dimensions, pictures of 56 pixels."""
    return networks["plain"]


@pytest.fixture(scope="session")
def adapter(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LoRA weights for `checkpoint`."""
    return make_adapter(tmp_path_factory.mktemp("adapters") / "tuned", checkpoint)


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint, to be changed."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture
def adapter_copy(adapter: Path, tmp_path: Path) -> Path:
    """The adapter, to be changed."""
    return Path(shutil.copytree(adapter, tmp_path / "tuned"))


@pytest.fixture
def use_format(monkeypatch: pytest.MonkeyPatch) -> UseFormat:
    """Makes this a machine that computes on the CPU, in `float32`, or in `bfloat16` where it keeps embeddings."""

    def use(name: str) -> None:
        if name == "bfloat16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
            pytest.skip("this processor does not compute in bfloat16")
        machine = Machine("cpu", 16_000_000_000, has_bfloat16=name == "bfloat16")
        monkeypatch.setattr(formats, "this_machine", lambda: machine)

    return use


@pytest.fixture
def hub(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub that serves the small checkpoint as dinov2-small."""
    with LocalHub(checkpoint) as hub:
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            hub.address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        # What has arrived is written in pieces of this size: a break costs no more than one.
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 16 * 1024)
        yield hub
