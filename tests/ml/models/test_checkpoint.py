"""Files to a network in memory: whole or refused by name; adapters merged or refused; identity follows every part."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import Dinov2Model

from ml.embedder import Embedder
from ml.models.checkpoint import read_network
from ml.models.model import Model, WrongCheckpoint
from ml.models.registry import load_model
from tests.ml.checkpoints import (
    POOLINGS,
    Array,
    Reference,
    cosines,
    edit_json,
    make_adapter,
    make_network,
    pictures,
)
from tests.ml.conftest import UseFormat


def load(folder: Path, name: str = "") -> Model:
    return load_model(f"{folder}{name}", cache_dir=folder / "unused")


def embed(model: Model) -> Array:
    return Embedder(model).embed([model.preprocess(picture) for picture in pictures()])


# The network's own files.


def test_a_truncated_file_is_named_with_its_sizes(copy: Path) -> None:
    weights = copy / "model.safetensors"
    whole = weights.stat().st_size
    weights.write_bytes(weights.read_bytes()[:-1000])
    said = rf"model\.safetensors is damaged or cut short: {whole - 1000:,} of {whole:,} bytes"
    with pytest.raises(WrongCheckpoint, match=said):
        load(copy)


def test_another_architecture_is_named(copy: Path) -> None:
    edit_json(copy / "config.json", model_type="vit")
    with pytest.raises(WrongCheckpoint, match="copy holds a vit model; dinov2 or dinov2_with_registers is needed"):
        load(copy)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"num_hidden_layers": 4}, r"model\.safetensors lacks \d+ weights of DINOv2, such as"),
        (
            {"hidden_size": 32},
            r"model\.safetensors holds \d+ weights of another shape than config\.json states, such as",
        ),
        ({"model_type": "dinov2_with_registers", "num_register_tokens": 2}, r"lacks 1 weights of DINOv2"),
        ({"num_attention_heads": 5}, r"model\.safetensors holds \d+ weights of another shape"),
        ({"hidden_size": "wide"}, r"config\.json"),
    ],
)
def test_weights_that_are_not_those_of_the_configuration_are_named(
    copy: Path, changed: dict[str, Any], said: str
) -> None:
    edit_json(copy / "config.json", **changed)
    with pytest.raises(WrongCheckpoint, match=said):
        load(copy)


def test_a_weight_that_is_missing_is_named(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["layernorm.bias"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WrongCheckpoint, match=r"lacks 1 weights of DINOv2, such as layernorm\.bias"):
        load(copy)


def test_a33_only_safetensors_are_read(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    torch.save(weights, copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(WrongCheckpoint, match=r"has no model\.safetensors: no other format is read"):
        load(copy)


def test_the_network_does_not_learn(checkpoint: Path) -> None:
    network = read_network(checkpoint, 0)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


# Adapters.


@pytest.mark.parametrize("transform", ["reference", "fit"])
def test_a_merged_adapter_equals_the_unmerged_one(
    checkpoint: Path, adapter: Path, use_format: UseFormat, transform: str
) -> None:
    use_format("float32")
    unmerged = Reference(checkpoint, PeftModel.from_pretrained(Dinov2Model.from_pretrained(checkpoint), str(adapter)))
    for pooling in POOLINGS:
        model = load(adapter, f":{pooling}:{transform}")
        inputs = [np.asarray(model.preprocess(picture), np.uint8) for picture in pictures()]
        ours = Embedder(model).embed(inputs)
        theirs = np.stack([unmerged.embed_pixels(pixels, pooling) for pixels in inputs])
        assert cosines(ours, theirs).min() >= 0.9999
        assert cosines(ours, embed(load(checkpoint, f":{pooling}:{transform}"))).max() < 0.999


def test_an_adapter_keeps_in_bfloat16(adapter: Path, use_format: UseFormat) -> None:
    use_format("float32")
    exact = embed(load(adapter))
    use_format("bfloat16")
    assert load(adapter).runs_on == "bfloat16 on cpu"
    assert cosines(embed(load(adapter)), exact).min() >= 0.999


@pytest.mark.filterwarnings("ignore:Found missing adapter keys")
def test_an_adapter_whose_names_do_not_match_is_refused(adapter_copy: Path) -> None:
    weights = load_file(adapter_copy / "adapter_model.safetensors")
    renamed = {name.replace("q_proj", "query"): weight for name, weight in weights.items()}
    for stated in (renamed, dict(list(weights.items())[:-1]), {**weights, "base_model.model.more": torch.ones(1)}):
        save_file(stated, adapter_copy / "adapter_model.safetensors")
        with pytest.raises(
            WrongCheckpoint, match=r"the adapter in \S+/tuned does not fit .* such as base_model\.model"
        ):
            load(adapter_copy)
    save_file({}, adapter_copy / "adapter_model.safetensors")
    with pytest.raises(WrongCheckpoint, match=r"the adapter in .*tuned does not fit"):
        load(adapter_copy)


def test_an_adapter_of_another_width_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    narrow = make_network(tmp_path / "narrow", width=32)
    other = make_adapter(tmp_path / "other", narrow)
    edit_json(other / "adapter_config.json", base_model_name_or_path=str(checkpoint))
    with pytest.raises(WrongCheckpoint, match=r"the adapter in .*other does not fit the network it names"):
        load(other)


@pytest.mark.parametrize("changed", [{"r": 8}, {"target_modules": ["query"]}, {"target_modules": 3}])
def test_an_adapter_of_another_configuration_is_refused(adapter_copy: Path, changed: dict[str, Any]) -> None:
    edit_json(adapter_copy / "adapter_config.json", **changed)
    with pytest.raises(WrongCheckpoint, match=r"the adapter in .*tuned does not fit the network it names"):
        load(adapter_copy)


def test_a_truncated_adapter_is_refused(adapter_copy: Path) -> None:
    weights = adapter_copy / "adapter_model.safetensors"
    for length in (-100, 100, 0):
        weights.write_bytes(weights.read_bytes()[:length])
        with pytest.raises(WrongCheckpoint, match=r"tuned/adapter_model\.safetensors is damaged or cut short"):
            load(adapter_copy)


def test_an_adapter_in_a_format_that_runs_code_is_refused(adapter_copy: Path) -> None:
    weights = adapter_copy / "adapter_model.safetensors"
    torch.save(load_file(weights), adapter_copy / "adapter_model.bin")
    weights.unlink()
    with pytest.raises(WrongCheckpoint, match=r"tuned has no adapter_model\.safetensors: no other format is read"):
        load(adapter_copy)


# Identity.


def test_the_same_files_have_the_same_identity(copy: Path, checkpoint: Path, adapter: Path, adapter_copy: Path) -> None:
    assert load(copy).identity == load(checkpoint).identity == load(checkpoint, ":cls:fit").identity
    assert load(adapter_copy).identity == load(adapter).identity


def test_whatever_makes_an_embedding_makes_the_identity(
    checkpoint: Path, networks: dict[str, Path], adapter: Path, tmp_path: Path
) -> None:
    stronger = Path(shutil.copytree(adapter, tmp_path / "stronger"))
    edit_json(stronger / "adapter_config.json", lora_alpha=16)
    others = [
        make_network(tmp_path / "weights", gain=0.86),
        make_network(tmp_path / "heads", num_attention_heads=8),
        make_network(tmp_path / "eps", layer_norm_eps=1e-5),
        make_network(tmp_path / "crop", crop=70),
    ]
    mean = make_network(tmp_path / "mean")
    edit_json(mean / "preprocessor_config.json", image_mean=[0.5, 0.5, 0.5])
    names = [
        *networks.values(), *others, mean, adapter, stronger, make_adapter(tmp_path / "less", checkpoint, bias="all"),
        *(f"{folder}:{pooling}:{transform}" for folder in (checkpoint, adapter)
          for pooling, transform in (("mean", ""), ("cls+mean", ""), ("cls", "reference"), ("cls", "tiles"))),
    ]  # fmt: skip
    identities = {str(name): load(Path(str(name).rstrip(":"))).identity for name in names}
    assert len(set(identities.values())) == len(names)
    assert all(len(identity) == 64 for identity in identities.values())


def test_one_changed_bit_changes_the_identity(copy: Path, checkpoint: Path, adapter_copy: Path, adapter: Path) -> None:
    for changed, original in ((copy, checkpoint), (adapter_copy, adapter)):
        (file,) = changed.glob("*.safetensors")
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        assert load(changed).identity != load(original).identity
