"""Runs from beginning to end on a small network: that it learns, ends the same twice, and goes on where it stopped."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ml.embedder import Embedder
from ml.models.checkpoint import read_network
from ml.models.model import ModelUnavailable, UnknownModel
from ml.models.registry import load_model
from ml.models.weights import ADAPTER_CONFIG, ADAPTER_WEIGHTS, WEIGHTS
from ml.training import checkpoint
from ml.training.config import Machine, TrainingConfig, TrainingError
from ml.training.dino import Step
from ml.training.pictures import Picture
from ml.training.probes import Probe
from ml.training.run import Began, Event, Task, train
from tests.ml.checkpoints import Reference, cosines, make_adapter
from tests.ml.checkpoints import pictures as samples
from tests.ml.training.conftest import CPU, draw


def run(task: Task, *, stop_at: int | None = None) -> list[Event]:
    """What a run reports; it is told to stop after `stop_at` steps."""
    events: list[Event] = []
    steps = 0

    def stop() -> bool:
        nonlocal steps
        steps += 1
        return steps == stop_at

    state = train(task, events.append, stop)
    assert state == ("done" if stop_at is None else "stopped")
    return events


def steps_of(events: list[Event]) -> list[Step]:
    return [one for one in events if isinstance(one, Step)]


def losses(events: list[Event]) -> list[float]:
    return [one.loss for one in steps_of(events)]


def weights(output: Path) -> dict[str, torch.Tensor]:
    return load_file(output / ADAPTER_WEIGHTS)


def test_a_run_reports_and_leaves_an_adapter(task: Task) -> None:
    events = run(task)
    began = events[0]
    assert isinstance(began, Began)
    # Rank 4 on five layers of three blocks, and the head; weight lengths and all of the network are frozen.
    lora = 3 * (4 * 64 * 2 * 3 + 4 * (64 + 128) * 2)
    head = 64 * 32 + 32 + 32 * 32 + 32 + 32 * 16 + 16 + 16 * 24
    assert began.trainable == lora + head
    network = read_network(Path(task.model), 0)
    assert began.frozen == sum(one.numel() for one in network.parameters())
    assert (began.pictures, began.labels, began.steps, began.step, began.batch_size) == (12, 2, 6, 0, 4)
    assert [one.step for one in steps_of(events)] == [1, 2, 3, 4, 5, 6]
    assert [one.epoch for one in steps_of(events)] == [0, 0, 0, 1, 1, 1]
    probes = [one for one in events if isinstance(one, tuple)]
    assert [epochs for epochs, _ in probes] == [0, 1, 2]
    assert all(isinstance(probe, Probe) and 0 <= probe.knn <= 1 for _, probe in probes)
    files = {file.name for file in task.output.iterdir()}
    assert files == {ADAPTER_CONFIG, ADAPTER_WEIGHTS, "README.md", "training.json", "curves.svg"}
    story = json.loads((task.output / "training.json").read_text())
    assert TrainingConfig.from_json(story["config"]) == task.config
    assert story["data"] == {"name": "drawn", "pictures": 12, "refused": 0, "labels": 2}
    assert [one["loss"] for one in story["history"] if one["kind"] == "step"] == losses(events)
    assert {"likeness", "commit", "torch", "transformers", "peft"} == story["versions"].keys()
    card = (task.output / "README.md").read_text()
    assert "| 2 |" in card
    assert "12 pictures of drawn" in card
    assert "<title>" in (task.output / "curves.svg").read_text()


def test_the_adapter_is_a_model_of_its_own(task: Task) -> None:
    # A teacher that follows at once, so that two epochs move it.
    run(replace(task, config=replace(task.config, learning_rate=0.01, momentum_start=0.0, momentum=0.0)))
    model = load_model(str(task.output), cache_dir=task.models_dir)
    base = load_model(task.model, cache_dir=task.models_dir)
    assert model.spec.adapter == "tuned"
    assert model.identity != base.identity
    inputs = [model.preprocess(image) for image in samples()]
    tuned, before = Embedder(model).embed(inputs), Embedder(base).embed(inputs)
    assert cosines(tuned, before).max() < 0.9999
    # Merged, as the gallery runs it, against peft's own sum of two branches.
    from peft import PeftModel

    network: Any = PeftModel.from_pretrained(read_network(Path(task.model), 0), str(task.output))
    unmerged = Reference(Path(task.model), network)
    for pixels, row in zip(inputs, tuned, strict=True):
        assert cosines(unmerged.embed_pixels(np.array(pixels, np.uint8)), row) >= 0.9999


def test_plain_peft_loads_it_outside_this_project(task: Task, tmp_path: Path) -> None:
    run(task)
    program = (
        "import sys, torch; from peft import PeftModel; from transformers import Dinov2Model\n"
        "network = PeftModel.from_pretrained(Dinov2Model.from_pretrained(sys.argv[1]), sys.argv[2])\n"
        "x = torch.zeros(1, 3, 56, 56)\n"
        "with torch.no_grad():\n"
        "    on = network(pixel_values=x).pooler_output\n"
        "    with network.disable_adapter(): off = network(pixel_values=x).pooler_output\n"
        "assert not any(name.startswith(('ml.', 'app.')) for name in sys.modules)\n"
        "print(float((on - off).abs().max()))\n"
    )
    asked = [sys.executable, "-c", program, task.model, str(task.output)]
    found = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120)
    assert float(found.stdout) > 0


def test_the_same_seed_ends_the_same(task: Task, tmp_path: Path) -> None:
    again = replace(task, output=tmp_path / "again")
    other = replace(task, output=tmp_path / "other", config=replace(task.config, seed=1))
    assert losses(run(task)) == losses(run(again))
    first, second = weights(task.output), weights(again.output)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert losses(run(other))[0] != losses_of(task)[0]


def losses_of(task: Task) -> list[float]:
    history = json.loads((task.output / "training.json").read_text())["history"]
    return [one["loss"] for one in history if one["kind"] == "step"]


@pytest.mark.parametrize("stop_at", [1, 3, 4])
@pytest.mark.parametrize("from_scratch", [False, True])
def test_a_run_that_stopped_goes_on_bit_for_bit(task: Task, tmp_path: Path, stop_at: int, from_scratch: bool) -> None:
    task = replace(task, config=replace(task.config, from_scratch=from_scratch))
    whole = run(task)
    broken = replace(task, output=tmp_path / "broken")
    first = run(broken, stop_at=stop_at)
    second = run(replace(broken, resume=True))
    assert losses(first) + losses(second) == losses(whole)
    began = second[0]
    assert isinstance(began, Began)
    assert began.step == stop_at
    file = WEIGHTS if from_scratch else ADAPTER_WEIGHTS
    expected, found = load_file(task.output / file), load_file(broken.output / file)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert losses_of(broken) == losses(whole)
    assert not checkpoint.list_steps(broken.output)


def test_checkpoints_come_by_the_clock(task: Task) -> None:
    kept: list[list[int]] = []
    machine = replace(CPU, checkpoint_every_s=0)
    train(replace(task, machine=machine), lambda event: kept.append(checkpoint.list_steps(task.output)))
    assert [1, 2] in kept
    assert [4, 5] in kept


def test_a_batch_in_parts_teaches_the_same(task: Task, tmp_path: Path) -> None:
    """Gradient accumulation, where memory is short: the targets still are those of the whole batch."""
    for number, changes in enumerate([{}, {"centring": "sinkhorn"}]):
        config = replace(task.config, **changes)
        whole = replace(task, config=config, output=tmp_path / f"whole{number}")
        parts = replace(whole, output=tmp_path / f"parts{number}", machine=replace(CPU, memory_bytes=1))
        events = run(parts)
        began = events[0]
        assert isinstance(began, Began)
        assert began.part == 1
        np.testing.assert_allclose(losses(events), losses(run(whole)), rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "machine"),
    [
        ({"last_blocks": 1}, CPU),
        ({}, replace(CPU, precision="bfloat16")),
        ({}, replace(CPU, gradient_checkpointing=True)),
        ({"centring": "sinkhorn", "koleo": 0.1, "local_crops": 0}, CPU),
    ],
)
def test_other_ways_to_compute(task: Task, changes: dict[str, Any], machine: Machine) -> None:
    events = run(replace(task, config=replace(task.config, **changes), machine=machine))
    assert np.isfinite(losses(events)).all()
    assert load_model(str(task.output), cache_dir=task.models_dir).spec.adapter == "tuned"


def test_checkpointing_takes_less_memory(task: Task, tmp_path: Path) -> None:
    def per_picture(output: str, machine: Machine) -> int:
        began = run(replace(task, output=tmp_path / output, machine=machine))[0]
        assert isinstance(began, Began)
        return began.bytes_per_picture

    assert per_picture("a", replace(CPU, gradient_checkpointing=True)) < 0.8 * per_picture("b", CPU)


def test_from_scratch_leaves_a_network(task: Task) -> None:
    events = run(
        replace(task, model="tiny", config=replace(task.config, from_scratch=True, global_size=32, local_size=16))
    )
    began = events[0]
    assert isinstance(began, Began)
    assert began.frozen == 0
    model = load_model(str(task.output), cache_dir=task.models_dir)
    assert (model.dim, model.spec.input_size, model.spec.adapter) == (128, 32, None)
    embeddings = Embedder(model).embed([model.preprocess(image) for image in samples()])
    assert np.isfinite(embeddings).all()


def test_few_pictures_are_learnt_by_heart(checkpoint: Path, tmp_path: Path, pictures: list[Picture]) -> None:
    """What the student cannot tell of the teacher's targets, loss less floor, goes towards nothing."""
    config = TrainingConfig(
        epochs=60,
        batch_size=12,
        global_size=56,
        local_size=28,
        local_crops=0,
        global_scale=(0.9, 1.0),
        hidden=64,
        bottleneck=16,
        prototypes=24,
        learning_rate=3e-3,
        warmup_epochs=5,
        momentum_start=0.9,
        momentum=0.99,
        teacher_warmup_epochs=0,
        probe_every=60,
    )
    task = Task(str(checkpoint), tmp_path, "drawn", pictures, [], tmp_path / "learnt", config, CPU)
    missing = [one.loss - one.spread.floor for one in steps_of(run(task))]
    assert np.mean(missing[-5:]) < 0.25 * np.mean(missing[:5])


def test_pictures_without_labels_are_not_probed(task: Task) -> None:
    bare = [replace(one, label="") for one in task.pictures]
    events = run(replace(task, pictures=bare))
    assert not [one for one in events if isinstance(one, tuple)]
    assert "nothing was measured" in (task.output / "README.md").read_text()


def test_what_cannot_be_read_is_left_out_and_named(task: Task, tmp_path: Path) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(Path(str(task.pictures[0].content)).read_bytes()[:200])
    more = [Picture("cut.png", cut, "spots"), Picture("gone.png", tmp_path / "gone.png", "spots")]
    began = run(replace(task, pictures=[*task.pictures, *more]))[0]
    assert isinstance(began, Began)
    assert began.pictures == 12
    assert [one.name for one in began.refused] == ["cut.png", "gone.png"]
    assert "No such file" in began.refused[1].reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda task: replace(task, pictures=[]), "0 of 0 pictures can be used, and training needs at least 2"),
        (lambda task: replace(task, pictures=task.pictures[:1]), "1 of 1 pictures"),
        (lambda task: replace(task, model="baseline"), "has no network to train"),
        (lambda task: replace(task, config=replace(task.config, last_blocks=9)), "has 3 blocks"),
        (lambda task: replace(task, machine=Machine(device="cuda")), "there is no cuda device"),
    ],
)
def test_what_cannot_be_trained_is_told(task: Task, change: Callable[[Task], Task], words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        run(change(task))
    assert not task.output.exists()


def test_models_that_are_not_there(task: Task) -> None:
    with pytest.raises(UnknownModel):
        run(replace(task, model="nonesuch"))
    with pytest.raises(ModelUnavailable, match="likeness models fetch dinov2-small"):
        run(replace(task, model="dinov2-small"))


def test_an_adapter_is_no_network(task: Task, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "other", Path(task.model))
    with pytest.raises(TrainingError, match="is an adapter already"):
        run(replace(task, model=str(adapter)))


def test_a_folder_that_holds_something_is_not_written_over(task: Task) -> None:
    run(task)
    with pytest.raises(TrainingError, match="holds a model already"):
        run(task)
    other = replace(task, output=task.output.with_name("other"))
    run(other, stop_at=2)
    with pytest.raises(TrainingError, match=r"has not ended \(step 2\): go on with --resume"):
        run(other)
    with pytest.raises(TrainingError, match=r"other settings \(rank: 4, 8\)"):
        run(replace(other, resume=True, config=replace(other.config, rank=8)))
    with pytest.raises(TrainingError, match="other pictures"):
        run(replace(other, resume=True, pictures=other.pictures[:-1]))
    assert checkpoint.list_steps(other.output) == [2]
    run(replace(other, resume=True))


def test_a_loss_that_is_no_number_ends_the_run(task: Task) -> None:
    with pytest.raises(TrainingError, match="lower the learning rate"):
        run(replace(task, config=replace(task.config, epochs=30, learning_rate=1e18, clip=1e18)))
    assert not (task.output / ADAPTER_CONFIG).exists()


def test_bare_pixels_need_no_file(task: Task, tmp_path: Path) -> None:
    drawn = draw(tmp_path / "one.png", "spots", 3)
    pixels = np.asarray(Image.open(str(drawn.content)))
    bare = [replace(one, content=pixels) for one in task.pictures]
    assert np.isfinite(losses(run(replace(task, pictures=bare)))).all()
