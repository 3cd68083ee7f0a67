"""The loss against plain loops, and the two ways to keep the teacher from sending all to one prototype."""

import math

import pytest
import torch
from torch import Tensor

from ml.training.config import TrainingConfig
from ml.training.loss import DinoLoss, Spread, koleo, sinkhorn_knopp, spread_of

P = 5


def scores(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plain(teacher: Tensor, student: Tensor, centre: Tensor, temperature: float) -> float:
    """Algorithm 1 of the paper, picture by picture and pair by pair."""
    total, pairs = 0.0, 0
    for t in range(2):
        for s in range(len(student)):
            if s == t:
                continue
            pairs += 1
            for i in range(student.shape[1]):
                target = torch.softmax((teacher[t, i] - centre) / temperature, 0)
                total -= float((target * torch.log_softmax(student[s, i] / 0.1, 0)).sum()) / student.shape[1]
    return total / pairs


def test_as_plain_loops_have_it() -> None:
    loss = DinoLoss(TrainingConfig(prototypes=P))
    loss.centre.copy_(scores(P, seed=3))
    teacher, student = scores(2, 4, P), scores(6, 4, P, seed=1)
    ours = float(loss(loss.targets(teacher, 0.05), student))
    assert ours == pytest.approx(plain(teacher, student, loss.centre, 0.05), rel=1e-5)


def test_a_crop_meets_the_targets_of_its_own_picture_only() -> None:
    loss = DinoLoss(TrainingConfig(prototypes=P))
    student = scores(6, 4, P, seed=1).requires_grad_()
    targets = loss.targets(scores(2, 4, P), 0.05)
    changed = targets.clone()
    changed[:, 2] = targets[:, 2].roll(1, -1)
    first, second = (torch.autograd.grad(loss(one, student), student)[0] for one in (targets, changed))
    differs = (first != second).any(-1).any(0)
    assert differs.tolist() == [False, False, True, False]


def test_no_crop_learns_from_itself() -> None:
    loss = DinoLoss(TrainingConfig(prototypes=P, local_crops=0))
    targets = loss.targets(scores(2, 3, P), 0.05)
    student = scores(2, 3, P, seed=1).requires_grad_()
    changed = torch.stack([targets[0].roll(1, -1), targets[1]])
    # Global crop 0 has its targets from crop 1 alone.
    first, second = (torch.autograd.grad(loss(one, student), student)[0] for one in (targets, changed))
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])


def test_the_teacher_has_no_gradient() -> None:
    teacher = scores(2, 3, P).requires_grad_()
    assert not DinoLoss(TrainingConfig(prototypes=P)).targets(teacher, 0.05).requires_grad


def test_the_centre_starts_at_the_first_batch_and_follows_slowly() -> None:
    loss = DinoLoss(TrainingConfig(prototypes=P, centre_momentum=0.9))
    first, second = scores(2, 8, P), scores(2, 8, P, seed=1)
    loss.start_centre(first)
    torch.testing.assert_close(loss.centre, first.mean((0, 1)))
    loss.update_centre(second)
    torch.testing.assert_close(loss.centre, 0.9 * first.mean((0, 1)) + 0.1 * second.mean((0, 1)))


def test_centring_takes_from_a_prototype_that_wins_everywhere() -> None:
    loss = DinoLoss(TrainingConfig(prototypes=P))
    teacher = scores(2, 64, P)
    teacher[..., 0] += 3
    assert loss.targets(teacher, 0.05)[..., 0].mean() > 0.9
    loss.start_centre(teacher)
    assert loss.targets(teacher, 0.05)[..., 0].mean() < 0.4


def test_sinkhorn_knopp_uses_every_prototype_equally() -> None:
    teacher = scores(64, P)
    teacher[:, 0] += 1
    shares = sinkhorn_knopp(teacher, 0.5)
    torch.testing.assert_close(shares.sum(1), torch.ones(64))
    torch.testing.assert_close(shares.sum(0), torch.full((P,), 64 / P), rtol=0.1, atol=0)
    assert torch.isfinite(sinkhorn_knopp(1000 * teacher, 0.04)).all()
    loss = DinoLoss(TrainingConfig(prototypes=P, centring="sinkhorn"))
    torch.testing.assert_close(loss.targets(teacher.view(2, 32, P), 0.5), shares.view(2, 32, P))


def test_koleo_by_hand_and_it_spreads() -> None:
    tokens = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    # On the circle: neighbours at a right angle, at a distance of the root of 2, all three.
    assert float(koleo(tokens)) == pytest.approx(-math.log(math.sqrt(2)), rel=1e-5)
    near = torch.tensor([[1.0, 0.0], [1.0, 0.01], [-1.0, 0.0]], requires_grad=True)
    gradient = torch.autograd.grad(koleo(near), near)[0]
    assert gradient[1, 1] < 0  # downhill is away from the neighbour


def test_the_spread_tells_collapse_from_variety() -> None:
    # Not a random number in it: each picture has a prototype of its own, with certainty.
    certain = torch.eye(8)[None].repeat(2, 1, 1)
    varied = spread_of(certain, torch.eye(8))
    assert varied.floor == pytest.approx(0)
    assert varied.mean_entropy == pytest.approx(1)
    assert not varied.collapse
    one = torch.zeros(2, 8, 8)
    one[..., 3] = 1
    assert "same few prototypes" in spread_of(one, torch.eye(8)).collapse
    uniform = torch.full((2, 8, 8), 1 / 8)
    assert "uniform" in spread_of(uniform, torch.eye(8)).collapse
    assert spread_of(uniform, torch.eye(8)).floor == pytest.approx(math.log(8))
    assert "nearly the same embedding" in spread_of(certain, torch.ones(8, 8)).collapse
    assert Spread(1.0, 0.5, 0.9, 0.5).collapse == ""


def test_tokens_that_point_everywhere_deviate_by_one() -> None:
    tokens = scores(4000, 64)
    assert spread_of(torch.eye(8)[None].repeat(2, 1, 1), tokens).deviation == pytest.approx(1, abs=0.02)
