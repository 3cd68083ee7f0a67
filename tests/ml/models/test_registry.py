"""Models by name: their cards, what a name means, and what is said when nothing can be loaded."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ml.models.model import ModelUnavailable, UnknownModel, WrongCheckpoint
from ml.models.registry import REGISTRY, load_model, resolve
from tests.ml.checkpoints import edit_json, make_network
from tests.ml.hub import LocalHub

HUB_ID = "facebook/dinov2-small"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network as wide as dinov2-small, of one layer."""
    return make_network(tmp_path_factory.mktemp("small") / "small", width=384, num_hidden_layers=1)


@pytest.mark.parametrize(("family", "registers"), [("dinov2", 0), ("dinov2-with-registers", 4)])
@pytest.mark.parametrize(("size", "dim"), [("small", 384), ("base", 768), ("large", 1024), ("giant", 1536)])
def test_the_hubs_models_are_known(family: str, registers: int, size: str, dim: int) -> None:
    name = f"{family}-{size}"
    spec = REGISTRY[name]
    assert (spec.name, spec.hub_id, spec.dim, spec.registers) == (name, f"facebook/{name}", dim, registers)
    assert (spec.patch, spec.input_size, spec.pooling, spec.transform) == (14, 224, "cls", "fit")


def test_the_baseline_is_always_at_hand(tmp_path: Path) -> None:
    assert load_model("baseline", cache_dir=tmp_path).spec is REGISTRY["baseline"]
    assert resolve("baseline", cache_dir=tmp_path).at_hand
    assert set(REGISTRY) >= {"baseline", "dinov2-base"}
    assert len(REGISTRY) == 9


@pytest.mark.parametrize("name", ["resnet50", "", "dinov2-small:max", "/nowhere/at/all", "~/no-such-model"])
def test_an_unknown_name_lists_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownModel, match="known are baseline, dinov2-small, dinov2-base, dinov2-large"):
        load_model(name, cache_dir=tmp_path)


def test_the_baseline_takes_no_pooling_or_transform(tmp_path: Path) -> None:
    for name in ("baseline:mean", "baseline:fit"):
        with pytest.raises(UnknownModel, match="baseline has its own pooling and transform"):
            resolve(name, cache_dir=tmp_path)


def test_a_model_without_weights_names_the_remedy(tmp_path: Path) -> None:
    assert not resolve("dinov2-small:mean", cache_dir=tmp_path).at_hand
    said = rf"fetch them \(likeness models fetch dinov2-small\), or put config\.json.* into {tmp_path}/dinov2-small"
    with pytest.raises(ModelUnavailable, match=said):
        load_model("dinov2-small:mean", cache_dir=tmp_path)


def test_pooling_and_transform_are_on_the_card(tmp_path: Path) -> None:
    spec = resolve("dinov2-base:tiles:cls+mean", cache_dir=tmp_path).spec
    assert (spec.name, spec.pooling, spec.transform, spec.dim) == (
        "dinov2-base:cls+mean:tiles", "cls+mean", "tiles", 1536,
    )  # fmt: skip
    assert spec.title == "DINOv2 ViT-B/14, cls+mean, tiles"


def test_weights_of_another_size_are_refused(checkpoint: Path, networks: dict[str, Path], tmp_path: Path) -> None:
    for folder, numbers in (
        (checkpoint, "64 numbers, 0 registers"),
        (networks["registers"], "64 numbers, 3 registers"),
    ):
        shutil.copytree(folder, tmp_path / "dinov2-small")
        with pytest.raises(WrongCheckpoint, match=f"holds tokens of {numbers} .*; dinov2-small has 384, 0 and 14"):
            load_model("dinov2-small", cache_dir=tmp_path)
        shutil.rmtree(tmp_path / "dinov2-small")


def test_a_folder_is_a_model(checkpoint: Path, tmp_path: Path) -> None:
    for name in (str(checkpoint), checkpoint.name):
        resolved = resolve(f"{name}:tiles", cache_dir=checkpoint.parent)
        assert (resolved.folder, resolved.adapter, resolved.spec.name) == (checkpoint, None, "plain:tiles")
    with pytest.raises(UnknownModel):
        resolve(checkpoint.name, cache_dir=tmp_path)


def test_weights_are_fetched_when_that_is_asked_for(hub: LocalHub, small: Path, tmp_path: Path) -> None:
    hub.folder = small
    with pytest.raises(ModelUnavailable):
        load_model("dinov2-small", cache_dir=tmp_path)
    assert not hub.sent
    model = load_model("dinov2-small", cache_dir=tmp_path, local_only=False)
    assert (model.spec.name, model.dim) == ("dinov2-small", 384)
    assert load_model("dinov2-small", cache_dir=tmp_path).identity == model.identity


# Adapters.


def test_an_adapter_is_a_model_of_its_own(checkpoint: Path, adapter: Path) -> None:
    for name in (str(adapter), adapter.name):
        resolved = resolve(f"{name}:cls+mean:tiles", cache_dir=adapter.parent)
        assert (resolved.folder, resolved.adapter) == (checkpoint, adapter)
        assert (resolved.spec.name, resolved.spec.adapter) == ("tuned:cls+mean:tiles", "tuned")
        assert resolved.spec.title == "DINOv2 in plain with the adapter tuned, cls+mean, tiles"
        assert resolved.network.name == "plain"
        sizes = [checkpoint / "model.safetensors", adapter / "adapter_model.safetensors"]
        assert resolved.spec.size_bytes == sum(file.stat().st_size for file in sizes)
        assert load_model(f"{name}:cls+mean:tiles", cache_dir=adapter.parent).dim == 128


@pytest.mark.parametrize("stated", ["../plain", "./../plain", "plain"])
def test_the_network_may_lie_beside_the_adapter(
    checkpoint: Path, adapter_copy: Path, tmp_path: Path, stated: str
) -> None:
    shutil.copytree(checkpoint, tmp_path / "plain")
    edit_json(adapter_copy / "adapter_config.json", base_model_name_or_path=stated)
    assert resolve("tuned", cache_dir=tmp_path).folder == tmp_path / "plain"


@pytest.mark.parametrize("stated", [HUB_ID, "dinov2-small"])
def test_the_network_may_be_the_hubs(small: Path, adapter_copy: Path, tmp_path: Path, stated: str) -> None:
    edit_json(adapter_copy / "adapter_config.json", base_model_name_or_path=stated)
    resolved = resolve("tuned", cache_dir=tmp_path)
    assert (resolved.network.name, resolved.at_hand) == ("dinov2-small", False)
    with pytest.raises(ModelUnavailable, match="the weights of dinov2-small are not on this machine"):
        load_model("tuned", cache_dir=tmp_path)
    shutil.copytree(small, tmp_path / "dinov2-small")
    assert resolve("tuned", cache_dir=tmp_path).folder == tmp_path / "dinov2-small"


@pytest.mark.parametrize("stated", ["/gone/network", "mine/unknown", "tuned", ".", "../tuned"])
def test_an_adapter_whose_network_is_missing_names_it(adapter_copy: Path, tmp_path: Path, stated: str) -> None:
    edit_json(adapter_copy / "adapter_config.json", base_model_name_or_path=stated)
    with pytest.raises(UnknownModel, match=rf"the adapter in \S+/tuned is for '{stated}', which is not known"):
        resolve(str(adapter_copy), cache_dir=tmp_path)


def test_an_adapter_for_no_network_is_refused(adapter_copy: Path, tmp_path: Path) -> None:
    edit_json(adapter_copy / "adapter_config.json", base_model_name_or_path="baseline")
    with pytest.raises(WrongCheckpoint, match="is for 'baseline', which is no DINOv2 network"):
        resolve("tuned", cache_dir=tmp_path)


def test_importing_the_registry_is_light() -> None:
    heavy = "{'torch', 'transformers', 'peft', 'skimage', 'huggingface_hub', 'httpx'}"
    program = f"import sys, ml.models.registry; print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
