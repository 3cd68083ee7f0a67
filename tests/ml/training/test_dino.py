"""The loop's two halves: batches in which row i of every crop is of picture i, and a step against the plain way."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ml.decoder import Decoder
from ml.models.checkpoint import read_network
from ml.models.preprocess import Normalisation
from ml.training.backbone import STUDENT, TEACHER, adapt
from ml.training.config import TrainingConfig, TrainingError
from ml.training.dino import Learner
from ml.training.loader import Crops, Loader
from ml.training.loss import DinoLoss
from ml.training.pictures import Picture, Studio
from ml.training.schedule import Schedule

CPU = torch.device("cpu")


def learner_of(checkpoint: Path, config: TrainingConfig, part: int = 4) -> Learner:
    torch.manual_seed(0)
    backbone = adapt(read_network(checkpoint, 0), config)
    return Learner(config, backbone, CPU, torch.float32, Schedule(config, 3), part=part)


def crops_of(n: int = 4) -> Crops:
    generator = torch.Generator().manual_seed(5)
    return Crops(torch.randn(2, n, 3, 56, 56, generator=generator), torch.randn(3, n, 3, 28, 28, generator=generator))


def plain_loss(learner: Learner, crops: Crops, temperature: float) -> Tensor:
    """Picture by picture and crop by crop, by the paper's formula, through the network's own forward pass."""
    network, losses = learner.backbone.network, []
    for i in range(crops.pictures):
        views = [*crops.globals[:, i], *crops.locals[:, i]]
        learner.backbone.use(TEACHER)
        with torch.no_grad():
            taught = [learner.teacher.head(network(pixel_values=v[None]).last_hidden_state[:, 0])[0] for v in views[:2]]
        learner.backbone.use(STUDENT)
        said = [learner.head(network(pixel_values=view[None]).last_hidden_state[:, 0])[0] for view in views]
        for t, answer in enumerate(taught):
            target = torch.softmax((answer - learner.loss.centre) / temperature, 0)
            losses += [-(target * torch.log_softmax(one / 0.1, 0)).sum() for s, one in enumerate(said) if s != t]
    return torch.stack(losses).mean().detach()


@pytest.mark.parametrize("last_blocks", [None, 1])
@pytest.mark.parametrize("part", [4, 3, 1])
def test_a_step_is_the_papers(checkpoint: Path, small: TrainingConfig, part: int, last_blocks: int | None) -> None:
    config = replace(small, last_blocks=last_blocks)
    learner, crops = learner_of(checkpoint, config, part), crops_of()
    learner.loss.centre.copy_(0.1 * torch.randn(config.prototypes, generator=torch.Generator().manual_seed(1)))
    expected = plain_loss(learner, crops, 0.04)
    loss, _, _ = learner.step(crops, 1)
    assert loss == pytest.approx(float(expected), rel=1e-4)


def test_pictures_mixed_up_teach_something_else(checkpoint: Path, small: TrainingConfig) -> None:
    learner, crops = learner_of(checkpoint, small), crops_of()
    mixed = Crops(crops.globals, crops.locals.roll(1, dims=1))
    right, wrong = (copy.deepcopy(learner).step(one, 1)[0] for one in (crops, mixed))
    assert right != pytest.approx(wrong, rel=1e-4)
    # In another order, but each with its own, they teach the same.
    order = torch.tensor([2, 0, 3, 1])
    moved = Crops(crops.globals[:, order], crops.locals[:, order])
    assert copy.deepcopy(learner).step(moved, 1)[0] == pytest.approx(right, rel=1e-5)


def test_a_step_moves_student_teacher_and_centre(checkpoint: Path, small: TrainingConfig) -> None:
    learner = learner_of(checkpoint, small)
    before = {name: tensor.clone() for name, tensor in learner.tensors().items()}
    learner.step(crops_of(), 4)
    after = learner.tensors()
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert any(name.startswith("student.backbone") for name in moved)
    assert any(name.startswith("student.head") for name in moved)
    assert any(name.startswith("teacher.backbone") for name in moved)
    assert "centre" in moved
    name = next(name for name in moved if name.startswith("teacher.backbone") and "lora_B" in name)
    student = after[name.replace("teacher", "student", 1)]
    # It follows by what its momentum leaves.
    momentum = learner.schedule.momentum(4)
    torch.testing.assert_close(after[name], momentum * before[name] + (1 - momentum) * student)


def test_prototypes_are_held_still_in_the_first_epoch(checkpoint: Path, small: TrainingConfig) -> None:
    learner = learner_of(checkpoint, small)
    directions = learner.head.prototype_directions.detach().clone()
    learner.step(crops_of(), 2)
    assert torch.equal(directions, learner.head.prototype_directions)
    learner.step(crops_of(), 3)
    assert not torch.equal(directions, learner.head.prototype_directions)


def test_the_centre_of_the_first_step_is_that_of_its_batch(checkpoint: Path, small: TrainingConfig) -> None:
    learner = learner_of(checkpoint, small)
    scores = learner.teach(crops_of())[2]
    learner.step(crops_of(), 0)
    expected = DinoLoss(small)
    expected.start_centre(scores)
    expected.update_centre(scores)
    torch.testing.assert_close(learner.loss.centre, expected.centre)


def test_row_i_of_every_crop_is_of_picture_i(small: TrainingConfig) -> None:
    """Black and white pictures: whatever is done to their colours, the one stays darker."""
    shades = [0, 255, 255, 0, 0, 255, 0, 255]
    pictures = [Picture(str(i), np.full((60, 70, 3), shade, np.uint8)) for i, shade in enumerate(shades)]
    with Decoder(1) as decoder:
        loader = Loader(small, pictures, Studio(decoder), 14, Normalisation((0, 0, 0), (1, 1, 1)), CPU)
        assert (loader.batch_size, loader.steps_per_epoch) == (4, 2)
        batches = list(loader.batches(0, 2))
        again = list(loader.batches(1, 2))
    order = np.random.default_rng((small.seed, 0)).permutation(8)
    for batch, rows in zip(batches, (order[:4], order[4:]), strict=True):
        assert batch.globals.shape == (2, 4, 3, 56, 56)
        assert batch.locals.shape == (3, 4, 3, 28, 28)
        white = torch.tensor([shades[row] == 255 for row in rows])
        for view in [batch.globals[0], *batch.locals]:  # the second global one may be solarized
            assert ((view.mean(dim=(1, 2, 3)) > 0.3) == white).all()
    assert sorted(order) == list(range(8))
    # A batch depends on its step alone: a run that goes on sees what it would have seen.
    assert torch.equal(again[0].globals, batches[1].globals)
    assert torch.equal(again[0].locals, batches[1].locals)


def test_pictures_that_vanish_end_the_run_in_words(small: TrainingConfig, tmp_path: Path) -> None:
    gone = [Picture(str(i), tmp_path / f"{i}.png") for i in range(4)]
    with Decoder(1) as decoder:
        loader = Loader(small, gone, Studio(decoder), 14, Normalisation(), CPU)
        with pytest.raises(TrainingError, match="are they still there"):
            next(loader.batches(0, 1))
