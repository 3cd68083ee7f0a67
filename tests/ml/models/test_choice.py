"""What a machine takes by itself: by its device, its memory, and what is at hand, with the reason in a line."""

import json
from pathlib import Path

import pytest

from ml.models.choice import Machine, choose, this_machine
from ml.models.registry import REGISTRY
from tests.ml.checkpoints import edit_json, processor_config
from tests.ml.hub import LocalHub

GB = 1_000_000_000
PLAIN = Machine("cpu", 16 * GB, has_bfloat16=False)
QUICK = Machine("cpu", 16 * GB, has_bfloat16=True)
APPLE = Machine("mps", 16 * GB, has_bfloat16=False)
CARD = Machine("cuda", 24 * GB, has_bfloat16=True)
ALL = ("small", "base", "large", "giant")


def put(cache_dir: Path, *names: str) -> None:
    """Make it look as if these models' files were here: their cards, without any weights."""
    for name in names:
        spec, folder = REGISTRY[name], cache_dir / name
        folder.mkdir(parents=True)
        kind = "dinov2_with_registers" if spec.registers else "dinov2"
        card = {"model_type": kind, "hidden_size": spec.width, "patch_size": spec.patch}
        (folder / "config.json").write_text(json.dumps(card))
        (folder / "preprocessor_config.json").write_text(json.dumps(processor_config(256, 224)))
        (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")


@pytest.mark.parametrize(
    ("machine", "at_hand", "chosen"),
    [
        # The best that the machine carries with ease: giant is never taken unasked.
        (CARD, ALL, "large"),
        (QUICK, ALL, "base"),
        (APPLE, ALL, "base"),
        (PLAIN, ALL, "small"),
        (CARD, ("small",), "small"),
        (CARD, ("giant",), None),
        # What is slow is taken when nothing else is here, the least slow of it.
        (PLAIN, ("base", "large"), "base"),
        (PLAIN, ("large",), "large"),
        (QUICK, ("large",), "large"),
        # What does not fit is not, at four copies: large needs 4.9 GB, base 1.4 GB, small 0.35 GB.
        (Machine("cuda", 4 * GB, has_bfloat16=True), ALL, "base"),
        (Machine("cuda", 1 * GB, has_bfloat16=True), ALL, "small"),
        (Machine("cpu", 1 * GB, has_bfloat16=True), ("base", "large"), None),
        (Machine("cpu", GB // 4, has_bfloat16=True), ALL, None),
    ],
)
def test_the_best_that_suits_the_machine(
    tmp_path: Path, machine: Machine, at_hand: tuple[str, ...], chosen: str | None
) -> None:
    put(tmp_path, *(f"dinov2-{size}" for size in at_hand))
    assert choose(tmp_path, machine).name == (f"dinov2-{chosen}" if chosen else "baseline")


def test_registers_are_as_good(tmp_path: Path) -> None:
    put(tmp_path, "dinov2-with-registers-base", "dinov2-small")
    assert choose(tmp_path, QUICK).name == "dinov2-with-registers-base"
    put(tmp_path, "dinov2-base")
    assert choose(tmp_path, QUICK).name == "dinov2-base"


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("machine", "fetched"),
    [
        (CARD, "dinov2-base"),
        (QUICK, "dinov2-small"),
        (PLAIN, "dinov2-small"),
        (APPLE, "dinov2-small"),
        (Machine("cuda", 1 * GB, has_bfloat16=True), "dinov2-small"),
        (Machine("cuda", GB // 4, has_bfloat16=True), "baseline"),
    ],
)
def test_what_is_fetched_is_small(tmp_path: Path, machine: Machine, fetched: str) -> None:
    assert choose(tmp_path, machine).name == fetched


def test_what_is_here_comes_before_what_can_be_fetched(hub: LocalHub, tmp_path: Path) -> None:
    put(tmp_path, "dinov2-small")
    assert choose(tmp_path, CARD).name == "dinov2-small"
    assert not hub.sent


def test_the_reason_is_one_plain_line(tmp_path: Path, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = [choose(tmp_path, QUICK).reason]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reasons += [choose(tmp_path, machine).reason for machine in (CARD, Machine("cpu", GB // 4, has_bfloat16=True))]
    put(tmp_path, "dinov2-small")
    reasons.append(choose(tmp_path, PLAIN).reason)
    assert reasons == [
        "its weights can be fetched from the model hub (88 MB; cpu with bfloat16, 16 GB)",
        "the weights of dinov2-base are not here and the hub does not answer",
        "250 MB of memory are too little for a network",
        "its weights are on this machine, and it suits it (cpu, 16 GB)",
    ]


def test_this_machine_is_known(tmp_path: Path) -> None:
    machine = this_machine()
    assert machine.kind in {"cpu", "cuda", "mps"}
    assert GB // 2 < machine.memory_bytes < 100_000 * GB
    assert choose(tmp_path).name == "baseline"


def test_files_that_are_not_the_models_own_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "dinov2-small", "dinov2-base", "dinov2-with-registers-base")
    edit_json(tmp_path / "dinov2-base" / "config.json", hidden_size=64)
    (tmp_path / "dinov2-with-registers-base" / "model.safetensors").write_bytes(b"cut")
    assert choose(tmp_path, QUICK).name == "dinov2-small"
