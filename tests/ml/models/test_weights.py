"""Where weights lie, what they are, whether they are whole, and whether there is a hub."""

import shutil
from pathlib import Path

import pytest

from ml.models import weights
from ml.models.model import WrongCheckpoint
from ml.models.registry import BASELINE, REGISTRY
from tests.ml.checkpoints import REGISTERS, edit_json
from tests.ml.hub import LocalHub

SMALL = REGISTRY["dinov2-small"]


def test_weights_in_the_cache_folder_are_found(checkpoint: Path, tmp_path: Path) -> None:
    assert weights.find(SMALL, tmp_path) is None
    folder = Path(shutil.copytree(checkpoint, tmp_path / "dinov2-small"))
    assert weights.find(SMALL, tmp_path) == folder
    assert weights.list_folders(tmp_path) == ["dinov2-small"]
    (folder / "preprocessor_config.json").unlink()
    assert weights.find(SMALL, tmp_path) is None


def test_weights_in_the_hubs_own_cache_are_found(checkpoint: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--facebook--dinov2-small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    shutil.copytree(checkpoint, repository / "snapshots" / "abc")
    assert weights.find(SMALL, tmp_path) == repository / "snapshots" / "abc"


def test_a_descriptor_has_no_weights(tmp_path: Path) -> None:
    assert weights.find(BASELINE, tmp_path) is None


def test_the_card_of_a_network_comes_from_its_files(networks: dict[str, Path]) -> None:
    card = weights.read_card(networks["registers"])
    assert (card.name, card.width, card.patch, card.registers) == ("registers", 64, 14, REGISTERS)
    assert (card.input_size, card.pooling, card.transform, card.adapter) == (56, "cls", "fit", None)
    assert card.size_bytes == (networks["registers"] / "model.safetensors").stat().st_size


def test_a_configuration_that_is_none_is_named(copy: Path) -> None:
    for text in ("", "[1]", "{}", '{"model_type": "dinov2"}', '{"model_type": ["dinov2"]}'):
        (copy / "config.json").write_text(text)
        with pytest.raises(WrongCheckpoint, match=r"copy/config\.json cannot be read as a model's"):
            weights.read_card(copy)


def test_a_file_is_compared_with_its_own_header(copy: Path) -> None:
    file = copy / "model.safetensors"
    content = file.read_bytes()
    weights.check_whole(file)
    for damaged, said in (
        (content[:-1], rf"{len(content) - 1:,} of {len(content):,} bytes"),
        (content + b"\0", rf"{len(content) + 1:,} of {len(content):,} bytes"),
        (content[:1000], "no header of safetensors"),
        (content[:7], "no header of safetensors"),
        (b"", "no header of safetensors"),
        (b"<!doctype html><html>not found</html>", "no header of safetensors"),
        (content[:8] + b"[" + content[9:], "its header cannot be read"),
        ((2).to_bytes(8, "little") + b"[]", "its header cannot be read"),
    ):
        file.write_bytes(damaged)
        with pytest.raises(WrongCheckpoint, match=rf"model\.safetensors is damaged.*{said}"):
            weights.check_whole(file)


def test_what_an_adapter_is_for_is_what_it_states(adapter_copy: Path, checkpoint: Path) -> None:
    assert weights.read_adapter_base(adapter_copy) == str(checkpoint)
    for changed in ({"peft_type": "LOHA"}, {"base_model_name_or_path": None}, {"base_model_name_or_path": ""}):
        shutil.copy(adapter_copy / "adapter_config.json", adapter_copy / "kept.json")
        edit_json(adapter_copy / "adapter_config.json", **changed)
        with pytest.raises(WrongCheckpoint, match=r"tuned/adapter_config\.json is not that of a LoRA adapter"):
            weights.read_adapter_base(adapter_copy)
        shutil.move(adapter_copy / "kept.json", adapter_copy / "adapter_config.json")


def test_a_model_is_removed_and_nothing_else(checkpoint: Path, tmp_path: Path) -> None:
    cache = tmp_path / "models"
    for name in ("one", "two"):
        shutil.copytree(checkpoint, cache / name)
    (tmp_path / "precious").write_text("kept")
    for name in ("..", ".", "", "../models", "one/..", str(tmp_path), "three"):
        assert weights.remove(name, cache) == 0
    assert weights.list_folders(cache) == ["one", "two"]
    assert weights.remove("one", cache) == sum(file.stat().st_size for file in checkpoint.iterdir())
    assert weights.list_folders(cache) == ["two"]
    assert weights.list_folders(tmp_path / "nowhere") == []


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("on", True), ("True", True), ("0", False), ("", False)])
def test_offline_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, value: str, offline: bool) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert weights.is_offline() == offline


def test_a_hub_that_is_silent_is_not_waited_for(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.hub_answers()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    assert not weights.hub_answers()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    assert not weights.hub_answers()
